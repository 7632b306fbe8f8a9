"""nerve's own contract: `POST /v1/entities`, `GET /v1/models`, `/health/live` and `/health/ready`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.answers import entities_answer
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.requests import EntitiesRequest, parse_request
from nerve.service.api.responses import EntitiesAnswer, HealthAnswer, ModelsAnswer
from nerve.service.api.route import Route, bytes_response, json_response
from nerve.service.state import Service

# The keys of a model's card that a client can use; the others are about its training.
CARD_KEYS = ("language", "licence", "description", "datasets", "scores")

EXAMPLES: dict[str, Any] = {
    "one text": {"text": EXAMPLE_TEXT},
    "several texts, only people and places, offsets for JavaScript": {
        "texts": [EXAMPLE_TEXT, "Nothing to see here."],
        "labels": ["PER", "LOC"],
        "min_score": 0.5,
        "offset_unit": "utf16",
    },
    "tokens, and tokens with their tags in the answer": {
        "tokens": ["Tim", "Cook", "lives", "in", "Cupertino", "."],
        "include": ["tokens"],
    },
    "addresses and numbers beside the names, and a score for some labels": {
        "text": f"{EXAMPLE_TEXT} His address is tim@example.org.",
        "patterns": ["EMAIL", "PHONE"],
        "min_score": {"PER": 0.7, "LOC": 0.4},
    },
    "labels under other names, and phrases that are always or never entities": {
        "text": EXAMPLE_TEXT,
        "labels": {"PER": "PERSON", "LOC": "PLACE", "ROLE": "ROLE"},
        "gazetteer": {"always": {"ROLE": ["chief executive"]}, "never": ["Paris"]},
    },
}


def _parse(service: Service, _: Request, body: bytes) -> EntitiesRequest:
    return parse_request(body, service.settings, EntitiesRequest)


async def find_entities(service: Service, _: Request, parsed: EntitiesRequest) -> Response:
    """Answer the entities of a text or of several."""
    return bytes_response(await entities_answer(service, parsed))


async def list_models(service: Service, _: Request) -> Response:
    """Answer the models with their cards."""
    default = service.registry.default
    models = [
        {
            "name": model.name,
            "default": model is default,
            "labels": model.recognizer.labels,
            **{key: model.card[key] for key in CARD_KEYS},
        }
        for model in service.registry.models
    ]
    return json_response({"models": models})


async def health_live(_: Service, _request: Request) -> Response:
    """Answer that the process runs."""
    return json_response({"status": "live"})


async def health_ready(service: Service, _: Request) -> Response:
    """Answer that the service is ready."""
    service.check_ready()
    return json_response({"status": "ready"})


ROUTES = (
    Route(
        "POST",
        "/v1/entities",
        endpoint=find_entities,
        summary="Find the entities in a text or in several",
        tag="entities",
        request=EntitiesRequest,
        parse=_parse,
        answer=EntitiesAnswer,
        examples=EXAMPLES,
        admission=True,
        statuses=(404,),
    ),
    Route(
        "GET",
        "/v1/models",
        endpoint=list_models,
        summary="List the models, with their cards",
        tag="models",
        answer=ModelsAnswer,
    ),
    Route(
        "GET",
        "/health/live",
        endpoint=health_live,
        summary="Check that the process runs",
        tag="health",
        answer=HealthAnswer,
        needs_key=False,
        quiet=True,
    ),
    Route(
        "GET",
        "/health/ready",
        endpoint=health_ready,
        summary="Check that the service answers",
        tag="health",
        answer=HealthAnswer,
        needs_key=False,
        quiet=True,
        statuses=(503,),
    ),
)
