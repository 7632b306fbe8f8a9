"""URLs as inputs and outputs, in a store in memory and on a web server of this machine."""

import contextlib
import gzip
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nerve.bulk import inputs, storage
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice, can_be_cut, find, format_of
from nerve.bulk.records import read
from nerve.bulk.storage import Folder

fsspec = pytest.importorskip("fsspec")


def nothing(_: int) -> None:
    pass


def sources(part: Slice) -> list[str | list[str]]:
    return [record.source for record in read(part, "line", "text", nothing)]


@pytest.fixture
def store() -> Iterator[str]:
    """The URL of a folder with files."""
    files = {"b.txt": b"one\ntwo\nthree\n", "a/c.jsonl.gz": gzip.compress(b'{"text": "four"}\n'), "a/.d.txt": b"no\n"}
    system = fsspec.filesystem("memory")
    for name, content in files.items():
        system.pipe(f"/corpus/{name}", content)
    yield "memory://corpus"
    system.rm("/corpus", recursive=True)


@pytest.mark.parametrize("name", ["memory://corpus", "memory://corpus/", "memory://corpus/**/[bc].*"])
def test_a_url_stands_for_its_files_as_a_path_does(store: str, name: str) -> None:
    files, unknown = find([name], None)
    expected = [("memory:///corpus/a/c.jsonl.gz", "jsonl"), ("memory:///corpus/b.txt", "text")]
    assert store
    assert ([(file.name, file.form) for file in files], unknown) == (expected, 0)
    assert [source for file in files for source in sources(Slice(file))] == ["four", "one", "two", "three"]


def test_a_file_behind_a_url_is_read_in_slices(store: str) -> None:
    (file,), _ = find([f"{store}/b.txt"], None)
    assert (file.size, can_be_cut(file, "line")) == (14, True)
    assert [sources(Slice(file, begin, end)) for begin, end in ((0, 3), (3, 5), (5, 14))] == [
        ["one"],
        ["two"],
        ["three"],
    ]


def test_the_folder_of_the_output_is_no_input(store: str) -> None:
    files, _ = find([store], None, [f"{store}/a/"])
    assert [file.name for file in files] == ["memory:///corpus/b.txt"]


@pytest.mark.parametrize(
    ("name", "folder", "within"),
    [
        ("memory:///a/b", "memory://a", True),
        ("memory://ab/c", "memory://a", False),
        ("memory://a/b", "a", False),
        ("a/b", "memory://a", False),
        ("a/b", "./a/", True),
        ("ab/c", "a", False),
    ],
)
def test_a_file_is_within_a_folder_by_its_path(name: str, folder: str, within: bool) -> None:
    assert storage.is_within(name, folder) == within


def test_a_content_that_changed_is_seen(store: str) -> None:
    before = storage.content(f"{store}/b.txt", 14)
    assert storage.content(f"{store}/b.txt", 14) == before
    fsspec.filesystem("memory").pipe("/corpus/b.txt", b"one\ntwo\nTHREE\n")
    assert storage.content(f"{store}/b.txt", 14) != before


def test_the_url_of_a_file_of_this_machine_is_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    (file,), _ = find([f"file://{tmp_path}/a.txt"], None)
    assert file == Input(f"{tmp_path}/a.txt", "text", 2)


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("memory://missing.txt", "cannot be read: No such file or directory"),
        ("memory://missing/*.txt", "no file has such a name"),
        ("nosuch://a.txt", "cannot be read: Protocol not known: nosuch"),
        ("http://127.0.0.1:9/a.txt", "cannot be read: "),
    ],
)
def test_a_url_that_cannot_be_read_is_an_error_of_one_line(name: str, fact: str) -> None:
    with pytest.raises(BulkError) as refusal:
        find([name], None)
    assert str(refusal.value).startswith(f"{name}: {fact}")
    assert "\n" not in str(refusal.value)


def test_what_is_written_to_a_url_is_there_when_it_is_complete(store: str) -> None:
    folder = Folder(f"{store}/out")
    folder.make()
    assert folder.names() == set()
    with folder.replacing("part") as file:
        file.write(b"whole")
        assert folder.names() == set()
    assert (folder.names(), folder.read("part")) == ({"part"}, b"whole")
    with contextlib.suppress(RuntimeError), folder.replacing("part") as file:
        file.write(b"half")
        raise RuntimeError
    assert folder.read("part") == b"whole"
    assert folder.place("part") == "memory://corpus/out/part"


# -- a web server --------------------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    """Python's own, which knows no ranges, as many servers do not."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a server, which has the files of the test's folder."""
    pytest.importorskip("aiohttp")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_on_a_web_server_is_read_as_a_stream(web: str, tmp_path: Path) -> None:
    lines = [f"line {n} {'x' * 100}" for n in range(100_000)]  # more than fsspec reads at a time
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    (tmp_path / "b.txt").write_text("\n".join(lines))
    files, _ = find([f"{web}/a.txt.gz?key=1", f"{web}/b.txt"], None)
    assert [file.size for file in files] == [(tmp_path / name).stat().st_size for name in ("a.txt.gz", "b.txt")]
    for file in files:
        assert not can_be_cut(file, "line")
        assert sources(Slice(file)) == lines


def test_what_stands_behind_the_path_of_a_web_address_is_no_part_of_its_name() -> None:
    assert format_of("https://example.org/a.csv.gz?key=b.txt#c") == "csv"
    assert Input("https://example.org/a.csv.gz?key=1", "csv", 0).compressed == ".gz"


def test_a_file_that_the_server_does_not_have_is_an_error(web: str) -> None:
    with pytest.raises(BulkError, match=r"/missing.txt: cannot be read: No such file or directory$"):
        find([f"{web}/missing.txt"], None)


def test_a_buffered_stream_tells_how_far_it_is(web: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    (file,), _ = find([f"{web}/a.txt.gz"], None)
    counted: list[int] = []
    assert [line for _, line in inputs.lines(Slice(file), counted.append, "line")] == [b"one\n", b"two\n"]
    assert sum(counted) == file.size
