"""What tests of several rooms share: a clone to run make in, the documents, fakes, small corpora."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
