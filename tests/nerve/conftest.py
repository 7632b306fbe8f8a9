"""The tiny untrained archive as a tagger."""

from pathlib import Path

import pytest

import nerve


@pytest.fixture
def tagger(archive_path: Path) -> nerve.Tagger:
    return nerve.load(archive_path, device="cpu")
