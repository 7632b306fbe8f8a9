"""A reload of several processes: all of them serve the new archive, or none does."""

import concurrent.futures
import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.fakes import eventually
from tests.support.fleet import Fleet, put, replaced, running


def labels(fleet: Fleet, times: int = 12) -> set[str]:
    """The labels of the model in as many answers; each may come from another worker."""
    return {json.dumps(fleet.get("/v1/models").json()["models"][0]["labels"]) for _ in range(times)}


def test_a_reload_over_http_reaches_every_process(fleet: Fleet, tmp_path: Path, other_archive: Path) -> None:
    put(other_archive, tmp_path / "served.pt")
    assert fleet.post("/v1/models/tiny:reload").json()["reloaded"] is True
    reloaded = {"model": "tiny", "outcome": "reloaded"}
    assert eventually(lambda: fleet.metric("nerve_model_reloads_total", **reloaded) == 2, seconds=60)
    assert all(fleet.get("/v1/models").json()["models"][0]["labels"] == ["ORG"] for _ in range(8))


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
    assert replaced(fleet, fleet.kill_one())
    assert labels(fleet) == {'["LOC", "PER"]'}


def test_what_one_worker_reloads_is_served_by_all_and_by_replacements(
    fleet: Fleet, tmp_path: Path, other_archive: Path
) -> None:
    put(other_archive, tmp_path / "served.pt")
    assert fleet.post("/v1/models/tiny:reload").json()["reloaded"] is True
    assert labels(fleet) == {'["ORG"]'}  # at once: the answer means all of them
    spoil(tmp_path / "served.pt", "cut short")
    assert replaced(fleet, fleet.kill_one())
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
