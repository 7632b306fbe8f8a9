"""A service of one's own for a command: a process on a free port of the loopback interface."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.faults.sigterm import STOP_SECONDS, started


class ServiceProcess(NamedTuple):
    """A running service: its port, and the id of its process."""

    port: int
    pid: int

    @property
    def resident_bytes(self) -> int:
        """The memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu_seconds(self) -> float:
        """The CPU time that all its threads have used, in seconds, on a clock of nanoseconds."""
        return cpu_seconds(self.pid)

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len([*Path(f"/proc/{self.pid}/fd").iterdir()])


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process have used, in seconds.

    Other programs on the same core do not make it longer, as they do all times of a clock on the wall. /proc/PID/stat
    has it in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)  # the clock's id is Linux's own: man 3 clock_getcpuclockid


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started and that have not been waited for (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def service_process(arguments: Sequence[str] = (), stop_seconds: float = STOP_SECONDS) -> Iterator[ServiceProcess]:
    """Start `python -m nerve.service` with these arguments, and stop it after the block, SIGTERM included."""
    words = [sys.executable, "-m", "nerve.service", "--port", "0", "--drain-grace-seconds", "0", *arguments]
    with started(
        words, stop_seconds=stop_seconds, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()  # it prints one when it is ready, or ends
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found is None:
            raise RuntimeError(f"the service did not start: {line.strip() or 'it printed nothing'}")
        yield ServiceProcess(int(found[1]), process.pid)
