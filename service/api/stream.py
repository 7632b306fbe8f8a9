"""`POST /v1/stream`: lines of JSON in, each a request as `POST /v1/entities` takes it, and for each a line out."""

import json
from typing import Any

from fastapi import APIRouter, Response

from nerve.service.api.answers import entities_answer
from nerve.service.api.lines import LinesAnswer
from nerve.service.api.schemas import ERRORS, EXAMPLE_ENTS, EXAMPLE_TEXT, EntitiesRequest, parse_request
from nerve.service.state import Service

STREAM = "/v1/stream"

_LINES = [{"text": EXAMPLE_TEXT}, {"txt": EXAMPLE_TEXT}, {"text": "Nothing to see here."}]
_ANSWERS: list[dict[str, Any]] = [
    {"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"},
    {
        "line": 2,
        "error": {
            "code": "invalid_request",
            "message": "the body is not a valid request",
            "details": [
                {"loc": [], "msg": f"unknown field; the fields are {', '.join(EntitiesRequest.model_fields)}"}
            ],
        },
    },
    {"text": "Nothing to see here.", "ents": [], "model": "en"},
]


def _example(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


REQUEST_BODY = {
    "required": True,
    "content": {
        LinesAnswer.media_type: {
            "schema": {"type": "string", "description": "On each line a request of `POST /v1/entities`."},
            "examples": {"three lines, the second of them wrong": {"value": _example(_LINES)}},
        }
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "For each line that is not empty, in their order, the answer of `POST /v1/entities`, or an "
        "error with the number of its line.",
        "content": {LinesAnswer.media_type: {"schema": {"type": "string", "examples": [_example(_ANSWERS)]}}},
    },
    **{status: ERRORS[status] for status in (400, 401, 415, 503)},
}


def stream_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post(
        STREAM,
        summary="Find the entities in any number of texts, a line each",
        tags=["entities"],
        openapi_extra={"requestBody": REQUEST_BODY},
        status_code=200,
        response_class=LinesAnswer,
        responses=RESPONSES,
    )
    async def stream() -> Response:
        async def answer(line: bytes) -> bytes:
            # A request of its own is refused when the queue is full; a stream can wait.
            await service.batcher.room()
            return await entities_answer(service, parse_request(line, service.settings, EntitiesRequest))

        service.check_open()
        return LinesAnswer(answer, service.check_open, service.stopping, service.settings.max_body_bytes)

    return router
