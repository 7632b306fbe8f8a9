"""HTTP/1.1 as proxies and clients speak it, on a real socket: framing, half-closed connections, long bodies."""

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.fakes import HeldEngine, eventually
from tests.support.raw import Raw, raw

Serve = Callable[..., Any]
BODY = b'{"text": "see Ann"}'
LAST = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def post(*headers: bytes, body: bytes = BODY, version: bytes = b"1.1", path: bytes = b"/v1/entities") -> bytes:
    lines = [b"POST %b HTTP/%b" % (path, version), b"host: x", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
def connection(client: httpx.Client) -> Iterator[Raw]:
    with raw(client) as connection:
        yield connection


# -- Upgrade -------------------------------------------------------------------------------------------------------

OFFERS = [
    [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"],
    [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: eA==", b"Sec-WebSocket-Version: 13"],
    [b"Connection: Upgrade", b"Upgrade: foo", b"Upgrade: bar/1"],
    [b"Upgrade: foo"],
]


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer[-1].decode())
def test_an_offer_to_upgrade_is_ignored(connection: Raw, offer: list[bytes]) -> None:
    first, second = connection.ask(post(*offer) + LAST)
    assert (first.status, json.loads(first.body)["ents"][0]["text"], second.status) == (200, "Ann", 200)


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer[-1].decode())
@pytest.mark.parametrize("body", [post(path=b"/v1/redact"), b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"])
def test_the_body_behind_an_offer_to_upgrade_is_not_read_as_a_request(
    connection: Raw, offer: list[bytes], body: bytes
) -> None:
    request = post(*offer, body=body)
    connection.send(request[: -len(body)])
    first, second = connection.ask(body + LAST)
    assert (first.error[:2], second.status) == ((422, "invalid_request"), 200)


def test_a_chunked_body_with_an_offer_to_upgrade_is_read(connection: Raw) -> None:
    head = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
    (first, second) = connection.ask(
        head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY) + LAST
    )
    assert (first.status, second.status) == (200, 200)


def test_a_get_with_an_offer_to_upgrade_closes_when_it_says_so(connection: Raw) -> None:
    head = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n"
    assert [answer.status for answer in connection.ask(head + LAST)] == [200]


def test_connect_is_refused(connection: Raw) -> None:
    (answer,) = connection.ask(b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n")
    assert answer.error == (400, "bad_request", "this is no proxy: it does not answer CONNECT")


# -- half-closed connections ---------------------------------------------------------------------------------------


def test_a_half_closed_request_is_answered(connection: Raw) -> None:
    connection.send(post())
    connection.end()
    assert [answer.status for answer in connection.answers()] == [200]


def test_half_closed_pipelined_requests_are_answered(connection: Raw) -> None:
    connection.send(post() * 10)
    connection.end()
    assert [answer.status for answer in connection.answers()] == [200] * 10


def test_a_half_closed_stream_is_answered(connection: Raw) -> None:
    connection.send(post(path=b"/v1/stream", body=(BODY + b"\n") * 5))
    connection.end()
    (answer,) = connection.answers()
    assert (answer.status, answer.body.count(b'"Ann"')) == (200, 5)


def test_a_half_closed_request_that_waits_is_answered(serve: Serve) -> None:
    engine = HeldEngine()
    client, _ = serve(engine=engine)
    with raw(client) as connection:
        connection.send(post())
        connection.end()
        assert engine.started.wait(10)
        assert connection.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # is the client still there?
        engine.release()
        (answer,) = connection.answers()
    assert (answer.status, json.loads(answer.body)["ents"][0]["text"]) == (200, "Ann")


def test_a_client_that_is_gone_is_told_from_one_that_has_half_closed(serve: Serve) -> None:
    engine = HeldEngine()
    client, service = serve(engine=engine)
    with raw(client) as first, raw(client) as staying:
        first.send(post())
        assert engine.started.wait(10)
        staying.send(post())
        staying.end()
        with raw(client) as leaving:
            leaving.send(post())
            assert eventually(lambda: service.batcher.waiting_tokens == 4)
        assert eventually(lambda: service.batcher.waiting_tokens == 2)
        engine.release()
        assert [answer.status for answer in staying.answers()][-1] == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HT", post()[:-1]], ids=["nothing", "half a head", "half a body"])
def test_a_half_closed_connection_without_a_whole_request_is_closed(connection: Raw, sent: bytes) -> None:
    connection.send(sent)
    connection.end()
    assert connection.answers() == []


# -- what is refused -----------------------------------------------------------------------------------------------

CHUNKS = b"0\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: user@a\r\n\r\n",
        b"GET / HTTP/2.0\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.2\r\nhost: a\r\n\r\n",
        b"GET / HTTP/0.9\r\nhost: a\r\n\r\n",
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +5\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x5\r\n\r\n" + CHUNKS,
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n" + CHUNKS,
        b"GET / HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\nhost: a\n\n",
        b"GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx\r\n\r\n",
        b"GET a HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00",
    ],
    ids=lambda data: data.decode("latin-1")[:70],
)
def test_what_is_not_exactly_http_is_400_and_ends_the_connection(connection: Raw, request_: bytes) -> None:
    (answer,) = connection.ask(request_)
    assert answer.error[:2] == (400, "bad_request")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("chunk", [b"zz", b"-1", b"+1", b"0x1", b"1_1", b"", b"F" * 17], ids=str)
def test_a_chunk_of_no_size_is_400(connection: Raw, chunk: bytes) -> None:
    head = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert [answer.error[0] for answer in connection.ask(head + chunk + b"\r\nx\r\n0\r\n\r\n")] == [400]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.0\r\n\r\n",
        b"GET /health/live HTTP/1.0\r\nhost: a\r\n\r\n",
        b"GET http://a/health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nhost: [::1]:80\r\nconnection: close\r\n\r\n",
        b"\r\nGET /health/live HTTP/1.1\r\nHost: a.example:8000\r\nConnection: Close\r\n\r\n",
    ],
)
def test_what_is_http_is_answered(connection: Raw, head: bytes) -> None:
    assert [answer.status for answer in connection.ask(head)] == [200]


