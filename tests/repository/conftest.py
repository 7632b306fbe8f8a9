"""The service that the documents' examples talk to."""

import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.clone import Clone

READY_SECONDS = 60


class Service(NamedTuple):
    """What `make serve` printed first, and the address that it serves at, as HOST:PORT."""

    line: str
    address: str


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`make serve` in a clone, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = Clone(tmp_path_factory.mktemp("serve")).start("make serve", PORT=str(port))
    try:
        yield Service(first_line(process), f"127.0.0.1:{port}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def first_line(process: "subprocess.Popen[str]") -> str:
    """The first line that a process writes to stdout or, if it fails, what it writes to stderr."""
    assert process.stdout is not None
    assert process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(READY_SECONDS), "make serve printed nothing"
    return process.stdout.readline() or process.stderr.read()
