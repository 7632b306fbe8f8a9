"""nerve's own contract: `POST /v1/entities`, `GET /v1/models`, `/health/live` and `/health/ready`."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from nerve.service.api.answers import entities_answer
from nerve.service.api.body import declared_bytes, described, read
from nerve.service.api.schemas import (
    ERRORS,
    EXAMPLE_TEXT,
    EntitiesRequest,
    HealthAnswer,
    ManyAnswer,
    ModelsAnswer,
    OneAnswer,
    parse_request,
)
from nerve.service.http.disconnect import cancelled_on_hangup
from nerve.service.state import Service

# Of a model's card, what a client can use; the rest is about training.
CARD_KEYS = ("language", "licence", "description", "datasets", "scores")

EXAMPLES: dict[str, Any] = {
    "one text": {"text": EXAMPLE_TEXT},
    "several texts, people and places only, offsets for JavaScript": {
        "texts": [EXAMPLE_TEXT, "Nothing to see here."],
        "labels": ["PER", "LOC"],
        "min_score": 0.5,
        "offset_unit": "utf16",
    },
    "tokens, and tokens with their tags in the answer": {
        "tokens": ["Tim", "Cook", "lives", "in", "Cupertino", "."],
        "include": ["tokens"],
    },
    "labels under other names, and phrases that count whatever the model says": {
        "text": EXAMPLE_TEXT,
        "labels": {"PER": "PERSON", "LOC": "PLACE", "ROLE": "ROLE"},
        "gazetteer": {"always": {"ROLE": ["chief executive"]}, "never": ["Paris"]},
    },
}


def native_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/v1/entities",
        summary="Find the entities in a text or in several",
        tags=["entities"],
        openapi_extra=described(EntitiesRequest, EXAMPLES),
        response_model=OneAnswer | ManyAnswer,
        responses=ERRORS,
    )
    async def entities(request: Request) -> Response:
        service.check_room(declared_bytes(request.scope["headers"]))
        asked = parse_request(await read(request), service.settings, EntitiesRequest)
        async with cancelled_on_hangup(request.scope):
            return Response(await entities_answer(service, asked), media_type="application/json")

    @router.get("/v1/models", summary="The models, with their cards", tags=["models"], response_model=ModelsAnswer)
    async def models() -> Response:
        return _json(
            {
                "models": [
                    {
                        "name": model.name,
                        "default": model is service.registry.default,
                        "labels": model.recognizer.labels,
                        **{key: model.card[key] for key in CARD_KEYS},
                    }
                    for model in service.registry.models
                ]
            }
        )

    @router.get("/health/live", summary="The process runs", tags=["health"], response_model=HealthAnswer)
    async def live() -> Response:
        return _json({"status": "live"})

    @router.get(
        "/health/ready",
        summary="The service answers",
        tags=["health"],
        response_model=HealthAnswer,
        responses={503: ERRORS[503]},
    )
    async def ready() -> Response:
        service.check_ready()
        return _json({"status": "ready"})

    return router


def _json(content: dict[str, Any]) -> Response:
    return Response(to_json(content), media_type="application/json")
