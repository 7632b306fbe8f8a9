"""Fixtures that run `nerve` and return its status and its output."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.shell import command, environment, run_here

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def nerve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nerve:
    """Runs `nerve ARGUMENTS` in the test's own folder, with `given` as its standard input. It runs in this process,
    because another one would take seconds to import torch."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, given: str | bytes = b"") -> "subprocess.CompletedProcess[str]":
        return run_here(*arguments, given=given.encode() if isinstance(given, str) else given)

    return run


@pytest.fixture
def nerve_process(tmp_path: Path) -> Nerve:
    """Does the same in a process of its own, for tests that depend on it."""

    def run(
        *arguments: str, given: bytes = b"", stdout: int = subprocess.PIPE, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        ended = subprocess.run(
            command(*arguments),
            input=given,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(**more),
            timeout=240,
            check=False,
        )
        return subprocess.CompletedProcess(
            ended.args, ended.returncode, (ended.stdout or b"").decode(), ended.stderr.decode()
        )

    return run
