"""Folders of parts: what is written, what is skipped, what is refused, and that a crash changes nothing."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nerve.bulk import parts
from nerve.bulk.inputs import Input
from tests.support.shell import command, environment, run_here, wait_until

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]
Files = dict[str, str]

KNOWN = "Angela Merkel visited the city of New York on Monday , and München in 2005 ."


def digests(folder: Path) -> Files:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("part-*")}


def errors_of(ended: "subprocess.CompletedProcess[str]") -> str:
    assert ended.returncode == 1
    return ended.stderr.removeprefix("nerve tag: ").rstrip("\n")


TAG = ("tag", "corpus", "--model", "model.pt", "--part-bytes", "16384")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, archive_bytes: bytes) -> Path:
    """A folder with a corpus of more than 20 parts, one file of which is cut, and two share a part; with a model; and
    with `whole`, which an uninterrupted run has written."""
    made = tmp_path_factory.mktemp("made")
    (made / "model.pt").write_bytes(archive_bytes)
    folder = made / "corpus"
    folder.mkdir()
    words = KNOWN.split()
    texts = [" ".join(words[n % 5 : 5 + n % 11]) for n in range(8_000)]
    objects = ({"id": n, "text": text} for n, text in enumerate(texts))
    (folder / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects))
    (folder / "b.txt").write_text("\n".join(texts[:20]))
    (folder / "c.csv").write_text("id,text\n" + "".join(f'{n},"{text}"\n' for n, text in enumerate(texts[:20])))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        ended = run_here(*TAG, "--output", "whole", "--jobs", "1", given=b"")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert len(digests(made / "whole")) > 20
    return made


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    """The corpus, beside the model and `whole`, all the test's own."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "corpus"


@pytest.fixture
def whole(corpus: Path) -> Files:
    """What the uninterrupted run has written."""
    return digests(corpus.parent / "whole")


def test_the_parts_hold_what_the_standard_output_gets(nerve: Nerve, whole: Files, tmp_path: Path) -> None:
    joined = "".join((tmp_path / "whole" / name).read_text(encoding="utf-8") for name in sorted(whole))
    streamed = nerve("tag", "corpus", "--model", "model.pt").stdout

    def spans(lines: str) -> list[object]:
        values = [json.loads(line) for line in lines.splitlines()]
        for value in values:
            for ent in value["ents"]:
                ent["score"] = pytest.approx(ent["score"], abs=1e-5)
        return values

    assert spans(joined) == spans(streamed)
    assert len(joined.splitlines()) == 8_040


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(nerve: Nerve, whole: Files, tmp_path: Path) -> None:
    ended = nerve(*TAG, "--output", "two", "--jobs", "2")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert digests(tmp_path / "two") == whole


def test_two_shards_write_the_same_bytes_as_one_run(nerve: Nerve, whole: Files, tmp_path: Path) -> None:
    for shard in ("2/2", "1/2"):
        assert digests(tmp_path / "shards").keys() != whole.keys()
        assert nerve(*TAG, "--output", "shards", "--jobs", "1", "--shard", shard).returncode == 0
    assert digests(tmp_path / "shards") == whole


