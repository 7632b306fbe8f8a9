"""uvicorn's HTTP protocol with two optimisations: early refusals, and immediate notice of a disconnect.

Under overload a refusal must cost next to nothing, or the refusals take the time that the answers need
(docs/performance.md). So requests with short bodies for routes with admission are checked before they become a task.
All others are checked by their routes (`nerve.service.api.route`), which check these requests again.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import chain
from typing import ClassVar, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nerve.service.api.routes import API
from nerve.service.errors import UnavailableError
from nerve.service.http.disconnect import EXTENSION, Disconnect
from nerve.service.http.error_response import error_response
from nerve.service.http.middleware import REQUEST_ID_HEADER, request_id
from nerve.service.http.routes import RouteProperties
from nerve.service.observability.record import RequestRecord
from nerve.service.state import Service

ROUTES: dict[bytes, RouteProperties] = {
    route.path.encode(): route for route in API if route.admission and not route.parameters
}
LONGEST_BODY_BYTES = 16 * 1024
# Requests with these headers need a body that is read, or an answer with the headers of CORS.
NEVER_REFUSED_WITH = frozenset({b"transfer-encoding", b"expect", b"origin"})
SECONDS_BETWEEN_LINES = 1.0
SECONDS_OF_ONE_ANSWER = 0.1

# How much asyncio reads from a socket at once. The default is 256 KiB, for which the C library gets memory from the
# system and returns it each time: 12 µs of each request.
READ_BYTES = 64 * 1024

Headers = Sequence[tuple[bytes, bytes]]

log = logging.getLogger(__name__)


def protocol_of(service: Service) -> type[HttpToolsProtocol]:
    """Return the protocol class of a server that answers for `service`."""
    return type("Protocol", (_Protocol,), {"refusals": _Refusals(service)})


class _Protocol(HttpToolsProtocol):
    """One connection."""

    refusals: ClassVar["_Refusals"]
    refusal: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.disconnect = Disconnect()
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.disconnect.notify()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"client": self.disconnect}}

    def on_headers_complete(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        route = ROUTES.get(self.url)
        if route and idle and self.parser.get_method() == b"POST" and self.parser.should_keep_alive():
            self.refusal = self.refusals.refusal(route, self.headers, self.server_state.default_headers)
        if self.refusal is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.refusal is None:
            super().on_message_complete()
            return
        self.transport.write(self.refusal)
        self.refusal = None
        self.on_response_complete()


class _Refusal(NamedTuple):
    """The answer to all requests that are refused for the same reason within a moment, without the request id."""

    head: bytes
    body: bytes
    record: RequestRecord


class _Refusals:
    """Early refusals. The metrics count them as all answers; the log has one line a second for them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # To build the answer is half of the cost of a refusal.
        self._answers: dict[tuple[str, str], _Refusal] = {}
        self._answers_expire = 0.0
        self._unlogged = 0
        self._next_line = 0.0

    def refusal(self, route: RouteProperties, headers: Headers, server_headers: Headers) -> bytes | None:
        """Return the answer to a request that is refused, or None if the request goes to its route."""
        if self._service.draining:  # the answer would have to close the connection
            return None
        length = 0
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name in NEVER_REFUSED_WITH:
                return None
        if not 0 < length <= LONGEST_BODY_BYTES:
            return None
        try:
            self._service.check_room(length)
        except UnavailableError as error:
            return self._answer(error, route, headers, server_headers)
        return None

    def _answer(
        self, error: UnavailableError, route: RouteProperties, headers: Headers, server_headers: Headers
    ) -> bytes:
        now = time.monotonic()
        if now >= self._answers_expire:
            self._answers.clear()
            self._answers_expire = now + SECONDS_OF_ONE_ANSWER
        key = route.path, error.reason
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = _refusal(error, route, server_headers)
        self._service.metrics.answered(route.method, route.path, error.status, 0.0, answer.record)
        self._unlogged += 1
        if now >= self._next_line:
            log.warning(
                "requests refused since the last such line: %d; the service is overloaded",
                self._unlogged,
            )
            self._unlogged = 0
            self._next_line = now + SECONDS_BETWEEN_LINES
        return b"%b%b\r\n\r\n%b" % (answer.head, request_id(headers), answer.body)


def _refusal(error: UnavailableError, route: RouteProperties, server_headers: Headers) -> _Refusal:
    answer = error_response(error, plain=route.plain_errors)
    lines = [b"HTTP/1.1 503 Service Unavailable"]
    lines += [name + b": " + value for name, value in chain(server_headers, answer.raw_headers)]
    lines += [REQUEST_ID_HEADER + b": "]
    return _Refusal(b"\r\n".join(lines), bytes(answer.body), RequestRecord(reason=error.reason))
