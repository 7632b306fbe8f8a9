"""The metrics of several processes, in memory that may run out."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.fakes import eventually
from tests.support.fleet import URL, Fleet, replaced

Run = Callable[..., Any]


def in_small_memory(size: str, temporary: str = "") -> list[str]:
    """The beginning of a command that runs with so much memory in /dev/shm."""
    script = f'mount -t tmpfs -o size={size} none /dev/shm && exec env {temporary} "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def needs_mounts() -> None:
    if subprocess.run([*in_small_memory("1m"), "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")


def write_without_end(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))


@pytest.mark.slow
def test_shared_memory_that_fills_up_kills_nobody(run_service: Run, archive: Path) -> None:
    needs_mounts()
    fleet = Fleet(
        run_service("--port", "0", "--workers", "2", "--model", str(archive), prefix=in_small_memory("16m"))
    )
    workers = fleet.service.workers()
    with pytest.raises(OSError, match="No space left"):
        write_without_end(Path(f"/proc/{fleet.service.process.pid}/root/dev/shm/fill"))
    for number in range(40):
        assert fleet.post(text=f"Munich {number}").status_code == 200
        assert fleet.get(f"/nowhere/{number}").status_code == 404
    assert fleet.metric("nerve_http_requests_total", route=URL) == 40
    assert fleet.service.workers() == workers
    # A replacement finds no room, and counts for itself.
    os.kill(workers[0], signal.SIGKILL)
    assert eventually(lambda: "it counts for itself" in fleet.service.logged(), seconds=60)
    assert eventually(lambda: len(set(fleet.service.workers()) - {workers[0]}) == 2, seconds=60)
    assert all(fleet.post(text="Munich").status_code == 200 for _ in range(20))
    fleet.service.terminate()
    assert fleet.service.ended()[0] == 0


@pytest.mark.slow
def test_full_shared_memory_at_the_start_moves_the_metrics_to_the_temporary_folder(
    run_service: Run, archive: Path, tmp_path: Path
) -> None:
    needs_mounts()
    prefix = in_small_memory("1m", f"TMPDIR={tmp_path}")
    fleet = Fleet(run_service("--port", "0", "--workers", "2", "--model", str(archive), prefix=prefix))
    assert {folder.parent for folder in fleet.folders()} == {tmp_path}
    assert eventually(lambda: fleet.metric("nerve_workers") == 2, seconds=60)
    assert eventually(lambda: "no room for the workers' metrics in /dev/shm" in fleet.service.logged())
    fleet.service.terminate()
    assert fleet.service.ended()[0] == 0


@pytest.mark.slow
def test_without_room_for_metrics_each_worker_counts_for_itself(run_service: Run, archive: Path) -> None:
    needs_mounts()
    prefix = in_small_memory("1m", "TMPDIR=/dev/shm")
    fleet = Fleet(run_service("--port", "0", "--workers", "2", "--model", str(archive), prefix=prefix))
    assert fleet.metric("nerve_workers") == 1
    assert fleet.post(text="Munich").status_code == 200
    assert fleet.folders() == set()
    assert eventually(lambda: "each worker counts for itself" in fleet.service.logged())
    fleet.service.terminate()
    assert fleet.service.ended()[0] == 0


def test_the_memory_of_the_metrics_is_reserved(fleet: Fleet) -> None:
    (folder,) = fleet.folders()
    files = [path.stat() for pid in fleet.service.workers() for path in folder.glob(f"*_{pid}.db")]
    assert len(files) == 2 * 4
    assert all(512 * file.st_blocks >= file.st_size for file in files)
    # The files of a worker that has ended hold what they say, and no more memory than that.
    killed = fleet.kill_one()
    assert replaced(fleet, killed)
    assert all(512 * path.stat().st_blocks < 65_536 for path in folder.glob(f"*_{killed}.db"))
