"""One request and its answer: the `receive` and `send` of ASGI on a connection."""

import asyncio
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Protocol

from starlette.types import ASGIApp, Message, Scope

from nerve.service.observability.failures import log_failure
from nerve.service.server.head import Head

# A body of which more than this has not been read holds up the client.
BUFFER_BYTES = 64 * 1024
# An error is answered before the rest of a body that declares to be longer, and the connection ends with it.
DISCARDED_BYTES = 64 * 1024
# A longer body is not copied behind the head of its answer.
JOINED_BYTES = 64 * 1024

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_INVALID = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = {204, 304}

RawHeaders = Iterable[tuple[bytes, bytes]]


class Connection(Protocol):
    """What an exchange needs of its connection."""

    transport: asyncio.Transport
    writable: asyncio.Event

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that all answers have."""
        ...

    def resume_body(self) -> None:
        """Go on reading the body of the request."""
        ...

    def answered(self, exchange: "Exchange") -> None:
        """Note that the whole answer has been written."""
        ...

    def failed(self, exchange: "Exchange") -> None:
        """End a connection whose application has not answered."""
        ...


def answer_head(status: int, headers: RawHeaders) -> bytes:
    """Return the head of an answer.

    Raises:
        ValueError: A header has a character that would break the head.
    """
    lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status]
    lines += [name + b": " + value for name, value in headers]
    if _INVALID.search(b"".join(lines)):
        raise ValueError("a header of the answer has a control character")
    return b"\r\n".join(lines) + b"\r\n\r\n"


class Exchange:
    """One request and its answer.

    Attributes:
        scope: The request, for ASGI.
        length: The length of the body as it was declared; None if it is chunked.
        keep_alive: Whether the connection goes on after the answer.
        started: Whether a part of the answer has been written.
        complete: Whether the whole answer has been written.
    """

    def __init__(self, connection: Connection, scope: Scope, head: Head) -> None:
        self.scope = scope
        self.length = head.length
        self.keep_alive = head.keep_alive
        self.started = False
        self.complete = False
        self._connection = connection
        self._expects_continue = head.expects_continue
        self._disconnected = False
        self._body = bytearray()
        self._more_body = True
        self._received = 0
        self._changed = asyncio.Event()
        self._head: Message | None = None
        self._chunked = False
        self._left = 0

    # -- from the connection ---------------------------------------------------------------------------------------

    async def run(self, app: ASGIApp) -> None:
        """Let the application answer."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:
            log_failure(error, "a request")
        finally:
            if not self.complete and not self._disconnected:
                self._connection.failed(self)

    def body_received(self, body: bytes) -> bool:
        """Keep a piece of the body; return whether more than enough is kept."""
        self._received += len(body)
        self._body += body
        self._changed.set()
        return len(self._body) > BUFFER_BYTES

    def body_complete(self) -> None:
        """Note that the whole body has been received."""
        self._more_body = False
        self._changed.set()

    def disconnected(self) -> None:
        """Note that nobody waits for the answer any more."""
        self._disconnected = True
        self._changed.set()

    # -- from the application --------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Return the next message of ASGI."""
        connection = self._connection
        if self._expects_continue:
            self._expects_continue = False
            if not self.started and not self._received and not connection.transport.is_closing():
                connection.transport.write(CONTINUE)
        if not self._disconnected and not self.complete:
            if self._more_body:
                connection.resume_body()
            await self._changed.wait()
            self._changed.clear()
        if self._disconnected or self.complete:
            return {"type": "http.disconnect"}
        body, self._body = bytes(self._body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self._more_body}

    async def send(self, message: Message) -> None:
        """Write what the application answers.

        Raises:
            RuntimeError: The message does not follow from those before it.
        """
        if not self._connection.writable.is_set():
            await self._connection.writable.wait()
        if self._disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.started and self._head is None:
            self._start(message)
        elif kind == "http.response.body" and (self.started or self._head is not None) and not self.complete:
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"the message {kind} is out of order")

    def _start(self, message: Message) -> None:
        headers = list(message.get("headers", ()))
        names = {name.lower(): value for name, value in headers}
        if b"close" in names.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive or (message["status"] >= 400 and self._long_body_is_left()):
            self.keep_alive = False
            headers.append((b"connection", b"close"))
        message["headers"] = headers
        self._head = message
        if b"content-length" in names:
            # The head is written together with the body, which follows at once.
            self._left = int(names[b"content-length"])
            return
        if self.scope["method"] != "HEAD" and message["status"] not in _BODILESS:
            self._chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        self._connection.transport.write(self._written_head())

    def _written_head(self) -> bytes:
        message, self._head, self.started = self._head, None, True
        assert message is not None
        return answer_head(message["status"], self._connection.default_headers + message["headers"])

    def _continue(self, body: bytes, *, more: bool) -> None:
        head = self._written_head() if self._head is not None else b""
        if self.scope["method"] == "HEAD":
            body, self._left = b"", 0
        elif self._chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        else:
            self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("the answer has another length than its head says")
        write = self._connection.transport.write
        if len(body) <= JOINED_BYTES:
            write(head + body)
        else:
            write(head)
            write(body)
        if not more:
            self.complete = True
            self._changed.set()
            self._connection.answered(self)

    def _long_body_is_left(self) -> bool:
        return self._more_body and self.length is not None and self.length - self._received > DISCARDED_BYTES
