"""Bodies that come gzipped (`Content-Encoding: gzip`), unzipped on their way in, for every route.

A piece at a time: what the body grows to is counted by whoever reads it, `Bodies` in middleware.py first of all, and
no piece is unzipped before it is asked for, so that a small body that would become a huge one stops at the limit.
"""

import zlib
from collections.abc import Iterable

from starlette.types import Message, Receive

from nerve.service.errors import BadRequestError, UnsupportedMediaTypeError

PIECE_BYTES = 64 * 1024

# zlib's number for: with the header and the checksum of gzip.
_GZIP = 31


def unzipped(headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> Receive:
    """What gives the body of a request with these headers unzipped: `receive` itself where it is not zipped.

    Raises UnsupportedMediaTypeError to whoever reads a body in another encoding, BadRequestError to whoever reads one
    that is not gzip.
    """
    encoding = b",".join([value for name, value in headers if name == b"content-encoding"]).strip().lower()
    if encoding in (b"", b"identity"):
        return receive
    if encoding in (b"gzip", b"x-gzip"):
        return _Unzipped(receive)

    async def refuse() -> Message:
        raise UnsupportedMediaTypeError("the encoding of the body is unknown; it can be gzip")

    return refuse


class _Unzipped:
    """A `Receive` that gives the body of another one unzipped. A body may have several members, as files that were
    zipped in parallel do."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._member = zlib.decompressobj(_GZIP)
        self._zipped = b""
        self._more = True
        """whether more than `_zipped` is to come"""
        self._done = False

    async def __call__(self) -> Message:
        while not self._done:
            if not self._zipped and self._more:
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._zipped, self._more = message.get("body", b""), message.get("more_body", False)
            piece = self._piece()
            if piece or self._done:
                return {"type": "http.request", "body": piece, "more_body": not self._done}
        return await self._receive()

    def _piece(self) -> bytes:
        if self._member.eof and self._zipped:
            self._member = zlib.decompressobj(_GZIP)
        try:
            piece = self._member.decompress(self._zipped, PIECE_BYTES)
        except zlib.error:
            raise BadRequestError("the body is not gzip, as its content encoding says") from None
        self._zipped = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        if not self._zipped and not self._more:
            self._done = self._member.eof
            # Nothing came out and nothing can come in.
            if not piece and not self._done:
                raise BadRequestError("the body is cut off: its gzip data goes on")
        return piece
