"""Several processes on one port, as one service: totals, signals, deaths, and the end."""

import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import loopback
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
        return loopback.get(self.url + path, headers={"x-api-key": key}, timeout=60)

    def post(self, path: str = URL, key: str = OLD_KEY, **body: Any) -> httpx.Response:
        return loopback.post(self.url + path, json=body, headers={"x-api-key": key}, timeout=60)

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


def test_workers_share_the_memory_of_the_packages_and_their_supervisor_has_one_thread(fleet: Fleet) -> None:
    supervisor = fleet.service.process.pid
    assert len(list(Path(f"/proc/{supervisor}/task").iterdir())) == 1
    for pid in fleet.service.workers():
        (kilobytes,) = re.findall(r"^Shared_Dirty:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
        assert int(kilobytes) * 1024 > 64 * 2**20


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


def put(archive: Path, path: Path) -> None:
    """Replace `path` at once, as an operator should."""
    (path.parent / "new").write_bytes(archive.read_bytes())
    (path.parent / "new").replace(path)


def labels(fleet: Fleet, times: int = 12) -> set[str]:
    """The labels of the model in as many answers; each may come from another worker."""
    return {json.dumps(fleet.get("/v1/models").json()["models"][0]["labels"]) for _ in range(times)}


def replaced(fleet: Fleet, killed: int, seconds: float = 60) -> bool:
    """Whether a worker of the fleet is replaced within so many seconds by one that listens."""
    port = f":{httpx.URL(fleet.url).port:04X}"

    def listening() -> int:
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(words[1].endswith(port) and words[3] == "0A" for words in sockets)

    return eventually(lambda: killed not in fleet.service.workers() and listening() == 2, seconds=seconds)


def spoil(path: Path, how: str) -> None:
    if how == "cut short":
        path.write_bytes(path.read_bytes()[:-1_000])
    elif how == "gone":
        path.unlink()
    elif how == "a folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize("how", ["cut short", "gone", "a folder"])
def test_a_bad_archive_and_a_crash_change_nothing(fleet: Fleet, tmp_path: Path, how: str) -> None:
    before = labels(fleet)
    spoil(tmp_path / "served.pt", how)
    assert fleet.post("/v1/models/tiny:reload").status_code == 409
    for killed in fleet.service.workers():
        os.kill(killed, signal.SIGKILL)
        assert replaced(fleet, killed)
    assert labels(fleet) == before == {'["LOC", "PER"]'}
    assert fleet.post(text="Munich").status_code == 200
    fleet.service.terminate()
    assert fleet.service.ended()[0] == 0


def test_an_archive_that_nobody_has_reloaded_is_not_served_by_a_replacement(
    fleet: Fleet, tmp_path: Path, other_archive: Path
) -> None:
    put(other_archive, tmp_path / "served.pt")
    killed = fleet.service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    assert replaced(fleet, killed)
    assert labels(fleet) == {'["LOC", "PER"]'}


def test_what_one_worker_reloads_is_served_by_all_and_by_replacements(
    fleet: Fleet, tmp_path: Path, other_archive: Path
) -> None:
    put(other_archive, tmp_path / "served.pt")
    assert fleet.post("/v1/models/tiny:reload").json()["reloaded"] is True
    assert labels(fleet) == {'["ORG"]'}  # at once: the answer means all of them
    spoil(tmp_path / "served.pt", "cut short")
    killed = fleet.service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    assert replaced(fleet, killed)
    assert labels(fleet) == {'["ORG"]'}


def test_reloads_at_the_same_time_in_both_workers_load_the_archive_once(
    fleet: Fleet, tmp_path: Path, other_archive: Path
) -> None:
    put(other_archive, tmp_path / "served.pt")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fleet.post("/v1/models/tiny:reload"), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(answer.json()["reloaded"] for answer in answers) == [False] * 7 + [True]
    assert labels(fleet) == {'["ORG"]'}


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


def test_a_stopped_worker_is_replaced_within_the_limit(short: Fleet) -> None:
    stopped, _ = short.service.workers()
    os.kill(stopped, signal.SIGSTOP)
    assert eventually(lambda: not running(stopped), seconds=10)
    assert eventually(lambda: len(short.service.workers()) == 2, seconds=10)
    # A line is written by a thread, and so may be later than what it tells of.
    assert eventually(lambda: f"worker {stopped} hangs (event loop): it is killed" in short.service.logged())
    assert replaced(short, stopped)


def test_a_reload_ends_when_another_worker_hangs(short: Fleet, tmp_path: Path, other_archive: Path) -> None:
    stopped, _ = short.service.workers()
    put(other_archive, tmp_path / "served.pt")
    os.kill(stopped, signal.SIGSTOP)
    short.service.hang_up()
    assert eventually(lambda: not running(stopped), seconds=20)
    assert replaced(short, stopped)
    assert len(labels(short)) == 1
    assert short.post("/v1/models/tiny:reload").status_code == 200
    assert labels(short) == {'["ORG"]'}


def test_sigterm_ends_all_within_drain_although_a_worker_is_stopped(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--workers", "2", "--model", str(archive), "--drain-seconds", "1")
    service.ready()
    stopped = service.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    begun = time.monotonic()
    service.terminate()
    assert service.ended()[0] == 0
    assert time.monotonic() - begun < 1 + 1 + 1  # drain, the second for the kill, and one for a busy machine
    assert f"worker {stopped} has not ended in time: it is killed" in service.logged()


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
    killed = fleet.service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    assert replaced(fleet, killed)
    assert all(512 * path.stat().st_blocks < 65_536 for path in folder.glob(f"*_{killed}.db"))
