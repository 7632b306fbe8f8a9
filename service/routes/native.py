"""nerve's own contract: `POST /v1/entities`, `GET /v1/models`, `/health/live` and `/health/ready`."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from model.annotation import Entity
from service.errors import InvalidRequestError, UnavailableError
from service.hangup import cancelled_on_hangup
from service.offsets import OffsetUnit, in_unit
from service.registry import ServedModel
from service.schemas import (
    EXAMPLE_TEXT,
    EntitiesRequest,
    ErrorAnswer,
    HealthAnswer,
    ManyAnswer,
    ModelsAnswer,
    OneAnswer,
    parse_request,
)
from service.state import Service

# A probability is worth no more digits, and each of them is sent.
SCORE_DIGITS = 6

# Of a model's card, what a client can use; the rest is about training.
CARD_KEYS = ("language", "licence", "description", "datasets", "scores")

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in {
        400: "The body is not UTF-8.",
        401: "No API key, or an unknown one, where the service asks for one.",
        404: "No such model.",
        413: "The body, a text, or the number of texts or tokens is over its limit.",
        422: "Not a valid request, or a label that the model does not have.",
        500: "The service failed; its log has the request id.",
        503: "Overloaded or not ready; try again after `Retry-After` seconds.",
        504: "The deadline passed before the answer.",
    }.items()
}
# The route reads the body itself, in one pass from bytes to the request, so it documents it itself too.
REQUEST_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": EntitiesRequest.model_json_schema(),
            "examples": {
                "one text": {"value": {"text": EXAMPLE_TEXT}},
                "several texts, people and places only, offsets for JavaScript": {
                    "value": {
                        "texts": [EXAMPLE_TEXT, "Nothing to see here."],
                        "labels": ["PER", "LOC"],
                        "min_score": 0.5,
                        "offset_unit": "utf16",
                    }
                },
            },
        }
    },
}


def native_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/v1/entities",
        summary="Find the entities in a text or in several",
        tags=["entities"],
        openapi_extra={"requestBody": REQUEST_BODY},
        response_model=OneAnswer | ManyAnswer,
        responses=ERRORS,
    )
    async def entities(request: Request) -> Response:
        asked = parse_request(await request.body(), service.settings)
        model = service.registry.named(asked.model)
        wanted = _wanted_labels(asked, model)
        texts = asked.all_texts
        async with cancelled_on_hangup(request.receive):
            found = await service.annotator.entities(model.recognizer, texts)
        results = [
            {
                "text": text,
                "ents": _ents(
                    text,
                    [entity for entity in of_text if entity.label in wanted and entity.score >= asked.min_score],
                    asked.offset_unit,
                ),
            }
            for text, of_text in zip(texts, found, strict=True)
        ]
        answer = results[0] if asked.text is not None else {"results": results}
        return _json({**answer, "model": model.name})

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
        if not service.ready:
            raise UnavailableError("the service is shutting down" if service.draining else "the engine has stopped")
        return _json({"status": "ready"})

    return router


def _wanted_labels(asked: EntitiesRequest, model: ServedModel) -> frozenset[str]:
    known = frozenset(model.recognizer.labels)
    wanted = known if asked.labels is None else frozenset(asked.labels)
    if wanted - known:
        known_ones = ", ".join(model.recognizer.labels)
        raise InvalidRequestError(
            f"labels has a label that model {model.name} does not know; it knows {known_ones}", reason="unknown_label"
        )
    return wanted


def _ents(text: str, entities: list[Entity], unit: OffsetUnit) -> list[dict[str, Any]]:
    places = in_unit(text, (place for entity in entities for place in (entity.start, entity.end)), unit)
    return [
        {
            "start": places[entity.start],
            "end": places[entity.end],
            "label": entity.label,
            "text": entity.text,
            "score": round(entity.score, SCORE_DIGITS),
        }
        for entity in entities
    ]


def _json(content: dict[str, Any]) -> Response:
    return Response(to_json(content), media_type="application/json")
