"""What every request passes on its way in and out: a request id, the limit on its body, the last resort, and at the
end its line in the log and its place in the metrics.

Pure ASGI, because a middleware that wraps requests and responses would buffer them.
"""

import asyncio
import random
import re
import time
from collections.abc import Collection, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nerve.service.api.body import declared_bytes
from nerve.service.api.templates import OTHER, Templates
from nerve.service.errors import CODES, EngineError, TooLargeError, UnavailableError, error_response, log_failure
from nerve.service.http.gzip import unzipped
from nerve.service.observability import logs
from nerve.service.observability import record as trace
from nerve.service.state import Service

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_ID_HEADER = b"x-request-id"
# What a client may choose goes into a header and a log line: nothing in it may break either.
SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestGuard:
    """Gives each request an id (`scope["state"]["request_id"]`, echoed in the answer), answers 500 to what nothing
    else caught, and hands what is known of the request to the metrics and the log."""

    def __init__(self, app: ASGIApp, service: Service, templates: Templates) -> None:
        self.app = app
        self.service = service
        self.templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        identity = request_id(scope["headers"])
        seen = trace.begin(identity.decode("ascii"))
        scope.setdefault("state", {})["request_id"] = seen.request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (REQUEST_ID_HEADER, identity)]
                # A client that keeps its connection would ask again on one that is about to go.
                message["headers"] = [*headers, (b"connection", b"close")] if self.service.draining else headers
            await send(message)

        self.service.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # Whole requests are cancelled at one time only: when the time to drain is over.
            if status:
                raise
            stopping = UnavailableError("the service is shutting down", reason="stopping")
            await error_response(stopping, scope)(scope, receive, send_with_id)
        except Exception as error:
            # Not raised again: the server would log the message, and with it perhaps the text.
            log_failure(error, f"request {seen.request_id}")
            if not status:
                await error_response(EngineError(), scope)(scope, receive, send_with_id)
        finally:
            self.service.metrics.in_flight.dec()
            if status >= 400 and not seen.reason:
                seen.reason = CODES.get(status, OTHER)
            method = scope["method"] if scope["method"] in METHODS else OTHER
            done = method, self.templates.template(scope), status, time.perf_counter() - begun, seen
            self.service.metrics.answered(*done)
            logs.answered(*done)


class Bodies:
    """Bodies as the routes read them: unzipped, and no longer than `max_bytes`, neither as they come nor unzipped.
    `streams` are the paths whose bodies may be of any length: they have limits of their own."""

    def __init__(self, app: ASGIApp, max_bytes: int, streams: Collection[str]) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = self._readable(scope, receive)
        await self.app(scope, receive, send)

    def _readable(self, scope: Scope, receive: Receive) -> Receive:
        if scope["path"] in self.streams:
            return unzipped(scope["headers"], receive)
        limited = self._limited(receive, declared_bytes(scope["headers"]))
        readable = unzipped(scope["headers"], limited)
        return limited if readable is limited else self._limited(readable)

    def _limited(self, receive: Receive, declared: int = 0) -> Receive:
        """Raises TooLargeError to whoever reads more than the limit: at once where that much is declared, else at the
        first byte over. That is a route, which alone knows the contract and so the shape of the error."""
        received = declared  # what is declared is all that comes

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive() if received <= self.max_bytes else {}
            if not declared:
                received += len(message.get("body", b""))
            if received > self.max_bytes:
                limit = f"the body is too long; the limit is {self.max_bytes:,} bytes"
                raise TooLargeError(limit, reason="too_many_bytes")
            return message

        return receive_within_limit


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The one that a request came with, if it is sane, or a new one."""
    for name, value in headers:
        if name == REQUEST_ID_HEADER and SANE_REQUEST_ID.fullmatch(value):
            return bytes(value)
    # Not os.urandom: a call of the system gives the interpreter away, perhaps to the engine's thread.
    return random.randbytes(16).hex().encode("ascii")
