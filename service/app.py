"""The application: `create_app` puts the parts together.

The caller has loaded and warmed up the models. The service is ready when the lifespan has begun.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette import routing
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from nerve import __version__
from nerve.service.annotate.annotator import Annotator
from nerve.service.api.description import SUMMARY, TITLE
from nerve.service.api.open_inference import PREFIX
from nerve.service.api.route import Handler
from nerve.service.api.routes import API, all_routes
from nerve.service.api.tensors import JSON_LENGTH_HEADER
from nerve.service.budget import MemoryBudget
from nerve.service.engine.batcher import Batcher
from nerve.service.engine.engine import Engine
from nerve.service.engine.registry import Registry, ServedModel
from nerve.service.engine.reloader import Reloader
from nerve.service.errors import STATUSES, ServiceError
from nerve.service.http.authentication import AuthenticationMiddleware
from nerve.service.http.error_response import error_body, error_response
from nerve.service.http.keys import read_keys
from nerve.service.http.middleware import LimitsMiddleware, RequestMiddleware
from nerve.service.http.routes import RouteTable
from nerve.service.observability import record
from nerve.service.observability.failures import log_failure
from nerve.service.observability.metrics import Metrics
from nerve.service.settings import Settings
from nerve.service.state import Service

# nginx's status for a client that has disconnected. Nobody receives it; it is for the log.
CLIENT_CLOSED_REQUEST = 499


def create_app(settings: Settings, models: Sequence[ServedModel], engine: Engine) -> FastAPI:
    """Make the ASGI application that answers for `models`, the first of which is the default.

    `app.state.service` is its `Service`, `app.state.reloader` its `Reloader`.

    Raises:
        ValueError: Two models have the same name, or there is no model.
        StartError: The API keys cannot be read.
    """
    registry = Registry(models)
    metrics = Metrics(registry)
    batcher = Batcher(engine, settings.batch_tokens, settings.queue_tokens, metrics)
    memory = MemoryBudget(settings.memory_bytes)
    annotator = Annotator(batcher, memory, settings.max_tokens, settings.deadline_seconds)
    service = Service(settings, registry, batcher, annotator, memory, metrics, read_keys(settings.api_keys_file))
    service.reloader = reloader = Reloader(registry, engine, settings, metrics.reloads)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(_log_unhandled)
        batcher.start()
        yield
        service.draining = True
        await batcher.close(within=settings.drain_seconds)
        annotator.close()

    declared = all_routes()
    table = RouteTable(declared, plain_below=PREFIX)
    app = _Application(
        title=TITLE,
        version=__version__,
        summary=SUMMARY,
        lifespan=lifespan,
        # Plain routes of Starlette, to ASGI applications: FastAPI's own endpoints cost 46 µs more a request.
        routes=[routing.Route(route.path, Handler(route, service), methods=[route.method]) for route in declared],
        # A redirect would make a client send its text twice, and some clients send no body the second time.
        redirect_slashes=False,
        # The document and its page are routes of ours.
        openapi_url=None,
        # FastAPI's telemetry, which an environment variable could make send what it sees.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = service
    app.state.reloader = reloader
    errors = _ErrorHandlers(table)
    app.add_exception_handler(ServiceError, errors.service_error)
    app.add_exception_handler(HTTPException, errors.http_exception)
    app.add_exception_handler(ClientDisconnect, errors.client_disconnect)
    # The last middleware added is the outermost.
    app.add_middleware(LimitsMiddleware, max_bytes=settings.max_body_bytes, memory=memory, routes=table)
    app.add_middleware(AuthenticationMiddleware, keys=lambda: service.keys, routes=table)
    if settings.allowed_origins:
        # Outside of the authentication: a browser's preflight request has no key.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Authorization",
                "Content-Encoding",
                "Content-Type",
                JSON_LENGTH_HEADER,
                "X-API-Key",
                "X-Request-ID",
            ],
            expose_headers=[JSON_LENGTH_HEADER, "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(RequestMiddleware, routes=table, metrics=metrics, is_draining=lambda: service.draining)
    return app


class _Application(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        """Leave out FastAPI's own layers, which look after its endpoints and its telemetry: there are neither."""
        return Starlette.build_middleware_stack(self)


class _ErrorHandlers:
    """Make responses of the exceptions that routes and the framework raise."""

    def __init__(self, routes: RouteTable) -> None:
        self._routes = routes

    async def service_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)
        if error.status == 500:
            log_failure(error, f"request {record.current().request_id}")
        return error_response(error, plain=self._routes.of(request.scope).plain_errors)

    async def http_exception(self, request: Request, error: Exception) -> Response:
        """Answer what the framework raises: an unknown path, or a method that a path has no route for."""
        assert isinstance(error, HTTPException)
        status, headers = error.status_code, {}
        allowed = ", ".join(self._routes.methods(request.scope["path"]))
        if allowed and request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        if status == 404:
            message = f"no such path; the routes are {', '.join(f'{route.method} {route.path}' for route in API)}"
        elif status == 405:
            message, headers = f"this path answers {allowed} only", {"Allow": allowed}
        else:
            message, status = "the request was refused", status if status in STATUSES else 400
        return error_body(status, message, headers=headers, plain=self._routes.of(request.scope).plain_errors)

    async def client_disconnect(self, _request: Request, _error: Exception) -> Response:
        record.current().reason = "client_left"
        return Response(status_code=CLIENT_CLOSED_REQUEST)


def _log_unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nobody awaits, without asyncio's own message, which quotes the error's."""
    if error := context.get("exception"):
        log_failure(error, "a task of the event loop")
    else:
        loop.default_exception_handler(context)
