"""Two runs that begin in one folder at the same moment: one writes the manifest, the other one compares its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nerve.bulk import manifest
from nerve.bulk.errors import BulkError
from nerve.bulk.storage import Folder

OURS: dict[str, Any] = {
    "nerve": "1.0",
    "models": {"en": "00ff"},
    "part_bytes": 1024,
    "columns": None,
    "settings": {"to": "jsonl", "unit": "line"},
    "inputs": [{"name": "a.txt", "format": "text", "bytes": 9, "content": "abc"}],
}


class Empty(Folder):
    """A folder as somebody saw it a moment ago, when nothing was in it."""

    def names(self) -> set[str]:
        return set()


@pytest.fixture(params=["here", "in a store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "here":
        folder = Empty(str(tmp_path / "out"))
        folder.make()
        yield folder
    else:
        fsspec = pytest.importorskip("fsspec")
        yield Empty("memory://out")
        fsspec.filesystem("memory").rm("/out", recursive=True)


def test_two_equal_runs_share_the_folder(folder: Folder) -> None:
    manifest.claim(folder, OURS)
    manifest.claim(folder, OURS)
    assert Folder(folder.name).names() == {manifest.NAME}


@pytest.mark.parametrize(
    ("other", "fact"),
    [
        ({"inputs": [OURS["inputs"][0] | {"name": "b.txt"}]}, "of another input than b.txt, by its name, size"),
        ({"inputs": [OURS["inputs"][0] | {"content": "abd"}]}, "of another input than a.txt, by its name, size"),
        ({"inputs": OURS["inputs"] * 2}, "of 1 input files, not 2"),
        ({"models": {"en": "ff00"}}, "with another model"),
        ({"part_bytes": 2048}, "with parts of 1,024 bytes, not 2,048"),
        ({"settings": {"to": "conll", "unit": "line"}}, "with another setting: to"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_of_two_that_differ_the_second_is_refused(folder: Folder, other: dict[str, Any], fact: str) -> None:
    manifest.claim(folder, OURS)
    before = folder.read(manifest.NAME)
    with pytest.raises(BulkError) as refused:
        manifest.claim(folder, OURS | other)
    assert f"this folder holds another run, {fact}" in str(refused.value)
    assert folder.read(manifest.NAME) == before


def test_a_manifest_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "out"))
    folder.make()
    with pytest.raises(BulkError, match="cannot be written: File name too long"):
        folder.create("n" * 300, b"")
