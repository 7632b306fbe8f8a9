"""Two real services behind HAProxy and nginx, run as the chart says: a rolling restart, and a service that is killed.

`python -m bench.faults.rollout` does the same with the chart's own times and with a worker that is killed.
"""

import asyncio
import http.client
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.faults import balancer, chart, rollout
from bench.faults.chart import Deployment, Probe
from bench.faults.rollout import Death, Request, Result, run
from nerve.service.settings import Settings
from tests.service.conftest import make_archive
from tests.support import ROOT
from tests.support.fakes import eventually

# The chart's times, made short.
QUICK = {
    "probes": {"startup": {"periodSeconds": 1}, "readiness": {"periodSeconds": 1}},
    "stopping": {"graceSeconds": 3, "drainSeconds": 5},
}


@pytest.fixture(scope="module")
def result(
    render: object, installed: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Result]:
    """Plays a scenario, with a tiny archive."""
    assert render
    for name in balancer.PROGRAMS:
        installed(name)
    archive = make_archive(tmp_path_factory.mktemp("archive") / "tiny.pt")
    return lambda name: asyncio.run(run(name, chart.deployment(QUICK), {"MODEL": str(archive)}, 2))


def test_a_rolling_restart_loses_no_request(result: Callable[[str], Result]) -> None:
    restarted = result("rolling-restart")
    assert [(one.balancer, one.retries, one.lost) for one in restarted.outcomes] == [
        ("haproxy", True, 0), ("haproxy", False, 0), ("nginx", True, 0), ("nginx", False, 0),
    ]  # fmt: skip
    assert all(one.answered for one in restarted.outcomes)
    assert restarted.counted is None


def test_a_killed_service_loses_what_was_in_flight_and_with_the_retry_nothing(
    result: Callable[[str], Result],
) -> None:
    killed = result("kill")
    assert [one.lost for one in killed.outcomes if one.retries] == [0, 0]
    assert [one.unexplained for one in killed.outcomes] == [0, 0, 0, 0]
    assert all(one.answered and one.in_flight for one in killed.outcomes)


@pytest.mark.parametrize(
    ("begun", "ended", "interrupted"),
    [(1, 2, False), (1, 3, True), (1, 9, True), (3.5, 9, True), (4, 5, True), (4.5, 9, False)],
)
def test_a_request_is_in_flight_if_it_spans_the_death(begun: float, ended: float, interrupted: bool) -> None:
    assert Death(killed=3, gone=4).interrupts(Request(begun, ended, 0)) is interrupted
    assert not Death().interrupts(Request(begun, ended, 0))


@pytest.mark.parametrize(
    ("requests", "retries", "holds"),
    [
        ([Request(1, 9, 200)], True, True),
        ([Request(1, 9, 0)], False, True),
        ([Request(1, 9, 0)], True, False),
        ([Request(1, 2, 503)], False, False),
    ],
    ids=["answered", "in flight", "in flight, and not repeated", "not in flight"],
)
def test_what_may_be_lost(requests: list[Request], retries: bool, holds: bool) -> None:
    found = rollout.outcome("kill", balancer.Balancer("nginx", retries, 1), requests, Death(killed=3, gone=4))
    assert found.holds is holds


@pytest.mark.parametrize(("counted", "holds"), [(None, True), (9, True), (11, True), (8, False), (12, False)])
def test_the_metrics_may_be_off_by_what_was_in_flight(counted: int | None, holds: bool) -> None:
    outcomes = [rollout.Outcome("kill-worker", "nginx", True, answered=10, lost=0, in_flight=1, unexplained=0)]
    assert Result(outcomes, counted).holds is holds


def test_the_times_are_read_out_of_the_chart(render: object) -> None:
    assert render
    assert chart.deployment({**QUICK, "replicas": 3, "settings": {"NERVE_THREADS": 2}}) == Deployment(
        replicas=3,
        surge=1,
        environment={
            "NERVE_DRAIN_GRACE_SECONDS": "3", "NERVE_DRAIN_SECONDS": "5",
            "NERVE_LOG_FORMAT": "json", "NERVE_THREADS": "2",
        },
        startup=Probe("/health/ready", period=1, timeout=5, failures=60),
        readiness=Probe("/health/ready", period=1, timeout=5, failures=2),
        grace=23,
    )  # fmt: skip


