"""A body in pieces, however small they are, takes the memory that the bound of all requests counts for it."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from nerve.service.api.body import read
from nerve.service.api.lines import lines_of
from nerve.service.budget import BYTES_PER_BODY

PIECES = 100_000


def request(*messages: Message) -> Request:
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    return Request({"type": "http"}, receive)


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def small_pieces() -> list[bytes]:
    """Pieces of two bytes, each an object of its own."""
    return [bytes([65 + number % 26, 97 + number % 25]) for number in range(PIECES)]


@pytest.mark.anyio
async def test_a_body_is_its_pieces_in_their_order() -> None:
    assert await read(request(piece(b"a"), piece(b""), piece(b"bc"), piece(b"d", more=False))) == b"abcd"


@pytest.mark.anyio
async def test_a_client_that_leaves_before_the_end_is_no_body() -> None:
    with pytest.raises(ClientDisconnect):
        await read(request(piece(b"a"), {"type": "http.disconnect"}))


@pytest.mark.anyio
async def test_a_body_of_small_pieces_takes_what_is_counted_for_its_bytes() -> None:
    sent = iter([*small_pieces(), b""])

    async def receive() -> Message:
        body = bytes(bytearray(next(sent)))  # a new object for each piece, as a server makes them
        return piece(body, more=bool(body))

    tracemalloc.start()
    try:
        body = await read(Request({"type": "http"}, receive))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) == 2 * PIECES
    assert peak < BYTES_PER_BODY * len(body)


@pytest.mark.anyio
async def test_a_line_of_small_pieces_takes_what_is_counted_for_its_bytes() -> None:
    pieces = small_pieces()

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in pieces:
            yield bytes(bytearray(chunk))

    tracemalloc.start()
    try:
        (line,) = [line async for line in lines_of(chunks(), 2 * PIECES, lambda _: None)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert line == b"".join(pieces)
    assert peak < BYTES_PER_BODY * len(line)
