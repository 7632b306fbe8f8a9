"""SIGTERM, in a real process under load: readiness goes first, and nothing that was accepted is lost."""

import asyncio
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.faults.restart import restarts
from nerve.service.server.listener import answer_last_connections, refuse_new_connections, waiting_connections
from tests.support import loopback
from tests.support.fakes import eventually

Run = Callable[..., Any]
URL = "/v1/entities"

# Longer than any test: the second SIGTERM ends it.
GRACE = ("--drain-grace-seconds", "600")
CLIENTS = 6


def readiness(url: str) -> int:
    return loopback.get(url + "/health/ready").status_code


def in_flight(url: str) -> int:
    text = loopback.get(url + "/metrics").text
    (line,) = [line for line in text.splitlines() if line.startswith("nerve_http_requests_in_flight ")]
    return int(float(line.split()[1])) - 1  # without this one


def test_after_sigterm_readiness_is_off_and_requests_are_still_accepted(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive), *GRACE)
    _, url = service.ready()
    service.terminate()
    assert eventually(lambda: readiness(url) == 503)
    assert loopback.get(url + "/health/live").status_code == 200
    answer = loopback.post(url + URL, json={"text": "Munich"})
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    service.terminate()
    assert service.ended()[0] == 0


def test_no_request_is_lost_when_a_load_balancer_goes_by_readiness(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive), *GRACE)
    _, url = service.ready()
    numbers = itertools.count()
    out_of_rotation, warm = threading.Event(), threading.Semaphore(0)

    def client(keeps_connections: bool) -> list[tuple[str, httpx.Response]]:
        """What it sent, each with its answer, until the load balancer sends nothing here any more."""
        answered = []
        limits = httpx.Limits(max_keepalive_connections=1 if keeps_connections else 0)
        with loopback.Client(base_url=url, timeout=120, limits=limits) as http:
            while not out_of_rotation.is_set():
                text = f"Angela Merkel visited Munich {next(numbers)} times."
                answered.append((text, http.post(URL, json={"text": text})))
                warm.release()
        return answered

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number % 2 == 0) for number in range(CLIENTS)]
        for _ in range(3 * CLIENTS):
            assert warm.acquire(timeout=120)
        service.terminate()
        assert eventually(lambda: readiness(url) == 503)
        for _ in range(3 * CLIENTS):  # it notices late, and they go on meanwhile
            assert warm.acquire(timeout=120)
        out_of_rotation.set()
        answered = [one for client in clients for one in client.result()]
    service.terminate()
    assert service.ended()[0] == 0
    assert len(answered) == next(numbers) >= 6 * CLIENTS
    assert {answer.status_code for _, answer in answered} == {200}
    assert all(answer.json()["text"] == text for text, answer in answered)


def test_a_request_in_flight_when_the_port_closes_is_answered(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive), *GRACE, "--drain-seconds", "300")
    _, url = service.ready()
    texts = [f"Angela Merkel visited Munich {number} times. " * 4_000 for number in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(loopback.post, url + URL, json={"text": text}, timeout=300) for text in texts]
        assert eventually(lambda: in_flight(url) == 4, seconds=60)
        service.terminate()
        assert eventually(lambda: readiness(url) == 503)  # two signals at once may be one
        service.terminate()
        answers = [one.result() for one in asked]
    assert service.ended()[0] == 0
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json()["text"] for answer in answers] == texts


def test_a_request_that_takes_longer_than_the_drain_is_answered_503(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive), "--drain-seconds", "0")
    _, url = service.ready()
    text = "Angela Merkel visited Munich. " * 30_000
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(loopback.post, url + URL, json={"text": text}, timeout=300)
        assert eventually(lambda: in_flight(url) == 1, seconds=60)
        service.terminate()
        answer = asked.result()
    assert answer.status_code == 503
    assert answer.json()["error"] == {"code": "unavailable", "message": "the service is shutting down"}
    assert service.ended()[0] == 0


def test_connections_in_the_systems_queue_when_the_port_closes_are_answered(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    os.kill(service.process.pid, signal.SIGSTOP)
    connections = []
    for number in range(200):
        connection = socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 0), timeout=60)
        body = json.dumps({"text": f"Munich {number}"}).encode()
        connection.sendall(b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        connections.append(connection)
    service.terminate()
    os.kill(service.process.pid, signal.SIGCONT)
    for number, connection in enumerate(connections):
        with connection, http.client.HTTPResponse(connection) as answer:
            answer.begin()
            assert json.loads(answer.read())["text"] == f"Munich {number}"
    assert service.ended()[0] == 0


class Starved(asyncio.SelectorEventLoop):
    """Of a process that the system hardly lets run: seconds pass between any two looks at the clock."""

    passed = 0.0

    def time(self) -> float:
        self.passed += 5.0
        return self.passed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a filter for connections")
def test_a_starved_process_reads_what_its_last_connections_sent() -> None:
    read = []

    class Reader(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            read.append(data)
            self.transport.close()

    async def drain(listener: socket.socket) -> int:
        # With this backlog the loop accepts one connection a round.
        server = await asyncio.get_running_loop().create_server(Reader, sock=listener, backlog=1)
        listener.listen(100)
        await answer_last_connections([listener], 10_000.0)
        count = len(read)
        server.close()
        return count

    with contextlib.ExitStack() as stack, asyncio.Runner(loop_factory=Starved) as runner:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
        for _ in range(40):
            connection = stack.enter_context(socket.create_connection(listener.getsockname()))
            connection.sendall(b"request")
        assert runner.run(drain(listener)) == 40


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a filter for connections")
def test_a_socket_that_refuses_new_connections_keeps_those_it_has() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as waiting,
    ):
        assert waiting_connections(listener) == 1
        assert refuse_new_connections(listener)
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.2)
        waiting.sendall(b"request")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"request"
        assert waiting_connections(listener) == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_restart_under_load_loses_no_request(archive: Path, workers: int) -> None:
    counts = asyncio.run(restarts(workers, 2, 16, grace=0.2, model=archive))
    assert (counts["lost"], counts["wrong"]) == (0, 0)
    assert counts["answered"] > 100
