"""The command line as a shell meets it: a process with its streams and its status."""

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments]


def environment(**more: str) -> dict[str, str]:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LD_LIBRARY_PATH") if key in os.environ}
    return {**inherited, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def on_terminal(*arguments: str, given: bytes, stream: str, **more: str) -> tuple[int, str, str]:
    """Run `nerve ARGUMENTS` with its `stream`, stdout or stderr, on a terminal: its status, what the terminal got,
    and what the other stream did."""
    ours, theirs = pty.openpty()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: theirs}
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # Linux says so when the last one at the other end has gone
                return
            shown.extend(part)

    with subprocess.Popen(
        command(*arguments), env=environment(**{"TERM": "xterm", **more}), stdin=subprocess.PIPE, **streams
    ) as process:
        os.close(theirs)
        reader = threading.Thread(target=read)
        reader.start()
        out, err = process.communicate(given, timeout=240)
        reader.join()
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n"), (out or err or b"").decode()
