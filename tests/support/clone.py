"""A stand-in for a fresh clone: its files, and an environment that is ready without pip.

Its `.venv/bin/python` is the interpreter that runs the tests, so `make` does there all that it does in a real clone,
except for the installation.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.support import ROOT

STAMPS = (".runtime", ".training", ".test")
# What make leaves behind, which a fresh clone does not have.
_BUILT = ("build", "dist", "site")
# What would change a make that is started from a test, as `make test` does.
_OWN = (
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "PYTHON",
    "TORCH_INDEX",
    "ARGS",
    "HOST",
    "PORT",
    "MODEL",
    "DEVICE",
    "WORKERS",
)


class Clone:
    """The files of the project in a folder of their own, as links, except for `.venv`, which is made here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for entry in ROOT.iterdir():
            if entry.name not in _BUILT and not entry.name.startswith(".") and not entry.name.endswith(".egg-info"):
                (folder / entry.name).symlink_to(entry)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (programs / "python").chmod(0o755)
        (programs / "nerve").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nerve.cli "$@"\n')
        (programs / "nerve").chmod(0o755)
        (programs / "pip").touch()
        for stamp in STAMPS:
            (folder / ".venv" / stamp).touch()

    def start(self, command: str, **environment: str) -> "subprocess.Popen[str]":
        """Run a shell command in the clone."""
        return subprocess.Popen(
            ["sh", "-c", command],
            cwd=self.folder,
            env={**clean_environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str, seconds: float = 240, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a shell command in the clone to its end."""
        process = self.start(command, **environment)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def clean_environment() -> dict[str, str]:
    """This process's environment without what a make around it has put there."""
    return {key: value for key, value in os.environ.items() if key not in _OWN} | {"OMP_NUM_THREADS": "1"}


def later(path: Path) -> None:
    """Make a file look changed just now, whatever the resolution of the file system's clock."""
    moment = time.time() + 10
    os.utime(path, (moment, moment))
