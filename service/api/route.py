"""A route of the API: declared once, with everything that any part of the service has to know of it.

Each contract lists its routes as `ROUTES`. The application serves them with `Handler`, the one way from a request to
its answer; middlewares, log and metrics read the properties; OpenAPI and the error statuses are derived from them.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nerve.service.api.body import parse, read
from nerve.service.http.disconnect import cancelled_on_disconnect
from nerve.service.http.middleware import HOLDING, declared_bytes
from nerve.service.http.routes import RouteProperties
from nerve.service.state import Service

JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Route(RouteProperties):
    """A route with its endpoint and its description.

    Attributes:
        endpoint: Called with the service, the request and, if the route takes a body, what `parse` returned. Its name
            is the operation id.
        summary: What the route does, in a few words.
        tag: The contract that the route belongs to; empty for routes that OpenAPI leaves out, such as pages.
        request: The type of the body; None if the route takes no body, or reads it piece by piece.
        parse: Makes the endpoint's argument of the body, perhaps in another thread. By default it is the body, parsed
            into `request`.
        answer: The type of the answer's JSON.
        examples: Requests by what they show.
        by_model: Whether the path names a model, as `{name}`.
        query: What each query parameter is for; all are optional strings.
        statuses: The statuses of errors that do not follow from the other properties.
        invalid: The status of a body that is not a valid request.
        request_content: OpenAPI's media types of the body, if it is not JSON.
        answer_content: OpenAPI's media types of the answer, if it is not JSON.
        answer_description: What the answer is.
    """

    endpoint: Callable[..., Awaitable[Response]]
    summary: str = ""
    tag: str = ""
    request: type[BaseModel] | None = None
    parse: Callable[[Service, Request, bytes], Any] | None = None
    answer: Any = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    by_model: bool = False
    query: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = ()
    invalid: int = 422
    request_content: Mapping[str, Any] | None = None
    answer_content: Mapping[str, Any] | None = None
    answer_description: str = "The answer."

    @property
    def name(self) -> str:
        """The name of the endpoint, which is the operation id."""
        return self.endpoint.__name__

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def error_statuses(self) -> list[int]:
        """The statuses of all errors that the route can answer."""
        statuses = set(self.statuses)
        if self.needs_key:
            statuses.add(401)
        if self.request is not None:
            statuses |= {400, 413, 415, self.invalid, 500, 503, 504}
        if self.streams:
            statuses |= {400, 415, 500, 503}
        if self.by_model:
            statuses.add(404)
        return sorted(statuses)


def _parsed(route: Route, service: Service, request: Request, received: bytearray) -> Any:
    body = bytes(received)
    received.clear()  # so that the body is in memory once only
    if route.parse is not None:
        return route.parse(service, request, body)
    assert route.request is not None
    return parse(body, route.request)


class Handler:
    """Answers the requests of a route; an ASGI application.

    Admission comes first, before any work is put into the request; then its body is read and parsed, a long one in
    the thread for long texts. Once the body has been read, the work ends when the client disconnects.
    """

    def __init__(self, route: Route, service: Service) -> None:
        """Answer for `service`."""
        self.route = route
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._response(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        route, service = self.route, self.service
        if route.admission:
            service.check_room(declared_bytes(request.scope["headers"]))
        if route.by_model:
            service.registry.named(request.path_params["name"])  # an unknown name is refused before the body is read
        if route.request is None:
            return await route.endpoint(service, request)
        body = await read(request)
        async with cancelled_on_disconnect(request.scope, request.receive):
            parsed = await service.annotator.compute(len(body), partial(_parsed, route, service, request, body))
            response = await route.endpoint(service, request, parsed)
        # From now on the request is its answer, and waits for the client to take it.
        request.scope[HOLDING].resize(len(response.body))
        return response


def json_response(content: Any) -> Response:
    """Return a response with `content` as JSON."""
    return Response(to_json(content), media_type=JSON)


def bytes_response(content: bytes) -> Response:
    """Return a response with `content`, which is JSON already."""
    return Response(content, media_type=JSON)
