"""For those who run the service: `GET /metrics`."""

from fastapi import APIRouter, Request, Response

from service.state import Service


def operations_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/metrics",
        summary="The metrics of all processes, for Prometheus",
        tags=["operations"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}, "description": "Prometheus's text format, or OpenMetrics."}},
    )
    async def metrics(request: Request) -> Response:
        content, content_type = service.metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": content_type})

    return router
