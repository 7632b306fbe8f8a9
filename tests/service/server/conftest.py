"""Services with two workers."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet import OLD_KEY, Fleet

Run = Callable[..., Any]


@pytest.fixture
def fleet(run_service: Run, archive: Path, tmp_path: Path) -> Iterator[Fleet]:
    keys, served = tmp_path / "keys", tmp_path / "served.pt"
    keys.write_text(OLD_KEY)
    served.write_bytes(archive.read_bytes())
    service = run_service(
        "--port", "0", "--workers", "2", "--model", str(served), "--api-keys-file", str(keys), "--log-format", "json"
    )  # fmt: skip
    yield Fleet(service)
    for pid in service.workers() if service.process.poll() is None else []:
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def short(run_service: Run, archive: Path, tmp_path: Path) -> Iterator[Fleet]:
    """Two workers, which may be silent for two seconds."""
    (tmp_path / "served.pt").write_bytes(archive.read_bytes())
    service = run_service(
        "--port", "0", "--workers", "2", "--model", str(tmp_path / "served.pt"), "--hang-seconds", "2",
        "--drain-seconds", "1",
    )  # fmt: skip
    yield Fleet(service)
    for pid in service.workers() if service.process.poll() is None else []:
        os.kill(pid, signal.SIGKILL)
