"""Several processes on one port, as one service: totals, signals, deaths, and the end."""

import importlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nerve.service.server.workers import share_packages
from tests.support.fakes import eventually
from tests.support.fleet import NEW_KEY, OLD_KEY, URL, Fleet, put, replaced, running

Run = Callable[..., Any]


def test_two_processes_answer_and_their_numbers_are_added_up(fleet: Fleet) -> None:
    for _ in range(20):
        assert fleet.post(texts=["Munich", "a b c"]).status_code == 200
    assert fleet.post(text=1).status_code == 422
    # Several times, because one worker or the other answers.
    for _ in range(6):
        assert fleet.metric("nerve_http_requests_total", route=URL, status="200") == 20
        assert fleet.metric("nerve_http_request_duration_seconds_count", route=URL) == 21
        assert fleet.metric("nerve_texts_total", model="tiny") == 40
        assert fleet.metric("nerve_tokens_total", model="tiny") == 80
        assert fleet.metric("nerve_refused_total", reason="invalid_request") == 1
        assert fleet.metric("nerve_queue_tokens") == 0
        assert fleet.metric("nerve_http_requests_in_flight") == 1
        assert fleet.metric("nerve_model_info", model="tiny") == 1
        assert fleet.metric("nerve_workers") == 2
    workers, folders = fleet.service.workers(), fleet.folders()
    assert len(folders) == 1
    fleet.service.terminate()
    status, out, err = fleet.service.ended()
    lines = [json.loads(line) for line in err.splitlines()]
    assert {line["process"] for line in lines if line["logger"] == "nerve.access"} == set(workers)
    assert (status, out) == (0, "")
    assert not any(folder.exists() for folder in folders)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_workers_share_the_memory_of_the_packages_and_their_supervisor_has_one_thread(fleet: Fleet) -> None:
    supervisor = fleet.service.process.pid
    assert len(list(Path(f"/proc/{supervisor}/task").iterdir())) == 1
    for pid in fleet.service.workers():
        (kilobytes,) = re.findall(r"^Shared_Dirty:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
        assert int(kilobytes) * 1024 > 64 * 2**20


def test_where_libraries_do_not_survive_a_fork_each_worker_imports_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(importlib, "import_module", imported.append)
    share_packages()
    assert imported == []


def test_a_worker_that_is_killed_is_replaced_and_what_it_counted_stays(fleet: Fleet) -> None:
    for _ in range(10):
        fleet.post(text="Munich")
    # A request is counted after its answer, so a client may have the answer before.
    assert eventually(lambda: fleet.metric("nerve_http_requests_total", route=URL) == 10)
    killed, kept = fleet.service.workers()
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: len(set(fleet.service.workers()) - {killed}) == 2, seconds=60)
    assert fleet.metric("nerve_http_requests_total", route=URL) == 10
    assert eventually(lambda: fleet.metric("nerve_workers") == 2, seconds=60)
    assert kept in fleet.service.workers()
    assert fleet.post(text="Munich").status_code == 200
    assert eventually(lambda: fleet.metric("nerve_http_requests_total", route=URL) == 11)
    fleet.service.terminate()
    status, _, err = fleet.service.ended()
    assert status == 0
    assert f"worker {killed} ended with -9; another takes its place" in err


def test_a_sighup_reaches_every_process(fleet: Fleet, tmp_path: Path, other_archive: Path) -> None:
    put(other_archive, tmp_path / "served.pt")
    (tmp_path / "keys").write_text(NEW_KEY)
    fleet.service.hang_up()

    def answers(key: str) -> list[tuple[int, bool]]:
        found = [fleet.get("/v1/models", key) for _ in range(8)]
        return [(one.status_code, '"ORG"' in one.text) for one in found]

    assert eventually(lambda: answers(NEW_KEY) == [(200, True)] * 8, seconds=60)
    assert eventually(lambda: answers(OLD_KEY) == [(401, False)] * 8, seconds=60)


def test_workers_end_when_their_supervisor_is_killed_and_the_next_start_removes_their_metrics(
    fleet: Fleet, run_service: Run, archive: Path
) -> None:
    workers = fleet.service.workers()
    folders = fleet.folders()
    other = Fleet(run_service("--port", "0", "--workers", "2", "--model", str(archive)))
    assert all(folder.exists() for folder in folders), "a start removed the metrics of a service that runs"
    fleet.service.process.kill()
    fleet.service.process.wait()
    assert eventually(lambda: not any(running(pid) for pid in workers), seconds=60)
    assert all(folder.exists() for folder in folders)
    run_service("--port", "0", "--workers", "2", "--model", str(archive)).ready()
    assert not any(folder.exists() for folder in folders)
    assert all(folder.exists() for folder in other.folders())
    assert other.metric("nerve_workers") == 2


def test_ctrl_c_ends_all_with_130(fleet: Fleet) -> None:
    fleet.service.process.send_signal(signal.SIGINT)
    assert fleet.service.ended()[0] == 130


def assert_one_line(ended: tuple[int, str, str], word: str) -> None:
    status, out, err = ended
    assert (status, out, err.count("\n")) == (1, "", 1), err
    assert word in err


def test_an_archive_that_cannot_be_served_is_one_line(run_service: Run, archive: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(archive.read_bytes()[:-1_000])
    assert_one_line(run_service("--port", "0", "--workers", "3", "--model", str(damaged)).ended(), "damaged.pt")


@pytest.mark.parametrize("option", [None, socket.SO_REUSEPORT])
def test_a_taken_port_is_one_line(run_service: Run, archive: Path, option: int | None) -> None:
    with socket.socket() as taken:
        if option is not None:  # as another service with several workers has it
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_one_line(run_service("--port", port, "--workers", "2", "--model", str(archive)).ended(), port)


def test_a_stopped_worker_is_replaced_within_the_limit(short: Fleet) -> None:
    stopped, _ = short.service.workers()
    os.kill(stopped, signal.SIGSTOP)
    assert eventually(lambda: not running(stopped), seconds=10)
    assert eventually(lambda: len(short.service.workers()) == 2, seconds=10)
    # A line is written by a thread, and so may be later than what it tells of.
    assert eventually(lambda: f"worker {stopped} hangs (event loop): it is killed" in short.service.logged())
    assert replaced(short, stopped)


def test_sigterm_ends_all_within_drain_although_a_worker_is_stopped(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--workers", "2", "--model", str(archive), "--drain-seconds", "1")
    service.ready()
    stopped = service.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    begun = time.monotonic()
    service.terminate()
    assert service.ended()[0] == 0
    assert time.monotonic() - begun < 1 + 1 + 5  # drain, the second for the kill, and five for a busy machine
    assert f"worker {stopped} has not ended in time: it is killed" in service.logged()
