"""Answers gzipped: for whom, which, how soon, within which memory; and what their headers say."""

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from starlette.types import Message

from nerve.service.budget import MemoryBudget
from nerve.service.http import compression
from nerve.service.http.compression import LEAST_BYTES, LOOP_BYTES, accepts_gzip, zipped

URL = "/v1/entities"
LONG = {"text": "see Ann and BOB. " * 100}


def raw(client: httpx.Client, method: str, path: str, encoding: str = "gzip", **request: Any) -> tuple[Any, bytes]:
    """The answer, and its body as it was sent."""
    headers = {"accept-encoding": encoding, **request.pop("headers", {})}
    with client.stream(method, path, headers=headers, **request) as answer:
        return answer, b"".join(answer.iter_raw())


# -- the header ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ([], False),
        ([""], False),
        (["gzip"], True),
        (["GZIP"], True),
        (["x-gzip"], True),
        (["gzip, deflate, br"], True),
        (["br", "gzip"], True),
        (["deflate;q=1, gzip;q=0.001"], True),
        (["gzip; q=0.5"], True),
        (["gzip;q=0"], False),
        (["gzip;q=0.0, *"], False),
        (["*"], True),
        (["*;q=0"], False),
        (["identity"], False),
        (["br"], False),
        (["gzipped"], False),
        (["gzip;q=nonsense"], False),
        (["gzip;q=nan"], False),
    ],
)
def test_gzip_is_taken_by_clients_that_say_so(accepted: list[str], taken: bool) -> None:
    assert accepts_gzip([(b"accept-encoding", value.encode()) for value in accepted]) == taken


# -- answers over a socket -------------------------------------------------------------------------------------------


def test_a_long_answer_is_zipped_and_is_the_same(client: httpx.Client) -> None:
    plain, body = raw(client, "POST", URL, "identity", json=LONG)
    answer, sent = raw(client, "POST", URL, json=LONG)
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(sent) < len(body) / 3
    assert gzip.decompress(sent) == body


def test_a_cache_learns_that_there_are_two_forms(client: httpx.Client) -> None:
    assert {raw(client, "POST", URL, encoding, json=LONG)[0].headers["vary"] for encoding in ("gzip", "br")} == {
        "Accept-Encoding"
    }


def test_a_short_answer_has_one_form(client: httpx.Client) -> None:
    answer, body = raw(client, "POST", URL, json={"text": "Ann"})
    assert not {"content-encoding", "vary"} & answer.headers.keys()
    assert json.loads(body)["text"] == "Ann"


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/docs", "/openapi.json", "/metrics"])
def test_what_is_read_with_get_is_zipped_too(client: httpx.Client, path: str) -> None:
    answer, sent = raw(client, "GET", path)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(sent)) > len(sent)


def test_the_head_of_a_zipped_answer_is_that_of_its_get(client: httpx.Client) -> None:
    names = ("content-encoding", "content-length", "content-type", "etag", "vary")
    get, head = (raw(client, method, "/page/page.js")[0].headers for method in ("GET", "HEAD"))
    assert [head[name] for name in names] == [get[name] for name in names]


def test_a_zipped_file_has_a_weak_tag_by_which_it_is_known_again(client: httpx.Client) -> None:
    tag = raw(client, "GET", "/page/page.js")[0].headers["etag"]
    assert tag.startswith('W/"')
    assert raw(client, "GET", "/page/page.js", headers={"if-none-match": tag})[0].status_code == 304


def test_a_binary_tensor_is_sent_as_it_is(client: httpx.Client) -> None:
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [LONG["text"]]}
    body = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    answer, _ = raw(client, "POST", "/v2/models/fake/infer", json=body)
    assert (answer.status_code, "content-encoding" in answer.headers) == (200, False)


def test_a_stream_is_zipped(client: httpx.Client) -> None:
    lines = b"".join(json.dumps({"text": f"see Ann {number}"}).encode() + b"\n" for number in range(50))
    plain, body = raw(client, "POST", "/v1/stream", "identity", content=lines)
    answer, sent = raw(client, "POST", "/v1/stream", content=lines)
    assert (plain.headers["vary"], answer.headers["content-encoding"]) == ("Accept-Encoding", "gzip")
    assert gzip.decompress(sent) == body
    assert len(sent) < len(body)


# -- one answer, message by message ----------------------------------------------------------------------------------


def sent_for(bodies: Iterable[bytes], limit: int = 1_000_000, media_type: str = "application/json") -> list[Message]:
    """What is sent for an answer with these parts of a body, to a client that takes gzip."""
    parts = list(bodies)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def answer() -> None:
        with MemoryBudget(limit).hold() as holding:
            send_zipped = zipped([(b"accept-encoding", b"gzip")], send, holding)
            headers = [(b"content-type", media_type.encode())]
            await send_zipped({"type": "http.response.start", "status": 200, "headers": headers})
            for number, body in enumerate(parts, start=1):
                more = number < len(parts)
                await send_zipped({"type": "http.response.body", "body": body, "more_body": more})

    asyncio.run(answer())
    return sent


def is_zipped(sent: list[Message]) -> bool:
    return (b"content-encoding", b"gzip") in sent[0]["headers"]


def test_each_part_of_an_answer_can_be_read_when_it_arrives() -> None:
    lines = [b'{"text": "Ann"}\n', b"", b'{"text": "Bob"}\n']
    _, *parts = sent_for(lines, media_type="application/x-ndjson")
    client = zlib.decompressobj(31)
    assert [client.decompress(part["body"]) for part in parts] == lines
    assert client.eof


@pytest.mark.parametrize(("length", "expected"), [(0, False), (LEAST_BYTES - 1, False), (LEAST_BYTES, True)])
def test_the_shortest_zipped_answer(length: int, expected: bool) -> None:
    assert is_zipped(sent_for([b"a" * length])) == expected


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [("text/html; charset=utf-8", True), ("image/svg+xml", True), ("application/octet-stream", False)],
)
def test_the_type_of_an_answer_says_whether_it_can_be_zipped(media_type: str, expected: bool) -> None:
    assert is_zipped(sent_for([b"a" * LEAST_BYTES], media_type=media_type)) == expected


def test_an_answer_for_whose_copy_there_is_no_memory_is_sent_as_it_is() -> None:
    body = b"a" * 10_000
    assert is_zipped(sent_for([body], limit=5_000))
    sent = sent_for([body], limit=4_999)
    assert not is_zipped(sent)
    assert sent[1]["body"] == body


@pytest.mark.parametrize(("length", "in_loop"), [(LOOP_BYTES, True), (LOOP_BYTES + 1, False)])
def test_a_long_answer_is_zipped_in_a_thread(length: int, in_loop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    class Recorder:
        def __init__(self, *arguments: int) -> None:
            self.compressor = compressobj(*arguments)
            self.flush = self.compressor.flush

        def compress(self, body: bytes) -> bytes:
            threads.append(threading.current_thread())
            return self.compressor.compress(body)

    compressobj = zlib.compressobj
    monkeypatch.setattr(compression.zlib, "compressobj", Recorder)
    assert gzip.decompress(sent_for([b"a" * length])[1]["body"]) == b"a" * length
    assert [thread is threading.main_thread() for thread in threads] == [in_loop]
