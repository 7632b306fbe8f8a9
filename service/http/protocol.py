"""HTTP as uvicorn speaks it, with a door before everything else: while more is asked than can be answered in time, to
say no must cost next to nothing, or the refusals take the time that the answers need (docs/performance.md).

The door knows the two routes that nearly all texts take, and short bodies. It lets in what it is not sure of: the
routes ask again (`Service.check_room`).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nerve.service.errors import UnavailableError, error_response
from nerve.service.http.disconnect import EXTENSION, HANGUP, Hangup
from nerve.service.http.middleware import REQUEST_ID_HEADER, request_id
from nerve.service.observability.record import Trace
from nerve.service.state import Service

ROUTES = {b"/v1/entities": "/v1/entities", b"/v1/redact": "/v1/redact"}
LONGEST_BODY_BYTES = 16 * 1024
# What bodies and browsers ask for with these is known behind the door.
LEFT_TO_OTHERS = frozenset({b"transfer-encoding", b"expect", b"origin"})
SECONDS_BETWEEN_LINES = 1.0
SECONDS_OF_ONE_ANSWER = 0.1

# How much asyncio asks of a socket at once. By default it is 256 KiB, for which the C library fetches memory from the
# system and gives it back again each time: 12 µs of each request.
READ_BYTES = 64 * 1024

Headers = Sequence[tuple[bytes, bytes]]

log = logging.getLogger(__name__)


def protocol_of(service: Service) -> type[HttpToolsProtocol]:
    """The protocol of a server that answers for `service`."""
    refusals = _Refusals(service)

    class Protocol(HttpToolsProtocol):
        """One connection. A request that is refused never becomes a task."""

        _refusal: bytes | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._hangup = Hangup()
            if hasattr(transport, "max_size"):
                transport.max_size = READ_BYTES

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._hangup.happen()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["extensions"] = {EXTENSION: {HANGUP: self._hangup}}

        def on_headers_complete(self) -> None:
            idle = self.cycle is None or self.cycle.response_complete
            if (
                idle
                and self.url in ROUTES
                and self.parser.get_method() == b"POST"
                and self.parser.should_keep_alive()
            ):
                self._refusal = refusals.refusal(ROUTES[self.url], self.headers, self.server_state.default_headers)
            if self._refusal is None:
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if self._refusal is None:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if self._refusal is None:
                super().on_message_complete()
                return
            self.transport.write(self._refusal)
            self._refusal = None
            self.on_response_complete()

    return Protocol


class _Refusal(NamedTuple):
    """What is said to all who are refused for one reason within a moment: the answer but for its request id, and what
    the metrics are told."""

    head: bytes
    body: bytes
    seen: Trace


class _Refusals:
    """What is answered at the door, counted as any other answer; in the log they are a line a second."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # To build an answer is half of what a refusal costs.
        self._known: dict[tuple[str, str], _Refusal] = {}
        self._known_until = 0.0
        self._unlogged = 0
        self._next_line = 0.0

    def refusal(self, path: str, headers: Headers, own: Headers) -> bytes | None:
        """The answer, which has the headers `own` too, to a request that has no room; None where it has some, or
        where that is not for here to say."""
        if self._service.draining:  # the connection is to end with the answer
            return None
        length = 0
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name in LEFT_TO_OTHERS:
                return None
        if not 0 < length <= LONGEST_BODY_BYTES:
            return None
        try:
            self._service.check_room(length)
        except UnavailableError as error:
            return self._answer(error, path, headers, own)
        return None

    def _answer(self, error: UnavailableError, path: str, headers: Headers, own: Headers) -> bytes:
        now = time.monotonic()
        if now >= self._known_until:
            self._known.clear()
            self._known_until = now + SECONDS_OF_ONE_ANSWER
        known = self._known.get((path, error.reason))
        if known is None:
            known = self._known[path, error.reason] = _refusal(error, path, own)
        self._service.metrics.answered("POST", path, 503, 0.0, known.seen)
        self._unlogged += 1
        if now >= self._next_line:
            log.warning(
                "requests refused since the last such line: %d; more is asked than can be answered in time",
                self._unlogged,
            )
            self._unlogged = 0
            self._next_line = now + SECONDS_BETWEEN_LINES
        return b"%b%b\r\n\r\n%b" % (known.head, request_id(headers), known.body)


def _refusal(error: UnavailableError, path: str, own: Headers) -> _Refusal:
    answer = error_response(error, {"path": path})
    lines = [b"HTTP/1.1 503 Service Unavailable"]
    lines += [name + b": " + value for name, value in chain(own, answer.raw_headers)]
    lines += [REQUEST_ID_HEADER + b": "]
    return _Refusal(b"\r\n".join(lines), bytes(answer.body), Trace(reason=error.reason))
