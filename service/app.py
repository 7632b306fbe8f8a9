"""The application: `create_app` puts the parts together, and nothing here happens at import.

The caller has loaded and warmed the models; from the lifespan's start on, the service is ready.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from model import __version__
from service.annotator import Annotator
from service.batcher import Batcher, Engine
from service.errors import CODES, STATUS, ServiceError, error_body, error_response, log_failure
from service.middleware import BodyLimit, RequestGuard
from service.registry import Registry, ServedModel
from service.routes.documentation import documentation_routes
from service.routes.native import native_routes
from service.routes.page import page_routes
from service.settings import Settings
from service.state import Service

# Nobody receives it: the client has left. nginx's number, for the log of whatever stands in front.
CLIENT_CLOSED_REQUEST = 499


def create_app(settings: Settings, models: Sequence[ServedModel], engine: Engine) -> FastAPI:
    """The ASGI application that answers for `models`, of which the first is the default.

    `app.state.service` is its `Service`. Raises ValueError for two models of one name, or none.
    """
    batcher = Batcher(engine, settings.batch_tokens, settings.queue_tokens)
    annotator = Annotator(batcher, settings.max_tokens, settings.deadline_seconds)
    service = Service(settings, Registry(models), batcher, annotator)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
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
    )
    app.state.service = service
    app.include_router(native_routes(service))
    app.include_router(documentation_routes(app))
    app.include_router(page_routes())
    app.add_exception_handler(ServiceError, _answer_service_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(RequestGuard)
    return app


def routes_of(app: FastAPI) -> list[str]:
    """`METHOD /path` of every documented operation."""
    paths = app.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]


async def _answer_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    if STATUS[type(error)] == 500:
        log_failure(error, f"request {request.state.request_id}")
    return error_response(error)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """What the framework raises by itself: an unknown path, a method that a path does not have."""
    assert isinstance(error, HTTPException)
    message = {
        404: f"no such path; the routes are {', '.join(routes_of(request.app))}",
        405: f"this path answers {(error.headers or {}).get('Allow', 'other methods')} only",
    }.get(error.status_code, "the request was refused")
    if error.status_code not in CODES:
        return error_body(400, message)
    return error_body(error.status_code, message, headers=error.headers)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
