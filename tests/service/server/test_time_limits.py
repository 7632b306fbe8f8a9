"""Clients that are slow: each wait for a client has an end, and a client that goes on is never ended."""

import asyncio
import itertools
import json
import os
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.service.server.sweep import CHECKED_AT_ONCE, Sweep
from nerve.service.settings import Settings
from tests.support import loopback
from tests.support.fakes import HeldEngine, eventually
from tests.support.raw import raw

Serve = Callable[..., Any]
SHORT = 0.2
LONG = 60.0
POST = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: 19\r\n\r\n"
STREAM = b"POST /v1/stream HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
LINE = b'14\r\n{"text": "see Ann"}\n\r\n'
LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def limited(serve: Serve) -> Callable[..., httpx.Client]:
    """Starts a server whose time limits are long but for the given ones."""

    def start(**settings: Any) -> httpx.Client:
        limits = dict.fromkeys(["head_seconds", "body_seconds", "answer_seconds", "keep_alive_seconds"], LONG)
        client: httpx.Client = serve(**{**limits, **settings})[0]
        return client

    return start


def test_by_default_a_connection_is_kept_longer_than_load_balancers_keep_theirs() -> None:
    assert Settings().keep_alive_seconds > 60


def test_a_silent_connection_is_closed(limited: Callable[..., httpx.Client]) -> None:
    with raw(limited(head_seconds=SHORT)) as connection:
        assert connection.answers() == []


@pytest.mark.parametrize("head", [b"G", POST[:-1]], ids=["begun", "nearly whole"])
def test_a_head_that_does_not_end_is_408(limited: Callable[..., httpx.Client], head: bytes) -> None:
    with raw(limited(head_seconds=SHORT)) as connection:
        (answer,) = connection.ask(head)
    assert answer.error == (408, "request_timeout", "the request did not arrive in time")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [(b"GET / HTTP/1.1\r\nx: ", b"y"), (POST.replace(b"19", b"100000"), b" ")],
    ids=["head", "body"],
)
def test_what_comes_in_drops_is_408(limited: Callable[..., httpx.Client], beginning: bytes, drop: bytes) -> None:
    client = limited(head_seconds=SHORT, body_seconds=SHORT)
    ended = threading.Event()
    with raw(client) as connection:

        def drip() -> None:
            while not ended.wait(0.02):
                connection.send(drop)

        thread = threading.Thread(target=drip)
        connection.send(beginning)
        thread.start()
        received = connection.socket.recv(12)
        ended.set()
        thread.join()
    assert received == b"HTTP/1.1 408"


@pytest.mark.parametrize("body", [b"", b'{"text"'])
def test_a_body_that_stops_is_408(limited: Callable[..., httpx.Client], body: bytes) -> None:
    with raw(limited(body_seconds=SHORT)) as connection:
        (answer,) = connection.ask(POST + body)
    assert answer.error[:2] == (408, "request_timeout")


def test_a_stream_that_stops_is_ended(limited: Callable[..., httpx.Client]) -> None:
    with raw(limited(body_seconds=SHORT, deadline_seconds=SHORT)) as connection:
        connection.send(STREAM + LINE)
        received = b"".join(iter(lambda: connection.socket.recv(1 << 16), b""))
    assert b'"Ann"' in received
    assert not received.endswith(b"0\r\n\r\n")  # the client sees that the stream was cut off


def test_a_stream_that_goes_on_is_not_ended(limited: Callable[..., httpx.Client]) -> None:
    client = limited(body_seconds=1.5, deadline_seconds=0.5, head_seconds=SHORT)
    ended = threading.Event()

    def lines() -> Iterator[bytes]:
        for _ in range(8):
            yield json.dumps({"text": "see Ann"}).encode() + b"\n"
            ended.wait(0.5)

    started = time.monotonic()
    answer = client.post("/v1/stream", content=lines())
    assert (answer.status_code, answer.text.count('"Ann"')) == (200, 8)
    assert time.monotonic() - started > 3.5  # longer than any limit


