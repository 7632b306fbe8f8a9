"""Bodies that arrive gzipped (`Content-Encoding: gzip`), unzipped before any route reads them.

Bodies are unzipped piece by piece, and no piece before it is read. The limits middleware counts the unzipped bytes,
so a small body that would unzip to a huge one stops at the limit.
"""

import asyncio
import zlib
from collections.abc import Iterable

from starlette.types import Message, Receive

from nerve.service.errors import BadRequestError, UnsupportedMediaTypeError

PIECE_BYTES = 64 * 1024

# zlib's `wbits` for gzip with its header and checksum.
_GZIP = 31


def unzipped(headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> Receive:
    """Return a `receive` that gives the body of a request with these headers unzipped.

    It is `receive` itself if the body is not zipped. To read the body raises UnsupportedMediaTypeError if it has
    another encoding, and BadRequestError if it is not gzip.
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
    """A `Receive` that unzips the body of another one.

    A body may have several gzip members, as files that were zipped in parallel do.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._member = zlib.decompressobj(_GZIP)
        self._zipped = b""
        self._more = True  # whether the client will send more than `_zipped`
        self._done = False

    async def __call__(self) -> Message:
        if self._zipped:
            # What is left of a message is here already, perhaps megabytes once unzipped: others come first.
            await asyncio.sleep(0)
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
            # No output, and no more input.
            if not piece and not self._done:
                raise BadRequestError("the body is cut off: its gzip data is incomplete")
        return piece
