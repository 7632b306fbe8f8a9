"""`nerve models`: what the archives that come along say of themselves, and others."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nerve.model.archive import Metadata, read_metadata
from tests.support.shell import ROOT

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

BUNDLED = sorted((ROOT / "models").glob("*.pt"))


def test_those_that_come_along_are_listed(nerve: Nerve) -> None:
    ended = nerve("models")
    assert (ended.returncode, ended.stderr) == (0, "")
    entries = ended.stdout.split("\n\n")
    assert len(entries) == len(BUNDLED)
    for entry, path in zip(entries, BUNDLED, strict=True):
        metadata = read_metadata(path)
        assert entry.startswith(f"{metadata.name}: ")
        facts = [metadata.language, ", ".join(metadata.labels), metadata.licence, str(path)]
        facts += [f"{score['f1']:.2f}  {split}" for split, score in metadata.scores.items()]
        assert [fact for fact in facts if fact not in entry] == []
        assert f"{path.stat().st_size / 1e6:.1f} MB" in entry


def test_one_of_ones_own_is_described_as_json(nerve: Nerve, archive_path: Path, metadata: Metadata) -> None:
    ended = nerve("models", str(archive_path), "--json")
    (found,) = json.loads(ended.stdout)
    assert (found["name"], found["labels"], found["bytes"]) == ("tiny", ["LOC", "PER"], archive_path.stat().st_size)
    assert (found["description"], found["licence"]) == (metadata.description, metadata.licence)
    assert found["f1"] == {}


@pytest.mark.parametrize("name", ["nowhere.pt", "xx"])
def test_one_that_is_not_there_is_one_line(nerve: Nerve, name: str) -> None:
    ended = nerve("models", name)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"nerve models: there is no model at {name}")
