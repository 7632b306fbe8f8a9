"""For those who run the service: `GET /metrics`, and `POST /v1/models/{name}:reload`."""

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from nerve.service.api.schemas import ERRORS, ErrorAnswer, ReloadAnswer
from nerve.service.errors import DESCRIPTIONS
from nerve.service.reloader import Reloader
from nerve.service.state import Service


def operations_routes(service: Service, reloader: Reloader) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/metrics",
        summary="The metrics of all processes, for Prometheus",
        tags=["operations"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}, "description": "Prometheus's text format, or OpenMetrics."}},
    )
    async def metrics(request: Request) -> Response:
        service.batcher.tell_waiting()
        content, content_type = service.metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": content_type})

    @router.post(
        "/v1/models/{name}:reload",
        summary="Put the archive that is now on disk in the place of the one that is served",
        tags=["operations"],
        response_model=ReloadAnswer,
        responses={
            401: ERRORS[401],
            404: ERRORS[404],
            409: {"model": ErrorAnswer, "description": "The archive on disk cannot be served; nothing has changed."},
            "default": {"model": ErrorAnswer, "description": DESCRIPTIONS["default"]},
        },
    )
    async def reload(name: str) -> Response:
        model, changed = await reloader.model(name)
        reloader.tell_others()
        answer = {"model": model.name, "reloaded": changed, "sha256": model.digest}
        return Response(to_json(answer), media_type="application/json")

    return router
