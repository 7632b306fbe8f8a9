"""Answers gzipped, for clients that say that they take it (`Accept-Encoding: gzip`).

An answer as a whole is zipped if it is long enough to be worth it; an answer in parts, as of a stream, is zipped part
by part, and each part can be read when it arrives. Long parts are zipped in a thread, which leaves the event loop to
others: zlib does not hold the interpreter's lock.

    constant       value  what it trades, and the figure that chose it
    LEAST_BYTES    1,024  Shorter answers are one packet either way.
    LOOP_BYTES    16,384  What the event loop zips itself: a third of a millisecond.
    LEVEL              1  The answers are JSON: a third of their size is left, with level 6 hardly less, for twice the
                          time.
    WINDOW_BITS       12  A window of 4 KiB, and MEMORY_LEVEL 5: 32 KiB for an answer that is under way, where the
                          defaults take 270, and a third of the time for a short answer.
"""

import asyncio
import zlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.types import Message, Send

from nerve.service.budget import Holding
from nerve.service.errors import UnavailableError

LEAST_BYTES = 1_024
LOOP_BYTES = 16 * 1_024
LEVEL = 1
WINDOW_BITS = 12
MEMORY_LEVEL = 5
TYPES = (b"application/json", b"application/x-ndjson", b"application/openmetrics-text", b"image/svg+xml", b"text/")

# zlib's `wbits` for gzip with its header and checksum, besides the bits of the window.
_GZIP = 16

RawHeaders = Iterable[tuple[bytes, bytes]]


def zipped(headers: RawHeaders, send: Send, holding: Holding) -> Send:
    """Return a `send` that zips the answer to a request with these headers, if it can be zipped.

    Args:
        headers: Of the request.
        send: Sends what is zipped, and what is not.
        holding: What the request holds of the memory; an answer for whose zipped copy there is none is sent as it is.
    """
    return _Zipped(headers, send, holding)


def accepts_gzip(headers: RawHeaders) -> bool:
    """Return whether a client takes gzip (RFC 9110, section 12.5.3)."""
    accepted: dict[bytes, bool] = {}
    for element in b",".join([value for name, value in headers if name == b"accept-encoding"]).lower().split(b","):
        coding, _, quality = element.partition(b";")
        with suppress(ValueError):  # a quality that is no number: the element says nothing
            accepted[coding.strip()] = float(quality.partition(b"q=")[2] or 1) > 0
    return accepted.get(b"gzip", accepted.get(b"x-gzip", accepted.get(b"*", False)))


class _Zipped:
    """A `Send` that zips one answer."""

    def __init__(self, headers: RawHeaders, send: Send, holding: Holding) -> None:
        self._headers = headers
        self._send = send
        self._holding = holding
        self._start: Message | None = None
        self._compressor: Any = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _compressible(message):
            self._start = message  # what becomes of its headers depends on the body
            return
        if self._start is None:
            await self._send(await self._zipped(message))
            return
        start, self._start = self._start, None
        length, more = len(message.get("body", b"")), message.get("more_body", False)
        if length < LEAST_BYTES and not more:
            await self._send(start)
            await self._send(message)
            return
        start["headers"] = [*start["headers"], (b"vary", b"Accept-Encoding")]
        if accepts_gzip(self._headers) and self._has_memory(0 if more else length):
            self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP + WINDOW_BITS, MEMORY_LEVEL)
        first = await self._zipped(message)
        if self._compressor is not None:
            start["headers"] = _zipped_headers(start["headers"], None if more else len(first["body"]))
        await self._send(start)
        await self._send(first)

    async def _zipped(self, message: Message) -> Message:
        """Return a message with its part of the body zipped, so that the client can read all of the part."""
        if self._compressor is None:
            return message
        body = message.get("body", b"")
        end = zlib.Z_SYNC_FLUSH if message.get("more_body", False) else zlib.Z_FINISH
        return {**message, "body": await _compressed(self._compressor, body, end)}

    def _has_memory(self, length: int) -> bool:
        """Take memory for the zipped copy of a body, which is rarely half as long."""
        try:
            self._holding.resize(self._holding.size + length // 2)
        except UnavailableError:
            return False
        return True


def _compressible(start: Message) -> bool:
    compressible = False
    for name, value in start.get("headers", ()):
        if name == b"content-encoding":
            return False
        compressible = compressible or (name == b"content-type" and value.startswith(TYPES))
    return compressible


def _zipped_headers(headers: RawHeaders, length: int | None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a zipped answer, with its length if that is known."""
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    own = [(b"content-encoding", b"gzip")]
    return [*kept, *own, *([] if length is None else [(b"content-length", b"%d" % length)])]


async def _compressed(compressor: Any, body: bytes, end: int) -> bytes:
    def compress() -> bytes:
        return bytes(compressor.compress(body) + compressor.flush(end))

    return compress() if len(body) <= LOOP_BYTES else await asyncio.to_thread(compress)
