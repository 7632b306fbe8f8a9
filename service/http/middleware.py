"""The outermost middleware, which gives each request its id and its record, and the one that limits bodies.

Both are pure ASGI, because a middleware that wraps requests and responses would buffer them.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nerve.service.budget import BYTES_PER_BODY, Holding, MemoryBudget
from nerve.service.errors import STATUSES, EngineError, ServiceError, TooLargeError, UnavailableError
from nerve.service.http.answer import in_pieces
from nerve.service.http.compression import zipped
from nerve.service.http.error_response import error_response
from nerve.service.http.gzip import unzipped
from nerve.service.http.routes import OTHER, RouteTable
from nerve.service.observability import logs, record
from nerve.service.observability.failures import log_failure
from nerve.service.observability.metrics import Metrics

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_ID_HEADER = b"x-request-id"
# The key of the scope under which a route finds what its request holds.
HOLDING = "nerve.holding"
# The client's choice goes into a header and a log line, so nothing in it may break either.
VALID_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestMiddleware:
    """Begins the record of each request, answers 500 to an error that nothing else caught, and reports the request.

    The id of a request is echoed in its answer. When the answer has been sent, the record goes to the metrics and to
    the log.
    """

    def __init__(self, app: ASGIApp, routes: RouteTable, metrics: Metrics, is_draining: Callable[[], bool]) -> None:
        """Wrap `app`; `is_draining` says whether the process has been told to stop."""
        self.app = app
        self.routes = routes
        self.metrics = metrics
        self.is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        scope = with_encoded_slashes(scope)
        identity = request_id(scope["headers"])
        route = self.routes.of(scope)
        request_record = record.begin(identity.decode("ascii"))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (REQUEST_ID_HEADER, identity)]
                # A client that keeps its connection would send its next request to a port that is about to close.
                message["headers"] = [*headers, (b"connection", b"close")] if self.is_draining() else headers
            await send(message)

        async def send_error(error: ServiceError) -> None:
            await error_response(error, plain=route.plain_errors)(scope, receive, send_with_id)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # The server cancels requests at one time only: when the time to drain is over.
            if status:
                raise
            await send_error(UnavailableError("the service is shutting down", reason="stopping"))
        except Exception as error:
            # Not raised again: the server would log its message, which may quote the text.
            log_failure(error, f"request {request_record.request_id}")
            if not status:
                await send_error(EngineError())
        finally:
            self.metrics.in_flight.dec()
            if status >= 400 and not request_record.reason:
                request_record.reason = STATUSES[status].code if status in STATUSES else OTHER
            method = scope["method"] if scope["method"] in METHODS else OTHER
            answered = method, route.path, status, time.perf_counter() - begun, request_record
            self.metrics.answered(*answered)
            logs.answered(*answered, quiet=route.quiet)


class LimitsMiddleware:
    """Unzips bodies, holds them to the limits of a body and of all requests together, and zips answers.

    The limit of a body holds zipped and unzipped. What a request holds of the memory of all is given back when its
    answer has been sent. The bodies of routes that stream may have any length: those routes have limits of their own,
    and count what they hold.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, memory: MemoryBudget, routes: RouteTable) -> None:
        """Wrap `app`; `max_bytes` is the limit of a body, `memory` that of all requests together."""
        self.app = app
        self.max_bytes = max_bytes
        self.memory = memory
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self.memory.hold() as holding:
            scope[HOLDING] = holding
            answer = zipped(scope["headers"], in_pieces(send), holding)
            await self.app(scope, self._readable(scope, receive, holding), answer)

    def _readable(self, scope: Scope, receive: Receive, holding: Holding) -> Receive:
        if self.routes.of(scope).streams:
            return unzipped(scope["headers"], receive)
        limited = self._limited(receive, holding, declared_bytes(scope["headers"]))
        readable = unzipped(scope["headers"], limited)
        return limited if readable is limited else self._limited(readable, holding)

    def _limited(self, receive: Receive, holding: Holding, declared: int = 0) -> Receive:
        """Return a `receive` that raises ServiceError if the body is too long for the limits.

        It does so before it receives anything if the body is `declared` to be too long.
        """
        received = declared  # the server holds the body to what it declares

        async def receive_within_limit() -> Message:
            nonlocal received
            if declared:
                check()
            message = await receive()
            if not declared:
                received += len(message.get("body", b""))
                check()
            return message

        def check() -> None:
            if received > self.max_bytes:
                limit = f"the body is too long; the limit is {self.max_bytes:,} bytes"
                raise TooLargeError(limit, reason="too_many_bytes")
            if BYTES_PER_BODY * received > holding.size:
                holding.resize(BYTES_PER_BODY * received)

        return receive_within_limit


def declared_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the length of the body that the headers declare, or 0 if they declare none."""
    return int(next((value for name, value in headers if name == b"content-length"), b"0"))


def with_encoded_slashes(scope: Scope) -> Scope:
    """Return the scope with a path in which `%2F` is not decoded: it is data in a segment, and separates none."""
    raw_path = scope.get("raw_path") or b""
    if b"%2" not in raw_path:
        return scope
    segments = re.split("%2F", raw_path.decode("ascii"), flags=re.IGNORECASE)
    return {**scope, "path": "%2F".join(map(unquote, segments))}


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the id that the client sent, if it is valid, or a new one."""
    for name, value in headers:
        if name == REQUEST_ID_HEADER and VALID_REQUEST_ID.fullmatch(value):
            return bytes(value)
    # Not os.urandom: a system call releases the interpreter lock, perhaps to the engine's thread.
    return random.randbytes(16).hex().encode("ascii")
