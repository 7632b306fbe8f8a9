"""The short way from a path to its endpoint.

FastAPI's own walks the routes of every router, looks up parameters and dependencies of endpoints that have none, and
keeps a stack of what is to be closed: a quarter of what a short request costs outside of the tagger. Which routes
there are, what OpenAPI says of them and how errors are answered stays FastAPI's business, and so does everything that
this table does not hold.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class Shortcut:
    """Answers for those of `routes` that have a plain path and whose endpoint takes the request and nothing else, and
    asks `app` for all others. `handlers` answer errors by their type."""

    def __init__(
        self, app: ASGIApp, routes: Iterable[BaseRoute], handlers: Mapping[Any, Callable[[Request, Any], Any]]
    ) -> None:
        self.app = app
        self.handlers = handlers
        self.routes = {
            (method, route.path): route
            for route in routes
            if isinstance(route, APIRoute) and "{" not in route.path and _takes_the_request_only(route)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except Exception as error:
            handler = next((self.handlers[kind] for kind in type(error).__mro__ if kind in self.handlers), None)
            if handler is None:
                raise
            response = await handler(request, error)
        await response(scope, receive, send)


def _takes_the_request_only(route: APIRoute) -> bool:
    parameters = inspect.signature(route.endpoint).parameters.values()
    return [parameter.annotation for parameter in parameters] == [Request] and not route.dependencies