def test_only_parts_that_are_missing_are_made(nerve: Nerve, whole: Files, tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    first, second = sorted(whole)[:2]
    (folder / first).unlink()
    (folder / second).write_text("kept")
    (folder / f".{first}.12345678.tmp").write_text("by a process that was killed")
    assert nerve(*TAG, "--output", "whole", "--jobs", "1").returncode == 0
    assert digests(folder) == {**whole, second: hashlib.sha256(b"kept").hexdigest()}
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_a_group_that_was_killed_leaves_whole_parts_and_the_same_command_makes_the_others(
    nerve: Nerve, whole: Files, tmp_path: Path
) -> None:
    tag = command(*TAG, "--output", "killed", "--jobs", "2")
    folder = tmp_path / "killed"
    with subprocess.Popen(tag, cwd=tmp_path, env=environment(), start_new_session=True) as process:
        wait_until(process, lambda: digests(folder))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    stood = digests(folder)
    assert 0 < len(stood) < len(whole)
    assert stood.items() <= whole.items()
    assert nerve(*TAG, "--output", "killed", "--jobs", "1").returncode == 0
    assert digests(folder) == whole


@pytest.mark.slow
def test_ctrl_c_ends_quietly(whole: Files, tmp_path: Path) -> None:
    tag = command(*TAG, "--output", "stopped", "--jobs", "2")
    folder = tmp_path / "stopped"
    with subprocess.Popen(
        tag, cwd=tmp_path, env=environment(), start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(process, lambda: digests(folder))
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        assert (process.wait(60), process.stderr.read()) == (130, "")
    assert digests(folder).items() <= whole.items()


# -- refusals ------------------------------------------------------------------------------------------------------

ANOTHER = "whole: this folder holds another run, "


@pytest.mark.parametrize(
    ("flags", "fact"),
    [
        (("--part-bytes", "5000"), "with parts of 16,384 bytes, not 5,000"),
        (("--min-score", "0.5"), "with another setting: min_score"),
        (("--to", "conll", "--unit", "file"), "with another setting: unit, to"),
    ],
)
@pytest.mark.usefixtures("whole")
def test_a_run_with_other_settings_is_refused(nerve: Nerve, flags: tuple[str, ...], fact: str) -> None:
    assert errors_of(nerve(*TAG, "--output", "whole", *flags)) == f"{ANOTHER}{fact}; choose another one"


@pytest.mark.usefixtures("whole")
def test_a_run_with_another_model_is_refused(nerve: Nerve, tmp_path: Path) -> None:
    archive = tmp_path / "model.pt"
    archive.write_bytes(archive.read_bytes() + b"\0")
    fact = "with another model (the SHA-256 of its archive differs)"
    assert errors_of(nerve(*TAG, "--output", "whole")) == f"{ANOTHER}{fact}; choose another one"


@pytest.mark.usefixtures("whole")
def test_a_run_of_other_inputs_is_refused(nerve: Nerve, corpus: Path) -> None:
    path = corpus / "b.txt"
    path.write_text(path.read_text().replace("New York", "Old York"))
    fact = "of another input than corpus/b.txt, by its name, size or content"
    assert errors_of(nerve(*TAG, "--output", "whole")) == f"{ANOTHER}{fact}; choose another one"
    path.unlink()
    assert errors_of(nerve(*TAG, "--output", "whole")) == f"{ANOTHER}of 3 input files, not 2; choose another one"


@pytest.mark.usefixtures("whole")
def test_parts_without_a_manifest_are_refused(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "whole" / "manifest.json").unlink()
    fact = "whole: there are parts in this folder, but no manifest.json; choose another one"
    assert errors_of(nerve(*TAG, "--output", "whole")) == fact


@pytest.mark.slow
@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_a_process_meets_is_said_once(nerve: Nerve, jobs: str) -> None:
    ended = nerve(*TAG, "--output", "out", "--jobs", jobs, "--labels", "SECRET")
    assert errors_of(ended) == "--labels: model.pt has no label 'SECRET'; its labels are LOC, PER"


@pytest.mark.usefixtures("bad")
def test_a_run_that_ended_before_its_first_part_is_in_nobodys_way(nerve: Nerve, tmp_path: Path) -> None:
    for flags in (("--labels", "SECRET"), ("--strict", "--unit", "paragraph")):
        assert nerve(*TAG, "--output", "out", "--jobs", "1", *flags).returncode == 1
        assert [*(tmp_path / "out").iterdir()] == []
    assert nerve(*TAG, "--output", "out", "--jobs", "1").returncode == 3


@pytest.mark.parametrize(
    ("flags", "fact"),
    [
        (("-", "--output", "x"), "--output: standard input cannot be cut into parts; name files or folders"),
        (("a", "--output", "x", "--to", "inline"), "--output: --to inline is for the standard output"),
        (("a", "--output", "x", "--line-buffered"), "--output: --line-buffered is for the standard output"),
        (("a", "--to", "parquet"), "--to parquet needs --output"),
        (("--from", "parquet"), "--from parquet: standard input cannot be read from its end; name files or folders"),
        (("a", "--jobs", "2"), "--jobs needs --output"),
        (("a", "--shard", "1/2"), "--shard needs --output"),
        (("a", "--part-bytes", "9"), "--part-bytes needs --output"),
        (("a", "--output", "x", "--shard", "3/2"), "'3/2' is not I/N with I from 1 to N, such as 1/2"),
    ],
)
def test_flags_that_make_no_sense_are_refused(nerve: Nerve, flags: tuple[str, ...], fact: str) -> None:
    ended = nerve("tag", *flags)
    assert (ended.returncode, ended.stderr.rstrip("\n").endswith(fact)) == (2, True)


def test_a_folder_that_cannot_be_made_is_an_error(nerve: Nerve, corpus: Path) -> None:
    (corpus.parent / "file").write_text("")
    assert errors_of(nerve(*TAG, "--output", "file")) == "file: cannot be used: Not a directory"


# -- bad lines -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bad(corpus: Path) -> None:
    """A corpus of two parts with one bad line in each."""
    shutil.rmtree(corpus)
    corpus.mkdir()
    (corpus / "a.txt").write_bytes(b"one\n\xff\n" + b"two\n" * 4_090)
    (corpus / "b.jsonl").write_bytes(b"{" + b" " * 100)


@pytest.mark.usefixtures("bad")
def test_bad_lines_are_listed_and_counted_again_when_nothing_is_left_to_do(nerve: Nerve, tmp_path: Path) -> None:
    for _ in range(2):
        ended = nerve(*TAG, "--output", "out", "--jobs", "1")
        assert (ended.returncode, ended.stderr.split(";")[0]) == (3, "nerve tag: 2 lines could not be read")
    folder = tmp_path / "out"
    names = ["manifest.json", "part-000000.errors", "part-000000.jsonl", "part-000001.errors", "part-000001.jsonl"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "part-000000.errors").read_text() == "corpus/a.txt:2: byte 0xff is not UTF-8\n"
    lines = (folder / "part-000000.jsonl").read_text().splitlines()
    assert json.loads(lines[1]) == {"error": "corpus/a.txt:2: byte 0xff is not UTF-8"}


@pytest.mark.usefixtures("bad")
def test_strict_leaves_no_part_with_a_bad_line(nerve: Nerve, tmp_path: Path) -> None:
    ended = nerve(*TAG, "--output", "out", "--jobs", "1", "--strict")
    assert errors_of(ended) == "corpus/a.txt:2: byte 0xff is not UTF-8"
    assert [*(tmp_path / "out").iterdir()] == []


# -- Parquet -------------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(corpus: Path, tmp_path: Path) -> Path:
    """The corpus's JSON lines in Parquet with one row group, to be cut into several parts."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    lines = (corpus / "a.jsonl").read_text().splitlines()[:1_000]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(list(map(json.loads, lines))), path, compression="none", use_dictionary=False)
    return path


TABLE = ("tag", "a.parquet", "--model", "model.pt", "--part-bytes", "16384", "--to", "parquet", "--output")


def rows(folder: Path) -> list[dict[str, object]]:
    pq = pytest.importorskip("pyarrow.parquet")
    return [row for path in sorted(folder.glob("part-*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.mark.usefixtures("tables")
def test_parquet_gets_the_entities_that_json_lines_get_whatever_the_input_is(nerve: Nerve, tmp_path: Path) -> None:
    assert nerve(*TABLE, "out", "--jobs", "1").returncode == 0
    assert len(digests(tmp_path / "out")) > 2
    found = rows(tmp_path / "out")
    flags = ("--model", "model.pt", "--part-bytes", "16384", "--jobs", "1", "--output")
    assert nerve("tag", "a.jsonl", *flags, "to", "--to", "parquet").returncode == 0
    assert [row["id"] for row in found] == list(range(1_000))
    lines = nerve("tag", "a.parquet", "--model", "model.pt", "--to", "jsonl").stdout.splitlines()
    assert len(lines) == 1_000
    for expected, row, other in zip(map(json.loads, lines), found, rows(tmp_path / "to"), strict=True):
        for ent in expected["ents"]:
            ent["score"] = pytest.approx(ent["score"], abs=1e-5)
        assert row == expected
        assert other == expected


@pytest.mark.usefixtures("tables")
def test_parts_of_parquet_are_the_same_bytes_from_shards_and_after_an_interruption(
    nerve: Nerve, tmp_path: Path
) -> None:
    assert nerve(*TABLE, "out", "--jobs", "1").returncode == 0
    whole = digests(tmp_path / "out")
    for shard in ("2/2", "1/2"):
        assert nerve(*TABLE, "shards", "--jobs", "1", "--shard", shard).returncode == 0
    assert digests(tmp_path / "shards") == whole
    (tmp_path / "out" / min(whole)).unlink()
    assert nerve(*TABLE, "out", "--jobs", "1").returncode == 0
    assert digests(tmp_path / "out") == whole


@pytest.mark.usefixtures("corpus")
def test_parquet_of_several_formats_is_refused_and_so_are_other_columns(
    nerve: Nerve, tables: Path, tmp_path: Path
) -> None:
    ended = nerve("tag", "a.parquet", "corpus/a.jsonl", "--output", "out", "--to", "parquet")
    fact = "a.parquet is read as parquet and corpus/a.jsonl as jsonl; Parquet takes one format at a time"
    assert errors_of(ended) == fact
    tables.write_bytes(b"PAR1")
    assert errors_of(nerve(*TABLE, "out")) == "a.parquet: the Parquet data are damaged"
    assert not (tmp_path / "out").exists()


# -- URLs ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("corpus")
def test_urls_are_folders_of_inputs_and_of_parts(nerve: Nerve, whole: Files, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.put(str(tmp_path / "corpus"), "/urls/corpus", recursive=True)
    tag = ("tag", "memory://urls/corpus/", "--output", "memory://urls/out", "--jobs", "1", *TAG[2:])
    try:
        assert (nerve(*tag).stderr, nerve(*tag).returncode) == ("", 0)
        names = [path.rpartition("/")[2] for path in store.ls("/urls/out", detail=False)]
        assert set(names) == {*whole, "manifest.json"}
        found = {name: hashlib.sha256(store.cat(f"/urls/out/{name}")).hexdigest() for name in whole}
        assert found == whole
        store.rm(f"/urls/out/{min(whole)}")
        assert nerve(*tag).returncode == 0
        assert hashlib.sha256(store.cat(f"/urls/out/{min(whole)}")).hexdigest() == whole[min(whole)]
    finally:
        store.rm("/urls", recursive=True)


# -- cutting -------------------------------------------------------------------------------------------------------


def test_small_files_share_a_part_and_large_ones_are_cut() -> None:
    files = [Input(name, "text", size) for name, size in (("a", 40), ("b", 60), ("c", 1), ("d", 250), ("e.gz", 300))]
    cut = [
        [(one.input.name, one.begin, one.end) for one in part.slices] for part in parts.cut(files, 100, unit="line")
    ]
    assert cut == [
        [("a", 0, None), ("b", 0, None)],
        [("c", 0, None)],
        [("d", 0, 100)],
        [("d", 100, 200)],
        [("d", 200, 250)],
        [("e.gz", 0, None)],
    ]


def test_an_empty_corpus_is_a_run_of_one_part_without_lines(nerve: Nerve, corpus: Path, tmp_path: Path) -> None:
    shutil.rmtree(corpus)
    corpus.mkdir()
    (corpus / "a.txt").write_bytes(b"")
    assert nerve(*TAG, "--output", "out").returncode == 0
    assert (tmp_path / "out" / "part-000000.jsonl").read_bytes() == b""
