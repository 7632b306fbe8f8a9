"""What all requests hold together is bounded: bodies that are being read, and answers that nobody takes."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from nerve.service.api.route import Route
from nerve.service.api.routes import API
from nerve.service.budget import LARGE_SHARE
from nerve.service.http.answer import PIECE_BYTES
from nerve.service.state import Service
from tests.support.fakes import eventually

Serve = Callable[..., tuple[httpx.Client, Service]]
MEGABYTE = 2**20
BODY = 8 * MEGABYTE
TAKES_BODIES = [route for route in API if route.request is not None]


def head(client: httpx.Client, path: str, *fields: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", f"host: {client.base_url.host}", *fields, "", ""]).encode()


@contextmanager
def connected(client: httpx.Client, count: int) -> Iterator[list[socket.socket]]:
    address = client.base_url.host, client.base_url.port or 0
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(count)]


def status(connection: socket.socket) -> int:
    return int(connection.recv(12).split()[1])


def received(connection: socket.socket, until: bytes) -> bytes:
    """Return what arrives until it has some bytes in it, or the connection ends."""
    answer = b""
    while until not in answer and (piece := connection.recv(65_536)):
        answer += piece
    return answer


def arrived(connection: socket.socket) -> bytes:
    """Return what has arrived so far, and leave it there."""
    connection.setblocking(False)
    try:
        return connection.recv(65_536, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def test_unfinished_gzip_bodies_are_read_up_to_the_bound_and_then_refused(serve: Serve) -> None:
    client, service = serve()
    body = gzip.compress(b'{"text":"' + b"a" * (BODY - 100))[:-10]
    request = head(client, "/v1/entities", "content-encoding: gzip", f"content-length: {len(body) + 10}") + body
    with connected(client, 130) as connections:
        for connection in connections:
            connection.sendall(request)
        refused = []

        def most_are_refused() -> bool:
            for connection in connections:
                connection.setblocking(False)
                try:
                    if connection not in refused and status(connection) == 503:
                        refused.append(connection)
                except BlockingIOError:
                    pass
            return len(refused) >= 120

        assert eventually(most_are_refused)
        assert service.memory.held <= service.memory.limit
        # Those who send sentences are answered all the while.
        assert client.post("/v1/entities", json={"text": "Ann"}).status_code == 200
    assert eventually(lambda: service.memory.held == 0)


@pytest.mark.parametrize("route", TAKES_BODIES, ids=lambda route: route.path)
def test_a_body_is_refused_before_it_is_read_when_the_memory_is_full(serve: Serve, route: Route) -> None:
    client, service = serve()
    path = route.path.replace("{name}", "fake")
    with service.memory.hold() as others, connected(client, 1) as (connection,):
        others.resize(int(LARGE_SHARE * service.memory.limit))
        connection.sendall(head(client, path, f"content-length: {BODY}"))
        answer = received(connection, until=b"bytes of memory")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in answer.lower()
    assert b"bytes of memory" in answer
    assert eventually(lambda: service.memory.held == 0)


def test_answers_that_nobody_takes_are_counted_until_the_client_leaves(serve: Serve) -> None:
    client, service = serve()
    # More bytes of JSON than the buffers of the system take.
    body = json.dumps({"text": "\1" * 1_250_000, "analyzer_results": []}).encode()
    with connected(client, 30) as connections:
        statuses = []
        for connection in connections:
            connection.sendall(head(client, "/anonymize", f"content-length: {len(body)}") + body)
            statuses.append(status(connection))
        assert statuses[0] == 200
        assert statuses[-1] == 503
        assert statuses.count(200) * 0.9 * len(body) < service.memory.held <= service.memory.limit
    assert eventually(lambda: service.memory.held == 0)


def test_an_answer_that_does_not_fit_is_refused(serve: Serve) -> None:
    # A body of 80 kB, whose answer has ten times as much.
    asked = {
        "text": "a" * 9,
        "analyzer_results": [{"entity_type": "X", "start": n, "end": n + 1, "score": 1} for n in range(0, 10, 2)],
        "anonymizers": {"X": {"type": "replace", "new_value": "x" * 80_000}},
    }
    client, service = serve()
    with service.memory.hold() as others:
        others.resize(int(LARGE_SHARE * service.memory.limit) - 500_000)
        answer = client.post("/anonymize", json=asked)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert client.post("/anonymize", json=asked).status_code == 200


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 2, PIECE_BYTES, 3 * PIECE_BYTES + 1])
def test_an_answer_in_pieces_is_the_answer(client: httpx.Client, length: int) -> None:
    plain = {"accept-encoding": "identity"}
    answer = client.post("/anonymize", json={"text": "a" * length, "analyzer_results": []}, headers=plain)
    assert answer.json() == {"text": "a" * length, "items": []}
    assert int(answer.headers["content-length"]) == len(answer.content)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_unfinished_lines_of_streams_are_read_up_to_the_bound_and_then_refused(serve: Serve) -> None:
    client, service = serve()
    line = chunk(b'{"text":"' + b"a" * (BODY - 100))
    with connected(client, 8) as connections:
        for connection in connections:
            connection.sendall(head(client, "/v1/stream", "transfer-encoding: chunked") + line)
        # Which of them is refused depends on the order in which their pieces arrive.
        assert eventually(lambda: any(b'"code":"unavailable"' in arrived(connection) for connection in connections))
        assert 0 < service.memory.held <= service.memory.limit
    assert eventually(lambda: service.memory.held == 0)


def test_answers_of_a_stream_that_nobody_takes_are_counted(serve: Serve) -> None:
    client, service = serve()
    words = json.dumps({"text": "a " * 2_000, "include": ["tokens"]}).encode() + b"\n"
    with connected(client, 1) as (connection,):
        connection.sendall(head(client, "/v1/stream", "transfer-encoding: chunked"))
        for _ in range(128):
            connection.sendall(chunk(words))
        assert eventually(lambda: service.memory.held > 10 * MEGABYTE)
    assert eventually(lambda: service.memory.held == 0)


def test_a_stream_that_has_been_answered_holds_nothing_while_it_stays_open(serve: Serve) -> None:
    client, service = serve()
    with connected(client, 1) as (connection,):
        connection.sendall(head(client, "/v1/stream", "transfer-encoding: chunked"))
        connection.sendall(chunk(b'{"text": "Ann"}\n' * 10))
        answers = connection.makefile("rb")
        answered = 0
        while answered < 10:
            answered += answers.readline().count(b'"ents"')
        assert eventually(lambda: service.memory.held == 0)