def test_a_request_that_is_being_answered_has_no_limit_of_the_connection(serve: Serve) -> None:
    engine = HeldEngine()
    limits = dict.fromkeys(["head_seconds", "body_seconds", "answer_seconds", "keep_alive_seconds"], SHORT)
    client, _ = serve(engine=engine, **limits)
    with raw(client) as connection, raw(client) as silent:
        connection.send(POST + b'{"text": "see Ann"}')
        assert silent.answers() == []  # a sweep has passed
        engine.release()
        (answer,) = connection.answers()
    assert answer.status == 200


def test_an_idle_connection_is_closed_after_its_answer(limited: Callable[..., httpx.Client]) -> None:
    with raw(limited(keep_alive_seconds=SHORT)) as connection:
        assert [answer.status for answer in connection.ask(LIVE)] == [200]


def test_an_idle_connection_is_kept_beyond_the_time_of_a_head(limited: Callable[..., httpx.Client]) -> None:
    client = limited(head_seconds=SHORT)
    with raw(client) as connection, raw(client) as silent:
        connection.send(LIVE)
        assert connection.socket.recv(12) == b"HTTP/1.1 200"
        assert silent.answers() == []
        connection.send(LIVE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        assert b"HTTP/1.1 200" in b"".join(iter(lambda: connection.socket.recv(1 << 16), b""))


def test_a_client_that_takes_nothing_of_its_answer_is_ended(limited: Callable[..., httpx.Client]) -> None:
    client = limited(answer_seconds=SHORT)
    body = json.dumps({"text": "see Ann " * 150_000}).encode()
    head = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    with raw(client) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(head + body)
        # What has come before the end is in the buffers of both sides; the answer is not whole.
        assert eventually(lambda: is_reset(connection.socket))


def test_without_a_file_left_those_who_are_connected_are_answered_and_the_log_has_a_line_a_second(
    run_service: Callable[..., Any], archive: Any
) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    files = len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))
    with loopback.Client(base_url=url) as client, ExitStack() as stack:
        assert client.get("/health/live").status_code == 200
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (files + 8, files + 8))
        began = time.monotonic()
        for _ in range(40):
            stack.enter_context(raw(client))
        assert eventually(lambda: "no new connection can be accepted" in service.logged())
        used = cpu_seconds(service.process.pid)
        latencies = []
        for _ in itertools.takewhile(lambda _: time.monotonic() - began < 4, itertools.count()):
            asked = time.monotonic()
            assert client.get("/health/live").status_code == 200
            latencies.append(time.monotonic() - asked)
            threading.Event().wait(0.1)
        lines = service.logged().count("no new connection can be accepted")
        assert 1 <= lines <= time.monotonic() - began + 1
        assert cpu_seconds(service.process.pid) - used < 1.0
        assert sorted(latencies)[len(latencies) // 2] < 0.1
    # Whoever comes when the others have left is answered.
    assert eventually(lambda: answers(url))


def is_reset(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection; whoever sends is told."""
    try:
        connection.sendall(b" ")
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def answers(url: str) -> bool:
    try:
        return loopback.get(url + "/health/live", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_soft_limit_of_files_is_raised_to_the_hard_one(run_service: Callable[..., Any], archive: Any) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    service.ready()
    soft, hard = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


def test_a_sweep_over_thousands_of_connections_lets_others_run_in_between() -> None:
    turns: list[int] = []  # of the event loop, at each check

    class Connection:
        def check(self, now: float) -> None:
            assert now > 0
            turns.append(turn)

    connections = {Connection() for _ in range(2_000)}
    turn = 0

    async def sweep() -> None:
        nonlocal turn
        Sweep(seconds=0).start(asyncio.get_running_loop(), connections)
        while len(turns) < 2_000:
            turn += 1
            await asyncio.sleep(0)
        connections.clear()

    asyncio.run(sweep())
    assert max(Counter(turns).values()) == CHECKED_AT_ONCE
