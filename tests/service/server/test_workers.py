"""Several processes on one port, as one service: totals, signals, deaths, and the end."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.fakes import eventually

Run = Callable[..., Any]
URL = "/v1/entities"
OLD_KEY, NEW_KEY = "old-key-0123456789", "new-key-0123456789"


class Fleet:
    """A service with two workers. Each request has a connection of its own, so that both workers get some."""

    def __init__(self, service: Any) -> None:
        self.service = service
        _, self.url = service.ready()

    def get(self, path: str, key: str = OLD_KEY) -> httpx.Response:
        return httpx.get(self.url + path, headers={"x-api-key": key}, timeout=60, trust_env=False)

    def post(self, path: str = URL, key: str = OLD_KEY, **body: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=body, headers={"x-api-key": key}, timeout=60, trust_env=False)

    def metric(self, name: str, key: str = OLD_KEY, **labels: str) -> float:
        families = text_string_to_metric_families(self.get("/metrics", key).text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def folders(self) -> set[Path]:
        """The folders in which the workers of this service keep their metrics."""
        maps = [Path(f"/proc/{pid}/maps").read_text() for pid in self.service.workers()]
        return {Path(line.split()[-1]).parent for text in maps for line in text.splitlines() if "/nerve-" in line}


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


def test_a_worker_that_is_killed_is_replaced_and_what_it_counted_stays(fleet: Fleet) -> None:
    for _ in range(10):
        fleet.post(text="Munich")
    killed, kept = fleet.service.workers()
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: len(set(fleet.service.workers()) - {killed}) == 2, seconds=60)
    assert fleet.metric("nerve_http_requests_total", route=URL) == 10
    assert eventually(lambda: fleet.metric("nerve_workers") == 2, seconds=60)
    assert kept in fleet.service.workers()
    assert fleet.post(text="Munich").status_code == 200
    assert fleet.metric("nerve_http_requests_total", route=URL) == 11
    fleet.service.terminate()
    status, _, err = fleet.service.ended()
    assert status == 0
    assert f"worker {killed} ended with -9; another takes its place" in err


def test_a_sighup_reaches_every_process(fleet: Fleet, tmp_path: Path, other_archive: Path) -> None:
    (tmp_path / "new").write_bytes(other_archive.read_bytes())
    (tmp_path / "new").replace(tmp_path / "served.pt")
    (tmp_path / "keys").write_text(NEW_KEY)
    fleet.service.hang_up()

    def answers(key: str) -> list[tuple[int, bool]]:
        found = [fleet.get("/v1/models", key) for _ in range(8)]
        return [(one.status_code, '"ORG"' in one.text) for one in found]

    assert eventually(lambda: answers(NEW_KEY) == [(200, True)] * 8, seconds=60)
    assert eventually(lambda: answers(OLD_KEY) == [(401, False)] * 8, seconds=60)


def test_a_reload_over_http_reaches_every_process(fleet: Fleet, tmp_path: Path, other_archive: Path) -> None:
    (tmp_path / "new").write_bytes(other_archive.read_bytes())
    (tmp_path / "new").replace(tmp_path / "served.pt")
    assert fleet.post("/v1/models/tiny:reload").json()["reloaded"] is True
    reloaded = {"model": "tiny", "outcome": "reloaded"}
    assert eventually(lambda: fleet.metric("nerve_model_reloads_total", **reloaded) == 2, seconds=60)
    assert all(fleet.get("/v1/models").json()["models"][0]["labels"] == ["ORG"] for _ in range(8))


def test_workers_end_when_their_supervisor_is_killed(fleet: Fleet) -> None:
    workers = fleet.service.workers()
    folders = fleet.folders()
    fleet.service.process.kill()
    fleet.service.process.wait()
    assert eventually(lambda: not any(running(pid) for pid in workers), seconds=60)
    for path in [path for folder in folders for path in (*folder.iterdir(), folder)]:
        path.rmdir() if path.is_dir() else path.unlink()


def running(pid: int) -> bool:
    """Whether there is such a process, and it is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


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