def test_a_transfer_encoding_may_be_written_in_any_case(connection: Raw) -> None:
    head = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: Chunked\r\nconnection: close\r\n\r\n"
    assert [a.status for a in connection.ask(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))] == [200]


def test_what_the_server_refuses_itself_is_in_the_metrics(serve: Serve) -> None:
    client, _ = serve()
    with raw(client) as connection:
        connection.ask(b"nonsense\r\n\r\n")
    scrape = client.get("/metrics").text
    assert 'nerve_http_requests_total{method="other",route="other",status="400"} 1.0' in scrape


# -- bodies that are too long --------------------------------------------------------------------------------------


def test_a_client_that_sends_all_of_a_body_over_the_limit_sees_why_it_is_refused(client: httpx.Client) -> None:
    request = urllib.request.Request(f"{client.base_url}/v1/entities", data=b" " * (30 << 20))
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)
    with raised.value as answer:
        assert answer.code == 413
        assert json.load(answer)["error"]["message"] == "the body is too long; the limit is 8,388,608 bytes"
        assert answer.headers["connection"] == "close"


def test_a_client_that_sends_a_chunked_body_over_the_limit_sees_why(client: httpx.Client) -> None:
    answer = client.post("/v1/entities", content=(b" " * (1 << 20) for _ in range(30)))
    assert answer.status_code == 413


def test_a_connection_that_is_refused_a_long_body_is_closed(connection: Raw) -> None:
    (answer,) = connection.ask(b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n" + LAST)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_a_connection_that_is_refused_before_a_short_body_goes_on(serve: Serve) -> None:
    client, _ = serve()
    request = post(path=b"/nowhere")
    with raw(client) as connection:
        connection.send(request[: -len(BODY)])
        assert connection.socket.recv(12) == b"HTTP/1.1 404"
        connection.send(BODY + LAST)
        assert b"HTTP/1.1 200" in b"".join(iter(lambda: connection.socket.recv(1 << 16), b""))


def test_a_client_that_expects_to_be_told_to_go_on_is(connection: Raw) -> None:
    request = post(b"expect: 100-continue", b"connection: close")
    connection.send(request[: -len(BODY)])
    assert connection.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [answer.status for answer in connection.ask(BODY)] == [200]


# -- methods and paths ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics", "/v1/models", "/docs", "/v2"])
def test_head_is_answered_as_get_without_a_body(client: httpx.Client, path: str) -> None:
    get, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.keys() - {"transfer-encoding"} == get.headers.keys() - {"transfer-encoding"}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "GET, HEAD, OPTIONS, POST"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/v1/entities", "OPTIONS, POST"),
        ("/models/fake", "OPTIONS, POST"),
    ],
)
def test_options_and_405_say_which_methods_a_path_has(client: httpx.Client, path: str, allowed: str) -> None:
    options, wrong = client.options(path), client.delete(path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, allowed)


def test_options_of_the_whole_service_are_answered(connection: Raw) -> None:
    (answer,) = connection.ask(b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("path", ["/v1%2fentities", "/v1%2Fentities", "/%2Fv1/entities", "/v1/entities%2f"])
def test_an_encoded_slash_is_no_separator(client: httpx.Client, path: str) -> None:
    assert client.post(path, content=BODY).status_code == 404


def test_other_encoded_characters_are_decoded(client: httpx.Client) -> None:
    assert client.post("/v1/%65ntities", content=BODY).status_code == 200


# -- answers -------------------------------------------------------------------------------------------------------


def test_many_connections_are_answered_at_once(client: httpx.Client) -> None:
    statuses: list[int] = []

    def ask() -> None:
        with raw(client) as connection:
            statuses.extend(answer.status for answer in connection.ask(post() * 3 + LAST))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80


def test_a_long_answer_comes_whole_to_a_client_that_reads_late(client: httpx.Client) -> None:
    text = "see Ann " * 3_000
    with raw(client) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(post(b"connection: close", body=json.dumps({"text": text}).encode()))
        (answer,) = connection.answers()
    assert len(json.loads(answer.body)["ents"]) == 3_000
