"""Asks for an API key, if the service has any: as `X-API-Key`, or as a bearer token.

Every route needs a key unless it says otherwise. The page with its files, the documentation and the health probes do:
they say nothing of what the service is used for. The metrics do not.
What no route answers is 404 or 405 without a key.
"""

from collections.abc import Callable, Iterator

from starlette.types import ASGIApp, Receive, Scope, Send

from nerve.service.errors import UnauthorizedError
from nerve.service.http.error_response import error_response
from nerve.service.http.keys import Keys
from nerve.service.http.routes import RouteTable
from nerve.service.observability import record


class AuthenticationMiddleware:
    """Answers 401 to a request that needs a key and has none; writes the name of the key into the record."""

    def __init__(self, app: ASGIApp, keys: Callable[[], Keys], routes: RouteTable) -> None:
        """Wrap `app`; `keys` returns the keys that are valid now."""
        self.app = app
        self.keys = keys
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (keys := self.keys()):
            route = self.routes.of(scope)
            if route.needs_key:
                presented = list(_presented(scope))
                names = [name for key in presented if (name := keys.name(key)) is not None]
                if not names:
                    error = UnauthorizedError(presented=bool(presented))
                    await error_response(error, plain=route.plain_errors)(scope, receive, send)
                    return
                record.current().client = names[0]
        await self.app(scope, receive, send)


def _presented(scope: Scope) -> Iterator[bytes]:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            yield value
        elif name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer":
                yield token.strip()
