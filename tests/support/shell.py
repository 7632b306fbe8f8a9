"""The command line as a shell meets it: its streams and its status, in this process or in one of its own."""

import io
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO
from unittest import mock

from nerve.cli.__main__ import main
from tests.support import ROOT


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nerve.cli", *arguments]


def environment(**more: str) -> dict[str, str]:
    inherited = {
        key: os.environ[key]
        for key in ("PATH", "HOME", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_CONFIG")
        if key in os.environ
    }
    return {**inherited, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def run_here(*arguments: str, given: bytes, **streams: TextIO) -> "subprocess.CompletedProcess[str]":
    """Run `nerve ARGUMENTS` in this process. `streams` are those that it gets as stdout or stderr; what it writes to
    another one is told."""
    told = {name: io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for name in {"stdout", "stderr"} - streams.keys()}
    handler = signal.getsignal(signal.SIGPIPE)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stdin:
        stdin.buffer.write(given)
        stdin.buffer.seek(0)
        try:
            with mock.patch.multiple(sys, stdin=stdin, **told, **streams):
                status = main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            signal.signal(signal.SIGPIPE, handler)
    written = {}
    for name, stream in told.items():
        stream.seek(0)
        written[name] = stream.read()
    return subprocess.CompletedProcess(arguments, status, written.get("stdout", ""), written.get("stderr", ""))


def on_terminal(*arguments: str, given: bytes, stream: str, **more: str) -> tuple[int, str, str]:
    """Run `nerve ARGUMENTS` with its `stream`, stdout or stderr, on a terminal: its status, what the terminal got,
    and what the other stream did."""
    shown = bytearray()
    with mock.patch.dict(os.environ, {"TERM": "xterm", "NO_COLOR": "", **more}), _terminal(shown) as terminal:
        ended = run_here(*arguments, given=given, **{stream: terminal})
    return ended.returncode, shown.decode().replace("\r\n", "\n"), ended.stdout or ended.stderr


def wait_until(process: "subprocess.Popen[Any]", happened: Callable[[], object]) -> None:
    """Until something has happened that a process does, or the process has ended."""
    while not happened() and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):  # a loop that only asks would take the core from the process
            process.wait(0.01)


@contextmanager
def _terminal(shown: bytearray) -> Iterator[TextIO]:
    """A terminal, whose content is in `shown` when it is closed."""
    ours, theirs = pty.openpty()

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # Linux says so when the last one at the other end has gone
                return
            shown.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        yield terminal
    reader.join()
    os.close(ours)
