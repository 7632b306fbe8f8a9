"""`nerve` for the tests that run it and look at what comes out."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shell import command, environment

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def nerve(tmp_path: Path) -> Nerve:
    """Runs `nerve ARGUMENTS` in a folder of the test's own, with `given` as its standard input."""

    def run(
        *arguments: str, given: str | bytes = b"", stdout: Any = subprocess.PIPE, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        ended = subprocess.run(
            command(*arguments),
            input=given.encode() if isinstance(given, str) else given,
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
