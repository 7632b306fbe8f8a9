"""`nerve models`: what the bundled archives, and others, say of themselves."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nerve.model import bundled
from nerve.model.contents import read_contents
from nerve.model.metadata import Metadata

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

BUNDLED = [*bundled.available().values()]


def test_the_bundled_models_are_listed(nerve: Nerve) -> None:
    ended = nerve("models")
    assert (ended.returncode, ended.stderr) == (0, "")
    entries = ended.stdout.split("\n\n")
    assert len(entries) == len(BUNDLED)
    for entry, path in zip(entries, BUNDLED, strict=True):
        metadata = read_contents(path).metadata
        assert entry.startswith(f"{metadata.name}: ")
        facts = [metadata.language, ", ".join(metadata.labels), metadata.licence, str(path)]
        facts += [f"{score['f1']:.2f}  {split}" for split, score in metadata.scores.items()]
        assert [fact for fact in facts if fact not in entry] == []
        assert f"{path.stat().st_size / 1e6:.1f} MB" in entry


def test_a_model_of_the_user_is_described_as_json(nerve: Nerve, archive_path: Path, metadata: Metadata) -> None:
    ended = nerve("models", str(archive_path), "--json")
    (described,) = json.loads(ended.stdout)
    assert (described["name"], described["labels"], described["bytes"]) == (
        "tiny",
        ["LOC", "PER"],
        archive_path.stat().st_size,
    )
    assert (described["description"], described["licence"]) == (metadata.description, metadata.licence)
    assert described["f1"] == {}


@pytest.mark.parametrize("name", ["nowhere.pt", "xx"])
def test_a_missing_model_is_one_line(nerve: Nerve, name: str) -> None:
    ended = nerve("models", name)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"nerve models: there is no model {name!r}")
