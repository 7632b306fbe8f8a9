"""The application: `create_app` puts the parts together, and nothing here happens at import.

The caller has loaded and warmed the models; from the lifespan's start on, the service is ready.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from nerve import __version__
from nerve.service.annotate.annotator import Annotator
from nerve.service.api.anonymizer import anonymizer_routes
from nerve.service.api.documentation import documentation_routes
from nerve.service.api.huggingface import huggingface_routes
from nerve.service.api.label_studio import label_studio_routes
from nerve.service.api.native import native_routes
from nerve.service.api.open_inference import JSON_LENGTH_HEADER, inference_routes
from nerve.service.api.operations import operations_routes
from nerve.service.api.pages import page_routes
from nerve.service.api.presidio import presidio_routes
from nerve.service.api.redact import redact_routes
from nerve.service.api.shortcut import Shortcut
from nerve.service.api.stream import STREAM, stream_routes
from nerve.service.api.templates import Templates
from nerve.service.engine.batcher import Batcher
from nerve.service.engine.engine import Engine
from nerve.service.engine.registry import Registry, ServedModel
from nerve.service.errors import CODES, STATUS, ServiceError, error_body, error_response, log_failure
from nerve.service.http.authentication import Authentication
from nerve.service.http.keys import read_keys
from nerve.service.http.middleware import Bodies, RequestGuard
from nerve.service.observability import record as trace
from nerve.service.observability.metrics import Metrics
from nerve.service.reloader import Reloader
from nerve.service.settings import Settings
from nerve.service.state import Service

# Nobody receives it: the client has left. nginx's number, for the log of whatever stands in front.
CLIENT_CLOSED_REQUEST = 499


def create_app(settings: Settings, models: Sequence[ServedModel], engine: Engine) -> FastAPI:
    """The ASGI application that answers for `models`, of which the first is the default.

    `app.state.service` is its `Service`, `app.state.reloader` its `Reloader`. Raises ValueError for two models of one
    name, or none, and StartError for API keys that cannot be read.
    """
    registry = Registry(models)
    metrics = Metrics(registry)
    batcher = Batcher(engine, settings.batch_tokens, settings.queue_tokens, metrics)
    annotator = Annotator(batcher, settings.max_tokens, settings.deadline_seconds)
    service = Service(settings, registry, batcher, annotator, metrics, read_keys(settings.api_keys_file))
    reloader = Reloader(service, engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(_log_stray)
        batcher.start()
        yield
        service.draining = True
        await batcher.close(within=settings.drain_seconds)
        annotator.close()

    app = FastAPI(
        title="nerve",
        version=__version__,
        summary="Named-entity recognition: text in, entities with offsets and scores out.",
        lifespan=lifespan,
        # A redirect would make a client send its text twice, the second time perhaps without the body.
        redirect_slashes=False,
        docs_url=None,  # ours needs no network
        redoc_url=None,
        # FastAPI's own, which an environment variable would make send what it sees.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = service
    app.state.reloader = reloader
    routers = [
        native_routes(service),
        redact_routes(service),
        stream_routes(service),
        operations_routes(service, reloader),
        huggingface_routes(service),
        presidio_routes(service),
        anonymizer_routes(service),
        inference_routes(service),
        label_studio_routes(service),
    ]
    for router in routers:
        app.include_router(router)
    app.include_router(documentation_routes(app))
    app.include_router(page_routes())
    app.add_exception_handler(ServiceError, _answer_service_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    routes = list(chain(*(router.routes for router in routers)))
    # The last one added is the outermost.
    app.add_middleware(Shortcut, routes=routes, handlers=app.exception_handlers)
    app.add_middleware(Bodies, max_bytes=settings.max_body_bytes, streams=[STREAM])
    app.add_middleware(Authentication, service=service, routes=routes)
    if settings.allowed_origins:
        # Around the door for keys: a browser asks without one whether it may send one.
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
    app.add_middleware(RequestGuard, service=service, templates=Templates(app))
    return app


def routes_of(app: FastAPI) -> list[str]:
    """`METHOD /path` of every documented operation."""
    paths = app.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]


async def _answer_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    if STATUS[type(error)] == 500:
        log_failure(error, f"request {request.state.request_id}")
    return error_response(error, request.scope)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """What the framework raises by itself: an unknown path, a method that a path does not have."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_body(request.scope, 404, f"no such path; the routes are {', '.join(routes_of(request.app))}")
    if error.status_code == 405:
        allowed = ", ".join(_methods_of(request))
        return error_body(request.scope, 405, f"this path answers {allowed} only", headers={"Allow": allowed})
    return error_body(
        request.scope, error.status_code if error.status_code in CODES else 400, "the request was refused"
    )


def _methods_of(request: Request) -> list[str]:
    """What the request's path answers: the framework's own list is that of one route, and a path may have several."""
    return [
        method
        for method in ("GET", "POST")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    trace.current().reason = "client_left"
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def _log_stray(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error that asyncio can tell nobody else: without its own words, which repeat the error's."""
    if error := context.get("exception"):
        log_failure(error, "a task of the event loop")
    else:
        loop.default_exception_handler(context)
