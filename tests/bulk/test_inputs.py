"""Which files are meant, and the lines that are read of them: whole, compressed, and in slices."""

import bz2
import gzip
import lzma
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from backports import zstd

from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice, can_be_cut, find, format_of, lines
from nerve.bulk.records import read

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.compress,
}


def nothing(_: int) -> None:
    pass


def sources(part: Slice, unit: str = "line") -> list[str | list[str]]:
    return [record.source for record in read(part, unit, "text", nothing)]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.txt", "text"),
        ("a.jsonl", "jsonl"),
        ("A.NDJSON", "jsonl"),
        ("a.csv", "csv"),
        ("a.tsv", "csv"),
        ("a.conll", "conll"),
        ("a.bio", "conll"),
        ("a.iob.gz", "conll"),
        ("A.JSONL.ZST", "jsonl"),
        ("a", None),
        ("a.gz", None),
        ("a.json", None),
    ],
)
def test_a_name_says_what_a_file_holds(name: str, form: str | None) -> None:
    assert format_of(name) == form


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a/d.csv", "a/c.jsonl.gz", "a/e.bin", ".hidden.txt", ".git/f.txt", "out/part-000000.jsonl"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x\n")
    return tmp_path / "corpus"


def names(*given: str, form: str | None = None, leave_out: Sequence[str] = ()) -> list[str]:
    return [file.name for file in find(given, form, leave_out)[0]]


@pytest.mark.usefixtures("corpus")
def test_a_folder_stands_for_its_files_with_known_names_sorted() -> None:
    assert names("corpus") == [
        "corpus/a/c.jsonl.gz",
        "corpus/a/d.csv",
        "corpus/b.txt",
        "corpus/out/part-000000.jsonl",
    ]


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize("given", [("corpus",), ("corpus/**/*.*[!n]",), ("corpus/a", "corpus/b.txt", "corpus/out/")])
def test_the_folder_of_the_output_is_no_input(given: tuple[str, ...]) -> None:
    found = ["corpus/a/c.jsonl.gz", "corpus/a/d.csv", "corpus/b.txt"]
    assert names(*given, leave_out=["corpus/out"]) == found


@pytest.mark.usefixtures("corpus")
def test_a_file_that_is_named_is_an_input_also_in_the_folder_of_the_output() -> None:
    assert names("corpus/a/d.csv", leave_out=["corpus/a"]) == ["corpus/a/d.csv"]


@pytest.mark.usefixtures("corpus")
def test_a_glob_stands_for_the_files_that_it_matches_sorted() -> None:
    assert names("corpus/a/*") == ["corpus/a/c.jsonl.gz", "corpus/a/d.csv", "corpus/a/e.bin"]
    assert names("corpus/**/*.txt") == ["corpus/b.txt"]
    assert names(str(Path.cwd() / "corpus/*.txt")) == [str(Path.cwd() / "corpus/b.txt")]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(corpus: Path) -> None:
    (corpus / "[1].txt").write_bytes(b"")
    assert names("corpus/[1].txt") == ["corpus/[1].txt"]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("missing.txt", "missing.txt: cannot be read: No such file or directory"),
        ("corpus/*.parquet", "corpus/*.parquet: no file has such a name"),
        ("corpus/empty", "corpus/empty: no file in this folder has a name that says its format; --from says it"),
    ],
)
def test_a_name_that_stands_for_no_file_is_refused(corpus: Path, name: str, fact: str) -> None:
    (corpus / "empty").mkdir()
    with pytest.raises(BulkError) as refusal:
        find([name], None)
    assert str(refusal.value) == fact


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_files_are_read_as_what_they_hold(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    # Two streams, one behind the other, are one file to each of these programs.
    path.write_bytes(COMPRESS[suffix](b'\xef\xbb\xbf{"text": "a"}\n') + COMPRESS[suffix](b'{"text": "b"}\n'))
    counted: list[int] = []
    (file,), _ = find([str(path)], None)
    assert [record.source for record in read(Slice(file), "line", "text", counted.append)] == ["a", "b"]
    assert sum(counted) == path.stat().st_size


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damage_of_a_compressed_file_is_an_error_behind_what_came_before(tmp_path: Path, suffix: str) -> None:
    long = COMPRESS[suffix](random.Random(0).randbytes(300_000).hex().encode() + b"\nlast\n")
    damaged = {"cut off": long[:-20], "changed": long[:200_000] + bytes(1_000) + long[201_000:]}
    for damage in damaged.values():
        path = tmp_path / f"a.txt{suffix}"
        path.write_bytes(COMPRESS[suffix](b"first\nsecond\n") + damage)
        found = list(read(Slice(find([str(path)], None)[0][0]), "line", "text", nothing))
        assert [record.source for record in found[:2]] == ["first", "second"]
        assert found[-1].error.startswith(f"{path}: the compressed data ")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_plain_file_with_the_name_of_a_compressed_one_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(b"plain text\n" * 10)
    (record,) = read(Slice(find([str(path)], None)[0][0]), "line", "text", nothing)
    assert record.error.startswith(f"{path}: the compressed data ")


CORPORA = {
    ("text", "line"): "".join(f"line {'x' * (n % 7)} {n}\n" if n % 5 else "\n" for n in range(60)),
    ("text", "paragraph"): "".join(f"line {'x' * (n % 7)} {n}\n" if n % 5 else "\n \n" for n in range(60)),
    ("jsonl", "line"): "".join(f'{{"text": "é {n}"}}\r\n' for n in range(60)),
    ("conll", "line"): "".join(f"token{n} O\n" if n % 4 else "\n" for n in range(60)) + "last O",
}


@pytest.mark.parametrize(("form", "unit"), CORPORA)
def test_slices_of_any_size_hold_each_record_once(tmp_path: Path, form: str, unit: str) -> None:
    path = tmp_path / "corpus"
    path.write_text("\ufeff" + CORPORA[form, unit], encoding="utf-8", newline="")
    (file,), _ = find([str(path)], form)
    assert can_be_cut(file, unit)
    expected = sources(Slice(file), unit)
    assert len(expected) > 10
    for size in range(1, 80):
        cuts = [*range(0, file.size, size), file.size]
        found = [record for begin, end in pairwise(cuts) for record in sources(Slice(file, begin, end), unit)]
        assert found == expected, size


@pytest.mark.parametrize(
    ("name", "form", "unit"), [("a.csv", "csv", "line"), ("a.jsonl.gz", "jsonl", "line"), ("a", "text", "file")]
)
def test_what_cannot_be_read_from_the_middle_is_not_cut(name: str, form: str, unit: str) -> None:
    assert not can_be_cut(Input(name, form, 100), unit)


def test_the_place_of_a_line_in_a_slice_is_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n{\n')
    part = Slice(Input(str(path), "jsonl", 16), 8, 16)
    (record,) = read(part, "line", "text", nothing)
    assert record.error.startswith(f"{path}, byte 14: not JSON")
    assert path.read_bytes()[14:] == b"{\n"


def test_a_file_that_has_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BulkError, match="cannot be read: No such file"):
        list(lines(Slice(Input(str(tmp_path / "a.txt"), "text", 1)), nothing, "line"))
