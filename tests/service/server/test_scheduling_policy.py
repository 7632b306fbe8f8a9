"""How the threads of a running service share a core."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import loopback


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux alone has this policy")
def test_no_thread_takes_the_core_from_another_when_it_wakes_up(
    run_service: Callable[..., Any], archive: Path
) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    loopback.post(f"{url}/v1/entities", json={"text": "Angela Merkel visited Munich. " * 5_000})
    threads = Path(f"/proc/{service.process.pid}/task").iterdir()
    policies = [os.sched_getscheduler(int(thread.name)) for thread in threads]
    assert len(policies) >= 4  # the event loop, the engine, the reader of long texts, the writer of the log
    assert set(policies) == {os.SCHED_BATCH}
