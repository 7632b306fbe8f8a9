"""For those who run the service: `GET /metrics`, and `POST /v1/models/{name}:reload`."""

from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.responses import ReloadAnswer
from nerve.service.api.route import Route, json_response
from nerve.service.state import Service


async def read_metrics(service: Service, request: Request) -> Response:
    """Answer the metrics, in the format that the client accepts."""
    service.batcher.tell_waiting()
    content, content_type = service.metrics.exposition(request.headers.get("accept", ""))
    return Response(content, headers={"content-type": content_type})


async def reload_model(service: Service, request: Request) -> Response:
    """Serve the archive that is now on disk."""
    model, changed = await service.reloader.model(request.path_params["name"])
    return json_response({"model": model.name, "reloaded": changed, "sha256": model.digest})


ROUTES = (
    Route(
        "GET",
        "/metrics",
        endpoint=read_metrics,
        summary="Read the metrics of all processes, for Prometheus",
        tag="operations",
        quiet=True,
        answer_content={"text/plain": {}},
        answer_description="The metrics in Prometheus's text format, or in OpenMetrics.",
    ),
    Route(
        "POST",
        "/v1/models/{name}:reload",
        by_model=True,
        endpoint=reload_model,
        summary="Replace a model by the archive that is now on disk",
        tag="operations",
        answer=ReloadAnswer,
        statuses=(409, 500),
    ),
)
