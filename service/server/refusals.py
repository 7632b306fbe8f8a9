"""Early refusals: answers to requests that have no place in the queue, before they become a task.

Under overload a refusal must cost next to nothing, or the refusals take the time that the answers need
(docs/performance.md). So requests with short bodies for routes with admission are checked before they become a task.
All others are checked by their routes (`nerve.service.api.route`), which check these requests again.
"""

import logging
import time
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from nerve.service.api.routes import API
from nerve.service.errors import UnavailableError
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

Headers = Sequence[tuple[bytes, bytes]]

log = logging.getLogger(__name__)


class _Refusal(NamedTuple):
    """The answer to all requests that are refused for the same reason within a moment, without the request id."""

    head: bytes
    body: bytes
    record: RequestRecord


class Refusals:
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
        if reason := self._service.reason_to_refuse(length):
            return self._answer(reason, length, route, headers, server_headers)
        self._service.let_in(length)
        return None

    def _answer(
        self, reason: str, length: int, route: RouteProperties, headers: Headers, server_headers: Headers
    ) -> bytes | None:
        now = time.monotonic()
        if now >= self._answers_expire:
            self._answers.clear()
            self._answers_expire = now + SECONDS_OF_ONE_ANSWER
        answer = self._answers.get((route.path, reason))
        if answer is None:
            try:
                self._service.check_room(length)
                return None
            except UnavailableError as error:
                answer = self._answers[route.path, reason] = _refusal(error, route, server_headers)
        self._service.metrics.answered(route.method, route.path, UnavailableError.status, 0.0, answer.record)
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
