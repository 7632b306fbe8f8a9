"""Streams that are closed, full or without a reader, and limits of the system: one line or nothing, no traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nerve import streams
from tests.support import ROOT
from tests.support.forked import Forked

NERVE = f"{sys.executable} -m nerve.cli"
FULL, CLOSED = "No space left on device", "Bad file descriptor"
OUTPUT = "standard output cannot be written"


def shell(command: str, **environment: str) -> tuple[int, str, bytes]:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        ("echo Paris | {} tag - > /dev/full", f"nerve tag: {OUTPUT}: {FULL}"),
        ("echo Paris | {} tag - >&-", f"nerve tag: {OUTPUT}: {CLOSED}"),
        ("{} models > /dev/full", f"nerve models: {OUTPUT}: {FULL}"),
        ("{} models >&-", f"nerve models: {OUTPUT}: {CLOSED}"),
    ],
)
def test_output_that_cannot_be_written_is_one_line(command: str, fact: str) -> None:
    status, out, err = shell(command.format(NERVE))
    assert (status, out, err.decode()) == (1, "", f"{fact}\n")


@pytest.mark.parametrize("stream", ["> /dev/full"])
def test_scores_that_cannot_be_written_are_one_line(tmp_path: Path, stream: str) -> None:
    gold = tmp_path / "gold.conll"
    gold.write_text("Paris\tB-LOC\nsleeps\tO\n\n")
    status, _, err = shell(f"{NERVE} evaluate en --file {gold} {stream}")
    assert status == 1
    assert err.decode().startswith(f"nerve evaluate: {OUTPUT}: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("stream", ["2>&-", "2> /dev/full"])
@pytest.mark.parametrize(
    ("command", "expected"),
    [("models nope.pt", 1), ("tag nope.txt", 1), ("serve --port x", 1)],
)
def test_without_a_stderr_a_command_ends_as_it_would(command: str, expected: int, stream: str) -> None:
    assert shell(f"{NERVE} {command} {stream}")[0] == expected


def test_nothing_that_is_opened_later_takes_the_place_of_a_closed_stderr(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Paris\n")
    code = (
        "import os, sys; from nerve import streams\n"
        f"def work():\n  file = open({str(text)!r}, 'r+')\n  print('x', file=sys.stderr)\n  return file.fileno()\n"
        "sys.exit(streams.run('test', work))"
    )
    status, _, _ = shell(f'{sys.executable} -c "$CODE" 2>&- >&- <&-', CODE=code)
    assert status > 2
    assert text.read_text() == "Paris\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "nerve.cli tag --from text {text}",
        "nerve.cli models",
        "nerve.cli data {gold}",
        "nerve.cli convert {gold} {copy} --to csv",
        "nerve.cli evaluate {en} --file {gold}",
        "nerve.cli errors {en} {gold}",
        "nerve.cli compare {en} {en} {gold}",
        "nerve.cli thresholds {en} {gold}",
        "nerve.model.archive {en}",
    ],
)
def test_a_reader_that_leaves_ends_a_command_without_a_message(tmp_path: Path, command: str) -> None:
    files = {name: tmp_path / name for name in ("text", "gold", "copy")}
    files["text"].write_text("Ada Lovelace wrote to London.\n")
    files["gold"].write_text("Paris\tB-LOC\nsleeps\tO\n\n")
    module, *words = command.format(**files, en=ROOT / "models/en.pt").split()
    with (tmp_path / "stderr").open("w+b") as stderr:
        process = Forked(module, words, {**os.environ, "OMP_NUM_THREADS": "1"}, stderr.fileno())
        process.stdout.close()
        assert (process.wait(120), (tmp_path / "stderr").read_bytes()) == (-signal.SIGPIPE, b"")
        process.communicate()


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_path_that_is_not_utf_8_is_printed_as_it_is_on_the_disk(locale: str, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    status, _, err = shell(f"{NERVE} tag {tmp_path}/$'caf\\xe9.txt'", LC_ALL=locale)
    assert status == 1
    assert err == b"nerve tag: " + path + b": cannot be read: No such file or directory\n"


@pytest.mark.parametrize("command", ["tag /etc/hostname", "models", "serve --port 0"])
@pytest.mark.parametrize("kilobytes", [100_000])
def test_too_little_memory_is_one_line(command: str, kilobytes: int) -> None:
    status, _, err = shell(f"ulimit -v {kilobytes}; {NERVE} {command}")
    if status:  # with a build of torch that is small enough a command may do
        assert status == 1
        assert err.startswith(b"nerve")
        assert err.count(b"\n") == 1


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "fact"),
    [
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "there is not enough memory"),
        (RuntimeError("can't start new thread"), "there is not enough memory"),
        (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device"),
        (OSError(5, "Input/output error"), "standard output cannot be written: Input/output error"),
        (ImportError("libx.so: failed to map segment"), "a library cannot be loaded: libx.so: failed to map segment"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, fact: str
) -> None:
    assert streams.run("nerve test", raising(error)) == 1
    assert capsys.readouterr().err == f"nerve test: {fact}\n"


@pytest.mark.parametrize("error", [ValueError("ours"), RuntimeError("ours"), ModuleNotFoundError("ours.so")])
def test_a_fault_of_ours_stays_a_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        streams.run("nerve test", raising(error))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain é", "plain é".encode()),
        ("caf\udce9", b"caf\xe9"),
        ("\ud800", b"\\ud800"),
        ("a\udce9\udfffb", b"a\xe9\\udfffb"),
    ],
)
def test_bytes_of_a_path_are_printed_as_they_are_and_other_surrogates_escaped(line: str, expected: bytes) -> None:
    assert streams.encoded(line) == expected
