"""Requests out of the bytes of a connection, by httptools, within the limits on heads and trailers.

The bytes are parsed in blocks: a head, or a part of a body. No block has parts of two requests, so whoever calls
decides after each request whether the next one is parsed (docs/decisions/http-server.md).
"""

from typing import Protocol

import httptools

from nerve.service.errors import BadRequestError, ServiceError
from nerve.service.server.head import Head, body_length, check_size, without_upgrade

_EMPTY_LINE = b"\r\n\r\n"


class Receiver(Protocol):
    """What is told of each request, in this order."""

    def head_received(self, head: Head) -> None:
        """Take the head of a request."""
        ...

    def body_received(self, body: bytes) -> None:
        """Take a piece of its body."""
        ...

    def request_received(self) -> None:
        """Note that the request is whole."""
        ...


class RequestParser:
    """The parser of one connection.

    Attributes:
        headers: Of the request that is being parsed, as far as they have come; the names are in lower case.
        in_body: Whether the head of the request has come and its end has not.
    """

    def __init__(self, receiver: Receiver) -> None:
        """Tell `receiver` of all requests."""
        self.headers: list[tuple[bytes, bytes]] = []
        self.in_body = False
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._error: ServiceError | None = None
        self._target = b""
        self._left: int | None = 0  # how much of the body is still to come; None if it is chunked
        self._size = 0  # bytes of the head, or of what is no body between two pieces of a chunked body
        self._tail = b""  # the last bytes of a block whose end has not come
        self._ended = False  # whether a request has ended in this block

    @property
    def in_head(self) -> bool:
        """Whether a part of a head has come."""
        return self._size > 0 and not self.in_body

    def close(self) -> None:
        """Free the parser, which refers to this object."""
        del self._parser

    def parse_block(self, data: bytes, start: int) -> int:
        """Parse the block that begins at `start`, and return where the next one begins.

        Raises:
            ServiceError: This is no request, or it is over a limit. Nothing more can be parsed.
        """
        end = self._end_of_block(data, start)
        self._size += end - start
        self._ended = False
        self._feed(data if end - start == len(data) else memoryview(data)[start:end])
        if self._error is None and not (self.in_body and self._left is not None):
            check_size(self._size, len(self._target), len(self.headers))
        if self._error is not None:
            raise self._error
        return end

    def _end_of_block(self, data: bytes, start: int) -> int:
        """Return the end of the head or body at `start`, or of a part of it.

        A head ends with an empty line. So does a chunked body, which may have empty lines before.
        """
        if self.in_body and self._left is not None:
            return min(start + self._left, len(data))
        if self._tail:
            found = (self._tail + data[start : start + 3]).find(_EMPTY_LINE)
            end = start + found + len(_EMPTY_LINE) - len(self._tail) if found >= 0 else -1
        else:
            end = -1
        if end < 0 and (found := data.find(_EMPTY_LINE, start)) >= 0:
            end = found + len(_EMPTY_LINE)
        self._tail = b"" if end >= 0 else (self._tail + data[max(start, len(data) - 3) :])[-3:]
        return end if end >= 0 else len(data)

    def _feed(self, block: bytes | memoryview) -> None:
        try:
            self._parser.feed_data(block)
        except httptools.HttpParserUpgrade:
            self._ignore_upgrade()
        except httptools.HttpParserError:
            self._error = self._error or BadRequestError("the request is not HTTP/1.1")

    def _ignore_upgrade(self) -> None:
        """Parse the head once more, without the offer to upgrade, for which the parser expects no body."""
        method, version = self._parser.get_method(), self._parser.get_http_version()
        if method == b"CONNECT":
            self._error = BadRequestError("this is no proxy: it does not answer CONNECT")
            return
        self._parser = httptools.HttpRequestParser(self)
        self._feed(without_upgrade(method, self._target, version, self.headers))

    # -- httptools' callbacks --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._ended:  # two requests in one block; their ends are never taken on trust
            raise RuntimeError("a request began behind the end of another")
        self._target = b""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target of the request."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are ignored."""
        if not self.in_body:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Check the head, and pass it on."""
        parser = self._parser
        if parser.should_upgrade():
            return
        try:
            check_size(self._size, len(self._target), len(self.headers))
            version = parser.get_http_version()
            self._left = body_length(version, self.headers)
            url = httptools.parse_url(self._target)
        except httptools.HttpParserError:
            self._error = BadRequestError("the target of the request is not a path")
            return
        except ServiceError as error:
            self._error = error
            return
        self.in_body = True
        keep_alive = version == "1.1" and parser.should_keep_alive()
        path, query = url.path or b"/", url.query or b""
        self._receiver.head_received(
            Head(parser.get_method(), version, self._target, path, query, self.headers, self._left, keep_alive)
        )

    def on_body(self, body: bytes) -> None:
        """Pass on a piece of the body."""
        self._size = 0
        if self._left is not None:
            self._left -= len(body)
        self._receiver.body_received(body)

    def on_message_complete(self) -> None:
        """Pass on that the request is whole."""
        if not self.in_body:  # an offer to upgrade, or an error
            return
        self.in_body = False
        self._ended = True
        self._size = 0
        self._receiver.request_received()
