"""The door that asks for an API key, where the service was given any: as `X-API-Key`, or as a bearer token.

What is not open asks for one, so that a new route does. Open are the page with its files, the documentation, and what
a probe asks: they tell nothing of what the service is used for. The metrics do, and are not.
"""

from collections.abc import Iterator, Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from nerve.service.errors import UnauthorizedError, error_response
from nerve.service.observability import record as trace
from nerve.service.state import Service

OPEN = frozenset(
    {
        "/",
        "/docs",
        "/openapi.json",
        "/health/live",
        "/health/ready",
        "/health",
        "/v2/health/live",
        "/v2/health/ready",
    }
)
# Below it are the files of the page, which asks for a key itself.
OPEN_FOLDER = "/page/"


class Authentication:
    """Answers 401 to a request without one of the service's keys, in the shape of errors of the one of `routes` that
    was asked. The trace learns the key's name."""

    def __init__(self, app: ASGIApp, service: Service, routes: Sequence[BaseRoute]) -> None:
        self.app = app
        self.service = service
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.service.keys and not _is_open(scope):
            presented = list(_presented(scope))
            names = [name for key in presented if (name := self.service.keys.name(key)) is not None]
            if not names:
                if (route := self._route(scope)) is not None:
                    scope["route"] = route
                await error_response(UnauthorizedError(presented=bool(presented)), scope)(scope, receive, send)
                return
            trace.current().client = names[0]
        await self.app(scope, receive, send)

    def _route(self, scope: Scope) -> BaseRoute | None:
        """The route that would answer, or refuse the method."""
        for wanted in (Match.FULL, Match.PARTIAL):
            for route in self.routes:
                if route.matches(scope)[0] is wanted:
                    return route
        return None


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (path in OPEN or path.startswith(OPEN_FOLDER))


def _presented(scope: Scope) -> Iterator[bytes]:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            yield value
        elif name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer":
                yield token.strip()
