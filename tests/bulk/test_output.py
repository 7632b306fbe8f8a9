"""What the name of an output means, and the file that parts become: whenever a run is killed, and once only."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from nerve.bulk import output
from nerve.bulk.errors import BulkError
from nerve.bulk.output import File, Parts
from nerve.bulk.parts import Part
from nerve.bulk.storage import Folder

DESCRIBED: dict[str, Any] = {
    "nerve": "1.0",
    "models": {"en": "00ff"},
    "part_bytes": 1024,
    "columns": None,
    "settings": {"to": "jsonl"},
    "inputs": [],
}
PARTS = [Part(number, ()) for number in range(3)]
ANOTHER = DESCRIBED | {"part_bytes": 2048}


@pytest.mark.parametrize(
    ("name", "form", "compressed"),
    [
        ("o.jsonl", "jsonl", ""),
        ("a/O.NDJSON.GZ", "jsonl", ".gz"),
        ("o.conll.bz2", "conll", ".bz2"),
        ("o.bio.xz", "conll", ".xz"),
        ("o.iob", "conll", ""),
        ("o.jsonl.zst", "jsonl", ".zst"),
        ("/o.parquet", "parquet", ""),
    ],
)
def test_a_name_that_ends_as_a_file_does_is_a_file(name: str, form: str, compressed: str) -> None:
    file = output.named(name)
    assert isinstance(file, File)
    assert (file.form, file.compressed) == (form, compressed)


@pytest.mark.parametrize("name", ["o", "o/", "o.jsonl/", "o.parquet", "o.2026", "o.csv"])
def test_any_other_name_and_that_of_a_folder_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("o.parquet", "o.csv"):
        (tmp_path / folder).mkdir()
    assert output.named(name) == Parts(Folder(name))


ENDS = "files that can be written end in .jsonl, .conll, .parquet, the first two also with .gz, .bz2, .xz, .zst"


@pytest.mark.parametrize("name", ["o.csv", "o.txt", "o.json", "o.gz", "o.txt.gz", "o.parquet.gz", "O.TSV"])
def test_the_name_of_a_file_that_is_not_written_is_refused(name: str) -> None:
    with pytest.raises(BulkError) as refusal:
        output.named(name)
    assert str(refusal.value) == f"{name}: {ENDS}; for a folder of this name, put / behind it"


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("https://example.org/o.jsonl", "a web server takes no files; name a path, or the URL of a store"),
        ("", "the name of the output is empty"),
    ],
)
def test_what_cannot_be_written_to_is_refused(name: str, fact: str) -> None:
    with pytest.raises(BulkError, match=fact):
        output.named(name)


# -- joining -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["here", "in a store"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[File]:
    """A file with its parts, two of which have an error."""
    file = File(f"{tmp_path}/o.jsonl")
    if request.param == "in a store":
        store = pytest.importorskip("fsspec").filesystem("memory")
        file = File("memory://out/o.jsonl")
    file.check(DESCRIBED)
    make_parts(file)
    yield file
    if request.param == "in a store":
        store.rm("/out", recursive=True)


def make_parts(file: File) -> None:
    file.folder.make()
    file.claim(DESCRIBED)
    for part in PARTS:
        file.folder.create(part.name("jsonl"), f"{part.number}\n".encode())
        if part.number:
            file.folder.create(part.errors_name, f"error {part.number}\n".encode())


def finish(file: File) -> None:
    file.finish(PARTS, "jsonl", None, DESCRIBED)


def beside(file: File) -> Folder:
    return Folder(file.name.rpartition("/")[0])


WHOLE = {"o.jsonl", "o.jsonl.errors", ".o.jsonl.manifest.json"}


def assert_whole(file: File) -> None:
    assert beside(file).names() == WHOLE
    assert beside(file).read("o.jsonl") == b"0\n1\n2\n"
    assert beside(file).read("o.jsonl.errors") == b"error 1\nerror 2\n"
    assert file.errors(PARTS) == 2


def test_parts_become_a_file_in_their_order_and_are_gone(file: File) -> None:
    assert not file.is_whole()
    finish(file)
    assert file.is_whole()
    assert_whole(file)


def test_a_file_that_is_there_is_left_as_it_is(file: File) -> None:
    finish(file)
    file.check(DESCRIBED)
    finish(file)
    assert_whole(file)
    with pytest.raises(BulkError) as refusal:
        file.check(ANOTHER)
    fact = "this file holds another run, with parts of 1,024 bytes, not 2,048; choose another one, or remove it"
    assert str(refusal.value) == f"{file.name}: {fact}"
    assert_whole(file)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("step", range(4))
def test_a_run_that_is_killed_at_any_step_of_joining_is_finished_by_the_next(
    file: File, monkeypatch: pytest.MonkeyPatch, step: int, renamed: bool
) -> None:
    steps = iter(range(4))
    replacing, remove_all = Folder.replacing, Folder.remove_all

    @contextmanager
    def written(folder: Folder, name: str) -> Iterator[BinaryIO]:
        number = next(steps)
        with replacing(folder, name) as opened:
            yield opened
            if number == step and not renamed:
                raise Killed
        if number == step:
            raise Killed

    def removed(folder: Folder) -> None:
        if not renamed:
            folder.remove("manifest.json")  # one file of several has gone
        else:
            remove_all(folder)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "replacing", written)
        patch.setattr(Folder, "remove_all", removed)
        with pytest.raises(Killed):
            finish(file)
    file.check(DESCRIBED)
    finish(file)
    assert_whole(file)


def test_a_file_that_nobody_knows_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text("mine\n")
    with pytest.raises(BulkError) as refusal:
        File(f"{tmp_path}/o.jsonl").check(DESCRIBED)
    fact = "there is such a file, but no .o.jsonl.manifest.json that says what it was made from"
    assert str(refusal.value) == f"{tmp_path}/o.jsonl: {fact}; choose another one, or remove it"
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl"]


def test_a_file_that_came_meanwhile_is_not_overwritten_and_the_parts_are_kept(file: File) -> None:
    beside(file).create("o.jsonl", b"mine\n")
    with pytest.raises(BulkError, match=r"there is such a file, but no \.o\.jsonl\.manifest\.json"):
        finish(file)
    assert beside(file).read("o.jsonl") == b"mine\n"
    assert {part.name("jsonl") for part in PARTS} < file.folder.names()


def test_parts_of_another_run_are_not_joined(file: File) -> None:
    with pytest.raises(BulkError) as refusal:
        file.check(ANOTHER)
    fact = "this folder holds another run, with parts of 1,024 bytes, not 2,048"
    assert str(refusal.value) == f"{file.folder}: {fact}; choose another name than {file.name}, or remove it"


def test_a_file_that_was_removed_is_made_again_with_other_settings_and_without_the_old_errors(file: File) -> None:
    finish(file)
    beside(file).remove("o.jsonl")
    file.check(ANOTHER)
    file.folder.make()
    file.claim(ANOTHER)
    for part in PARTS:
        file.folder.create(part.name("jsonl"), b"new\n")
    file.finish(PARTS, "jsonl", None, ANOTHER)
    assert beside(file).names() == WHOLE - {"o.jsonl.errors"}
    assert (beside(file).read("o.jsonl"), file.errors(PARTS)) == (b"new\n" * 3, 0)
    file.check(ANOTHER)


def test_files_whose_names_begin_alike_leave_each_other_alone(tmp_path: Path) -> None:
    names = ("o.jsonl", "o.jsonl.gz", "[o].jsonl")
    files = [File(f"{tmp_path}/{name}") for name in names]
    for file in files:
        file.check(DESCRIBED)
        make_parts(file)
    for file in files:
        finish(file)
    for file in files:
        file.check(DESCRIBED)
        assert Path(file.name).read_bytes() == b"0\n1\n2\n"


def test_a_part_of_a_table_that_is_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pa = pytest.importorskip("pyarrow")
    from nerve.bulk.columns import of_schema

    monkeypatch.chdir(tmp_path)
    file = File("o.parquet")
    file.folder.make()
    file.folder.create("part-000000.parquet", b"PAR1")
    with pytest.raises(BulkError) as refusal:
        file.finish(PARTS[:1], "parquet", of_schema(pa.schema([]), "ents"), DESCRIBED)
    fact = "the Parquet data are damaged; remove it and give the command again"
    assert str(refusal.value) == f".o.parquet.parts/part-000000.parquet: {fact}"
    assert not file.is_whole()


def test_a_full_disk_is_said_of_the_file_and_not_of_its_parts(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    replacing: Callable[..., AbstractContextManager[BinaryIO]] = Folder.replacing

    @contextmanager
    def full(folder: Folder, name: str) -> Iterator[BinaryIO]:
        with replacing(folder, name) as _, Path("/dev/full").open("wb", buffering=0) as device:
            yield device

    monkeypatch.setattr(Folder, "replacing", full)
    with pytest.raises((BulkError, OSError), match="No space left on device") as failure:
        finish(file)
    assert ".parts" not in str(failure.value)
