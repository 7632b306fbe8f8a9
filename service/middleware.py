"""What every request passes on its way in and out: a request id, the limit on its body, the last resort.

Pure ASGI, because a middleware that wraps requests and responses would buffer them.
"""

import re
import uuid
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import EngineError, TooLargeError, error_response, log_failure

REQUEST_ID_HEADER = b"x-request-id"
# What a client may choose goes into a header and a log line: nothing in it may break either.
SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestGuard:
    """Gives each request an id (`scope["state"]["request_id"]`, echoed in the answer) and answers 500 to what
    nothing else caught."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id.decode("ascii")
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, request_id)]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            # Not raised again: the server would log the message, and with it perhaps the text.
            log_failure(error, f"request {request_id.decode('ascii')}")
            if not started:
                await error_response(EngineError(), scope)(scope, receive, send_with_id)


class BodyLimit:
    """Refuses a body of more than `max_bytes` to whoever reads it: at once if it declares its length, else at the
    first byte over. `streams` are the paths whose bodies may be of any length: they have limits of their own."""

    def __init__(self, app: ASGIApp, max_bytes: int, streams: Collection[str]) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self.streams:
            await self.app(scope, receive, send)
            return
        too_large = TooLargeError(f"the body is too long; the limit is {self.max_bytes:,} bytes")
        # The server has parsed the number already; a body that is longer than it says never arrives here.
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            # Raised in the route, which alone knows the contract and so the shape of the error.
            if int(declared) > self.max_bytes:
                raise too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise too_large
            return message

        await self.app(scope, receive_within_limit, send)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER and SANE_REQUEST_ID.fullmatch(value):
            return bytes(value)
    return uuid.uuid4().hex.encode("ascii")
