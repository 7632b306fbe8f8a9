"""A service of one's own for a command: a process on a free port of the loopback interface."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

STOP_SECONDS = 30


class ServiceProcess(NamedTuple):
    """A running service: its port, and the id of its process."""

    port: int
    pid: int

    @property
    def resident_bytes(self) -> int:
        """The memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len([*Path(f"/proc/{self.pid}/fd").iterdir()])


@contextmanager
def service_process(arguments: Sequence[str] = (), stop_seconds: float = STOP_SECONDS) -> Iterator[ServiceProcess]:
    """Start `python -m nerve.service` with these arguments, and stop it after the block, SIGTERM included."""
    words = [sys.executable, "-m", "nerve.service", "--port", "0", "--drain-grace-seconds", "0", *arguments]
    with (
        exit_on_sigterm(),
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # it prints one when it is ready, or ends
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found is None:
                raise RuntimeError(f"the service did not start: {line.strip() or 'it printed nothing'}")
            yield ServiceProcess(int(found[1]), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(stop_seconds)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Within the block, SIGTERM raises SystemExit, so that the blocks around the code that runs are left in order.

    By default it ends the process at once, and the processes that it has started go on. In another thread than the
    main one nothing changes, because only the main thread gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
