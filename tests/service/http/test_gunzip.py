"""Gzipped bodies: answered like plain ones, and refused when they are broken, too large or of another encoding."""

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Message

from nerve.service.errors import BadRequestError
from nerve.service.http.gzip import PIECE_BYTES, unzipped

Serve = Callable[..., Any]
URL = "/v1/entities"
BODY = json.dumps({"text": "see Ann and BOB"}).encode()


def sent(client: httpx.Client, body: bytes | Iterator[bytes], encoding: str = "gzip") -> httpx.Response:
    return client.post(URL, content=body, headers={"content-encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_gzipped_body_is_answered_like_a_plain_one(client: httpx.Client, encoding: str) -> None:
    assert sent(client, gzip.compress(BODY), encoding).json() == client.post(URL, content=BODY).json()


def test_a_body_may_say_that_it_is_plain(client: httpx.Client) -> None:
    assert sent(client, BODY, "identity").status_code == 200


def test_a_body_of_several_members_is_whole(client: httpx.Client) -> None:
    members = gzip.compress(BODY[:7]) + gzip.compress(b"") + gzip.compress(BODY[7:])
    assert sent(client, members).json() == client.post(URL, content=BODY).json()


def test_a_body_may_come_byte_by_byte(client: httpx.Client) -> None:
    body = gzip.compress(BODY)
    answer = sent(client, (body[n : n + 1] for n in range(len(body))))
    assert answer.json() == client.post(URL, content=BODY).json()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        BODY,
        zlib.compress(BODY),
        gzip.compress(BODY)[:-1],
        gzip.compress(BODY)[:12],
        gzip.compress(BODY) + b"more",
        gzip.compress(BODY)[:-8] + b"\0" * 8,
    ],
    ids=["empty", "plain", "zlib", "checksum cut off", "cut off", "more behind it", "wrong checksum"],
)
def test_a_body_that_is_not_gzip_is_a_bad_request(client: httpx.Client, body: bytes) -> None:
    answer = sent(client, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert "gzip" in answer.json()["error"]["message"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "SECRET"])
def test_an_unknown_encoding_is_refused_with_the_known_one(client: httpx.Client, encoding: str) -> None:
    answer = sent(client, gzip.compress(BODY), encoding)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip")
    assert answer.json()["error"] == {
        "code": "unsupported_media_type",
        "message": "the encoding of the body is unknown; it can be gzip",
    }


def test_the_limit_counts_what_the_body_unzips_to(serve: Serve) -> None:
    client, _ = serve(max_body_bytes=1_000, max_characters=1_000)
    just = b'{"text": "%s"}' % (b"a" * 988)
    assert (len(just), sent(client, gzip.compress(just)).status_code) == (1_000, 200)
    answer = sent(client, gzip.compress(just + b" "))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", [gzip.compress(b"") * 100, gzip.compress(random.Random(1).randbytes(2_000))])
def test_the_limit_counts_what_arrives_too(serve: Serve, body: bytes) -> None:
    client, _ = serve(max_body_bytes=1_000, max_characters=1_000)
    assert sent(client, body).status_code == 413
    assert sent(client, iter([body])).status_code == 413


# -- how much is unzipped --------------------------------------------------------------------------------------------


class Bodies:
    """A `Receive` that gives these chunks, and counts how often it was asked."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.asked = 0

    async def __call__(self) -> Message:
        self.asked += 1
        if self.asked > len(self.chunks):
            return {"type": "http.disconnect"}
        more = self.asked < len(self.chunks)
        return {"type": "http.request", "body": self.chunks[self.asked - 1], "more_body": more}


async def pieces_of(receive: Bodies, most: int) -> list[Message]:
    """The first messages that whoever reads these bodies unzipped is given."""
    found: list[Message] = []
    read = unzipped([(b"content-encoding", b"gzip")], receive)
    while len(found) < most and (not found or found[-1].get("more_body")):
        found.append(await read())
    return found


@pytest.mark.anyio
async def test_a_bomb_is_unzipped_a_piece_at_a_time_and_no_further_than_it_is_read() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    bodies = Bodies(*(bomb[n : n + 1_000] for n in range(0, len(bomb), 1_000)))
    found = await pieces_of(bodies, most=3)
    assert [len(message["body"]) for message in found] == [PIECE_BYTES] * 3
    assert bodies.asked == 1


@pytest.mark.anyio
@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 10 * PIECE_BYTES + 7])
@pytest.mark.parametrize("step", [1, 1_000, 10**9])
async def test_all_pieces_together_are_the_body(size: int, step: int) -> None:
    body = bytes(size)
    zipped = gzip.compress(body)
    found = await pieces_of(Bodies(*(zipped[n : n + step] for n in range(0, len(zipped), step))), most=10**9)
    assert b"".join(message["body"] for message in found) == body
    assert [message["more_body"] for message in found] == [True] * (len(found) - 1) + [False]


@pytest.mark.anyio
async def test_a_client_that_leaves_is_noticed() -> None:
    assert await pieces_of(Bodies(), most=1) == [{"type": "http.disconnect"}]


@pytest.mark.anyio
async def test_a_broken_body_is_refused_where_it_is_read() -> None:
    with pytest.raises(BadRequestError):
        await pieces_of(Bodies(b"not gzip"), most=1)
