"""What one connection without a key may send before a request is accepted: everything is bounded while it arrives."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from nerve.service.server.head import MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES
from nerve.service.server.protocol import READ_BYTES
from tests.support import loopback
from tests.support.memory import resident_bytes
from tests.support.raw import Raw, raw

LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
LAST = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
HEAD = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
CHUNKED = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
def connection(client: httpx.Client) -> Iterator[Raw]:
    with raw(client) as connection:
        yield connection


def head_of(size: int) -> bytes:
    """A head of exactly this size, with few headers."""
    return HEAD + b"x: " + b"y" * (size - len(HEAD) - 7) + b"\r\n\r\n"


def test_a_head_of_the_limit_is_answered(connection: Raw) -> None:
    assert [answer.status for answer in connection.ask(head_of(MAX_HEAD_BYTES))] == [200]


def test_a_head_over_the_limit_is_431(connection: Raw) -> None:
    (answer,) = connection.ask(head_of(MAX_HEAD_BYTES + 1))
    assert answer.error == (431, "head_too_large", "the headers or trailers are too large; the limit is 32,768 bytes")
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["date"]
    assert answer.headers["x-request-id"]


def test_a_head_that_does_not_end_is_431_too(connection: Raw) -> None:
    (answer,) = connection.ask(head_of(MAX_HEAD_BYTES + 5)[:-4])
    assert answer.status == 431


def test_the_limit_counts_a_head_that_comes_in_pieces(connection: Raw) -> None:
    head = head_of(MAX_HEAD_BYTES + 1)
    for start in range(0, len(head), 1_000):
        connection.send(head[start : start + 1_000])
    assert [answer.status for answer in connection.answers()] == [431]


@pytest.mark.parametrize("size", range(1, 8))
def test_a_head_is_read_whatever_the_pieces(client: httpx.Client, size: int) -> None:
    request = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    request += b'8\r\n{"text":\r\n6\r\n "Ann"\r\n5\r\n\r\n\r\n\n\r\n1\r\n}\r\n0\r\na: b\r\n\r\n' + LAST
    with raw(client) as connection:
        for start in range(0, len(request), size):
            connection.send(request[start : start + size])
        first, second = connection.answers()
    assert (first.status, json.loads(first.body)["ents"][0]["text"], second.status) == (200, "Ann", 200)


def test_as_many_headers_as_the_limit_are_answered(connection: Raw) -> None:
    assert [a.status for a in connection.ask(HEAD + b"a: b\r\n" * (MAX_HEADERS - 2) + b"\r\n")] == [200]


def test_more_headers_than_the_limit_are_431(connection: Raw) -> None:
    (answer,) = connection.ask(HEAD + b"a: b\r\n" * (MAX_HEADERS - 1) + b"\r\n")
    assert answer.error == (431, "head_too_large", "there are too many headers; the limit is 100")


def test_a_target_of_the_limit_is_answered(connection: Raw) -> None:
    target = b"/health/live?" + b"a" * (MAX_TARGET_BYTES - 13)
    assert [a.status for a in connection.ask(LAST.replace(b"/health/live", target))] == [200]


@pytest.mark.parametrize("length", [MAX_TARGET_BYTES + 1, 1 << 20])
def test_a_target_over_the_limit_is_414(connection: Raw, length: int) -> None:
    (answer,) = connection.ask(LAST.replace(b"/health/live", b"/" + b"a" * (length - 1)))
    assert answer.error == (414, "target_too_long", "the path and its query are too long; the limit is 8,192 bytes")


@pytest.mark.parametrize(
    "endless",
    [b"a: b\r\n", b"y" * 1_000, b"x: " + b"y" * 1_000 + b"\r\n"],
    ids=["short lines", "one line", "long lines"],
)
@pytest.mark.parametrize("beginning", [HEAD + b"z: ", CHUNKED + b"0\r\nz: "], ids=["head", "trailers"])
def test_an_endless_head_or_trailer_ends_with_431(connection: Raw, beginning: bytes, endless: bytes) -> None:
    connection.send(beginning + endless * (4 * MAX_HEAD_BYTES // len(endless)))
    assert [answer.status for answer in connection.answers()] == [431]


def test_a_chunk_extension_without_end_is_431(connection: Raw) -> None:
    connection.send(CHUNKED + b"1;" + b"e" * 4 * MAX_HEAD_BYTES)
    assert [answer.status for answer in connection.answers()] == [431]


def test_trailers_within_the_limit_are_ignored(connection: Raw) -> None:
    first, second = connection.ask(CHUNKED + b'10\r\n{"text": "Ann" }\r\n0\r\nx-api-key: a\r\n\r\n' + LAST)
    assert (first.status, second.status) == (200, 200)


def test_empty_lines_before_a_request_count_as_its_head(connection: Raw) -> None:
    assert [answer.status for answer in connection.ask(b"\r\n" * MAX_HEAD_BYTES + LAST)] == [431]


# -- pipelines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 100, 5_000])
def test_pipelined_requests_are_answered_in_their_order(client: httpx.Client, number: int) -> None:
    requests = [
        f"GET /health/live HTTP/1.1\r\nhost: x\r\nx-request-id: {place}\r\n\r\n".encode() for place in range(number)
    ]
    with raw(client) as connection:
        # Many requests are more than the buffers of both sides hold, so the answers are read meanwhile.
        sender = threading.Thread(target=connection.send, args=(b"".join(requests) + LAST,))
        sender.start()
        answers = connection.answers()
        sender.join()
    assert [answer.headers["x-request-id"] for answer in answers[:-1]] == [str(place) for place in range(number)]


def test_a_request_before_a_broken_one_is_answered(connection: Raw) -> None:
    assert [answer.status for answer in connection.ask(LIVE + b"nonsense\r\n\r\n")] == [200, 400]


def test_what_comes_behind_the_last_request_is_not_read(connection: Raw) -> None:
    assert [answer.status for answer in connection.ask(LAST + LIVE)] == [200]


def test_a_body_that_looks_like_requests_is_a_body(connection: Raw) -> None:
    length = len(LIVE)
    first, second = connection.ask(
        b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % length + LIVE + LAST
    )
    assert (first.status, second.status) == (422, 200)


# -- memory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beginning", "endless"),
    [
        (HEAD, b"X: y\r\n"),
        (HEAD + b"x: ", b"y" * 64),
        (CHUNKED + b"0\r\n", b"X: y\r\n"),
        (b"", LIVE),
        (b"", b"\r\n"),
    ],
    ids=["headers", "one header", "trailers", "pipelined requests", "empty lines"],
)
def test_one_connection_does_not_grow_the_process_whatever_it_sends(
    run_service: Callable[..., Any], archive: Any, beginning: bytes, endless: bytes
) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    with loopback.Client(base_url=url) as client:
        before = resident_bytes(service.process.pid)
        with raw(client) as connection:
            connection.socket.settimeout(1)
            connection.send(beginning)
            piece = endless * (READ_BYTES // len(endless))
            sent = 0
            while sent < 16 << 20:
                try:
                    connection.socket.sendall(piece)
                except OSError:  # the server reads no more, or has closed
                    break
                sent += len(piece)
            assert resident_bytes(service.process.pid) - before < 8 << 20
            assert client.get("/health/live").status_code == 200
