"""A corpus that becomes one file: what is in it, what is not made again, what is refused, and that a crash changes
nothing."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nerve.bulk import parquet
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.inputs import lines as lines_of
from tests.support.shell import command, environment, run_here, wait_until

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

KNOWN = "Angela Merkel visited the city of New York on Monday , and München in 2005 ."
TAG = ("tag", "a.jsonl", "b.txt", "--model", "model.pt", "--part-bytes", "8192", "--jobs", "1")
BAD = "b.txt:2: byte 0xff is not UTF-8"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, archive_bytes: bytes) -> Path:
    """A folder with a model, a corpus of four parts, the last of which has a bad line, and these in `parts`."""
    tmp_path = tmp_path_factory.mktemp("made")
    (tmp_path / "model.pt").write_bytes(archive_bytes)
    objects = ({"id": n, "text": " ".join(KNOWN.split()[n % 5 : 5 + n % 11])} for n in range(400))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects))
    (tmp_path / "b.txt").write_bytes(b"Angela Merkel\n\xff\n" + b"New York\n" * 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert run_here(*TAG, "--output", "parts", given=b"").returncode == 3
    assert len([*(tmp_path / "parts").glob("part-*.jsonl")]) == 4
    return tmp_path


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    """The corpus, in the test's own folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def joined(corpus: Path) -> bytes:
    """What the parts of a folder hold, one after the other."""
    return b"".join(path.read_bytes() for path in sorted((corpus / "parts").glob("part-*.jsonl")))


def beside(folder: Path, name: str) -> set[str]:
    """The names of the files and folders that belong to an output."""
    return {path.name for path in folder.iterdir() if name in path.name}


def read(path: Path) -> bytes:
    """The content of a file that may be compressed."""
    file = Input(str(path), "text", path.stat().st_size)
    return b"".join(line for _, line in lines_of(Slice(file), lambda _: None, "line"))


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz", "o.jsonl.bz2", "o.jsonl.xz", "o.jsonl.zst"])
def test_a_file_holds_what_the_parts_of_a_folder_do(nerve: Nerve, corpus: Path, joined: bytes, name: str) -> None:
    ended = nerve(*TAG, "--output", name)
    fact = f"1 line could not be read; the reasons are in {name}.errors"
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", f"nerve tag: {fact}\n")
    assert read(corpus / name) == joined
    assert beside(corpus, name) == {name, f"{name}.errors", f".{name}.manifest.json"}
    assert (corpus / f"{name}.errors").read_text() == f"{BAD}\n"


def test_columns_are_joined_as_they_are_written(nerve: Nerve, corpus: Path) -> None:
    assert nerve(*TAG, "--output", "out/o.conll").returncode == 3
    lines = (corpus / "out" / "o.conll").read_text(encoding="utf-8").splitlines()
    assert (lines[0].split("\t")[0], f"# error: {BAD}" in lines) == ("Angela", True)


def test_a_file_that_is_there_is_not_made_again(nerve: Nerve, corpus: Path) -> None:
    first = nerve(*TAG, "--output", "o.jsonl")
    (corpus / "o.jsonl").write_text("kept\n")
    again = nerve(*TAG, "--output", "o.jsonl")
    assert (again.returncode, again.stderr) == (first.returncode, first.stderr)
    assert (corpus / "o.jsonl").read_text() == "kept\n"
    ended = nerve(*TAG, "--output", "o.jsonl", "--min-score", "0.5")
    fact = "o.jsonl: this file holds another run, with another setting: min_score; choose another one, or remove it"
    assert (ended.returncode, ended.stderr) == (1, f"nerve tag: {fact}\n")
    (corpus / "o.jsonl").unlink()
    assert nerve(*TAG, "--output", "o.jsonl", "--min-score", "0.5").returncode == 3
    assert (corpus / "o.jsonl").read_text() != "kept\n"


