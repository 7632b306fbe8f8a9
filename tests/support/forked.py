"""Processes that have imported torch and FastAPI when they begin: each would take two seconds of CPU for that."""

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from functools import cache

from tests.support import ROOT


class Forked:
    """`python -m MODULE ARGUMENTS` in the root of the repository, as far as tests use a `subprocess.Popen`.

    Attributes:
        pid: The process's id.
        stdout: What it prints.
        returncode: Its exit status once it has been seen to have ended; minus the signal that killed it.
    """

    def __init__(self, module: str, arguments: list[str], environment: dict[str, str], stderr: int) -> None:
        told, tell = os.pipe()
        read, out = os.pipe()
        request = {"module": module, "arguments": arguments, "environment": environment}
        socket.send_fds(_server(), [json.dumps(request).encode()], [out, stderr, tell])
        os.close(tell)
        os.close(out)
        self.stdout = os.fdopen(read, encoding="utf-8")
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._line())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status if it has ended."""
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not in this time, in seconds.
        """
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Return what else it prints, when it has ended."""
        self.wait(timeout)
        printed = "" if self.stdout.closed else self.stdout.read()
        self.stdout.close()
        self._told.close()
        return printed, None

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._told, selectors.EVENT_READ)
                if selector.select(timeout):
                    self.returncode = int(self._line())
        return self.returncode

    def _line(self) -> bytes:
        line = self._told.readline()
        if not line:
            raise RuntimeError("the server that starts processes has ended")
        return line


@cache
def _server() -> socket.socket:
    """The socket of a server that forks, which is started once and ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def stop() -> None:
        ours.close()
        process.wait(60)

    atexit.register(stop)
    return ours