def configuration(name: str) -> str:
    return (ROOT / "deploy" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "line"), [("haproxy", "retry-on"), ("nginx", "proxy_next_upstream")])
def test_without_its_retry_a_balancer_lacks_that_line_alone(name: str, line: str) -> None:
    configure, _ = balancer.PROGRAMS[name]
    probe = Probe("/health/ready", period=7, timeout=5, failures=4)
    both: list[Any] = [configure([1, 2, 3], 4, probe, retries=retries).splitlines() for retries in (True, False)]
    assert [one.split()[0] for one in both[0] if one not in both[1]] == [line]
    assert set(both[1]) <= set(both[0])
    assert ("inter 7s fall 4" in "\n".join(both[0])) is (name == "haproxy")


def test_a_balancer_that_is_not_installed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(balancer.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(chart, "deployment", lambda: Deployment(1, 1, {}, *[Probe("/", 1, 1, 1)] * 2, grace=1))
    assert rollout.main(["--scenario", "kill"]) == 1
    said = "haproxy is not installed; Debian and Ubuntu have it: apt-get install haproxy"
    assert capsys.readouterr().err == f"bench.faults.rollout: {said}\n"


def test_without_helm_it_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(chart, "helm", lambda: None)
    assert rollout.main(["--scenario", "kill"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_both_balancers_wait_longer_than_the_service_and_take_what_it_takes() -> None:
    ours = Settings()
    haproxy, nginx = configuration("haproxy.cfg"), configuration("nginx.conf")
    waits = re.findall(r"timeout server (\d+)s", haproxy) + re.findall(r"proxy_read_timeout (\d+)s;", nginx)
    assert [int(seconds) > ours.deadline_seconds for seconds in waits] == [True, True]
    assert re.findall(r"client_max_body_size (\d+)m", nginx) == [str(ours.max_body_bytes // 2**20 + 1)]


class Answers200(BaseHTTPRequestHandler):
    """A service that answers everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def fronts(
    installed: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[balancer.Balancer]]:
    """Both balancers, with and without retry, in front of a service that answers everything."""
    for name in balancer.PROGRAMS:
        installed(name)
    probe = Probe("/health/ready", period=1, timeout=5, failures=2)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers200) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with balancer.balancers([server.server_port], probe, tmp_path_factory.mktemp("fronts")) as running:
            assert eventually(lambda: all(status(one, "/v1/models") == 200 for one in running), 30)
            yield running
        server.shutdown()
        thread.join()


def status(front: balancer.Balancer, path: str) -> int:
    """The status of a GET; 0 without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *[("/metrics", 403), ("/metrics?x", 403), ("/%6detrics", 403)],
        *[("/v1/models/en:reload", 403), ("/v1/models/en%3Areload", 403), ("/v1/models/en%3areload?x", 403)],
        *[("/v1/models", 200), ("/", 200), ("/v1/stream", 200), ("/health/ready", 200)],
    ],
)
def test_a_balancer_keeps_metrics_and_reloads_to_those_inside(
    fronts: list[balancer.Balancer], path: str, expected: int
) -> None:
    assert {(front.name, status(front, path)) for front in fronts} == {("haproxy", expected), ("nginx", expected)}


@pytest.mark.parametrize("words", [("haproxy", "-c", "-f"), ("nginx", "-e", "stderr", "-t", "-c")])
@pytest.mark.parametrize("old", [None, "server"])
def test_a_misspelt_line_is_refused(
    installed: Callable[[str], str], tmp_path: Path, words: tuple[str, ...], old: str | None
) -> None:
    name, *flags = words
    configure, _ = balancer.PROGRAMS[name]
    text = configure([1, 2, 3], 4, Probe("/health/ready", 1, 1, 1), retries=True)
    file = tmp_path / "configuration"
    file.write_text(re.sub(rf"\b{old}", f"{old}s", text) if old else text)
    if name == "nginx":
        flags = ["-p", str(tmp_path), *flags]
    ended = subprocess.run([installed(name), *flags, str(file)], capture_output=True, text=True, check=False)
    assert (ended.returncode == 0) is (old is None), ended.stderr