@pytest.mark.usefixtures("corpus")
def test_a_file_in_the_folder_of_the_inputs_is_none_of_them(nerve: Nerve, corpus: Path) -> None:
    (corpus / "in").mkdir()
    (corpus / "a.jsonl").rename(corpus / "in" / "a.jsonl")
    for _ in range(2):
        for given in (("in",), ("in/*.jsonl",), ("in/a.jsonl", "in/o.jsonl")):
            ended = nerve("tag", *given, *TAG[3:], "--output", "in/o.jsonl")
            assert (ended.returncode, ended.stderr) == (0, "")
    ended = nerve("tag", "in/o.jsonl", *TAG[3:], "--output", "in/o.jsonl")
    fact = "in/o.jsonl: this is the output, and there is no input beside it"
    assert (ended.returncode, ended.stderr) == (1, f"nerve tag: {fact}\n")


def test_strict_leaves_no_file_and_without_it_the_good_parts_are_kept(
    nerve: Nerve, corpus: Path, joined: bytes
) -> None:
    ended = nerve(*TAG, "--output", "o.jsonl", "--strict")
    assert (ended.returncode, ended.stderr) == (1, f"nerve tag: {BAD}\n")
    assert beside(corpus, "o.jsonl") == {".o.jsonl.parts"}
    kept = corpus / ".o.jsonl.parts"
    assert {path.name for path in kept.iterdir()} == {"manifest.json", *(f"part-00000{n}.jsonl" for n in range(3))}
    assert nerve(*TAG, "--output", "o.jsonl").returncode == 3
    assert (corpus / "o.jsonl").read_bytes() == joined


def test_a_process_that_was_killed_leaves_no_file_and_the_same_command_goes_on(
    nerve: Nerve, corpus: Path, joined: bytes
) -> None:
    tag = command(*TAG, "--output", "o.jsonl.gz")
    parts = corpus / ".o.jsonl.gz.parts"
    with subprocess.Popen(tag, cwd=corpus, env=environment()) as process:
        wait_until(process, lambda: [*parts.glob("part-*")])
        process.kill()
    assert beside(corpus, "o.jsonl.gz") == {".o.jsonl.gz.parts"}
    assert nerve(*TAG, "--output", "o.jsonl.gz").returncode == 3
    assert read(corpus / "o.jsonl.gz") == joined
    assert nerve(*TAG, "--output", "two.jsonl.gz").returncode == 3
    assert (corpus / "o.jsonl.gz").read_bytes() == (corpus / "two.jsonl.gz").read_bytes()


def test_ctrl_c_while_parts_are_joined_ends_quietly(
    nerve: Nerve, corpus: Path, joined: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("nerve.bulk.output.File._content", interrupted)
        ended = nerve(*TAG, "--output", "o.jsonl")
    assert (ended.returncode, ended.stderr) == (130, "")
    assert beside(corpus, "o.jsonl") == {".o.jsonl.parts"}
    assert nerve(*TAG, "--output", "o.jsonl").returncode == 3
    assert (corpus / "o.jsonl").read_bytes() == joined


@pytest.mark.parametrize(
    ("name", "flags", "fact"),
    [
        ("o.jsonl", ("--to", "conll"), "o.jsonl is a file of jsonl by its name, not of conll"),
        ("o.parquet", ("--to", "jsonl"), "o.parquet is a file of parquet by its name, not of jsonl"),
        ("o.jsonl", ("--shard", "1/2"), "shards write parts into a folder, not a file; o.jsonl/ is a folder"),
        ("o.jsonl", ("--line-buffered",), "--line-buffered is for the standard output"),
        ("o.jsonl", ("--to", "inline"), "--to inline is for the standard output"),
    ],
)
def test_flags_that_contradict_the_name_are_refused(
    nerve: Nerve, name: str, flags: tuple[str, ...], fact: str
) -> None:
    ended = nerve("tag", "a.txt", "--output", name, *flags)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, f"nerve tag: error: --output: {fact}")


def test_a_run_that_cannot_begin_leaves_nothing(nerve: Nerve, corpus: Path) -> None:
    ended = nerve(*TAG, "--output", "o.jsonl", "--labels", "SECRET")
    assert (ended.returncode, beside(corpus, "o.jsonl")) == (1, set())
    ended = nerve(*TAG, "--output", "a.jsonl/o.jsonl")
    fact = "a.jsonl/.o.jsonl.parts: cannot be used: Not a directory"
    assert (ended.returncode, ended.stderr) == (1, f"nerve tag: {fact}\n")


def test_a_format_that_is_not_written_is_refused_in_one_line(nerve: Nerve) -> None:
    ended = nerve("tag", "a", "--output", "o.csv")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith("nerve tag: o.csv: files that can be written end in .jsonl, .conll, .parquet,")


def test_a_file_in_a_store_is_made_as_one_here_is(nerve: Nerve, joined: bytes) -> None:
    store = pytest.importorskip("fsspec").filesystem("memory")
    try:
        assert nerve(*TAG, "--output", "memory://file/out/o.jsonl").returncode == 3
        assert nerve(*TAG, "--output", "memory://file/out/o.jsonl").returncode == 3
        names = {path.rpartition("/")[2] for path in store.ls("/file/out", detail=False)}
        assert names == {"o.jsonl", "o.jsonl.errors", ".o.jsonl.manifest.json"}
        assert store.cat("/file/out/o.jsonl") == joined
    finally:
        store.rm("/file", recursive=True)


# -- Parquet -------------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(corpus: Path) -> Any:
    """The objects of the corpus in two files of Parquet, which together have these rows."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [*map(json.loads, (corpus / "a.jsonl").read_text().splitlines())]
    table = pa.table({
        "id": pa.array([row["id"] for row in rows], pa.int16()),
        "kind": pa.array([f"k{row['id'] % 3}" for row in rows]).dictionary_encode(),
        "text": [row["text"] for row in rows],
    })  # fmt: skip
    pq.write_table(table[:250], corpus / "1.parquet", compression="none")
    pq.write_table(table[250:], corpus / "2.parquet", compression="none", row_group_size=50)
    return table


TABLE = ("tag", "1.parquet", "2.parquet", "--model", "model.pt", "--part-bytes", "2000", "--jobs", "1", "--output")


def test_rows_of_several_tables_become_one_table_with_their_columns(
    nerve: Nerve, corpus: Path, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    assert nerve(*TABLE, "tables", "--to", "parquet").returncode == 0
    parts = sorted((corpus / "tables").glob("part-*"))
    assert len(parts) > 4
    assert nerve(*TABLE, "o.parquet").returncode == 0
    found = pq.ParquetFile(corpus / "o.parquet")
    assert found.metadata.num_row_groups == len(parts)
    assert found.read().drop_columns(["ents"]).equals(tables)
    entities = [row for part in parts for row in pq.read_table(part)["ents"].to_pylist()]
    assert found.read()["ents"].to_pylist() == entities

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "row_groups", interrupted)
        assert nerve(*TABLE, "again.parquet").returncode == 130
    (corpus / ".again.parquet.parts" / "part-000001.parquet").unlink()
    assert nerve(*TABLE, "again.parquet").returncode == 0
    assert (corpus / "again.parquet").read_bytes() == (corpus / "o.parquet").read_bytes()


@pytest.mark.usefixtures("tables")
def test_tables_of_other_columns_are_refused_before_anything_is_tagged(nerve: Nerve, corpus: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"text": ["x"]}), corpus / "2.parquet")
    ended = nerve(*TABLE, "o.parquet")
    fact = "2.parquet: column id is not that of the first file, by its name or type"
    assert (ended.returncode, ended.stderr) == (1, f"nerve tag: {fact}\n")
    assert beside(corpus, "o.parquet") == set()
