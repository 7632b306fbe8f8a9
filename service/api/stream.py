"""`POST /v1/stream`: lines of JSON in, each a request as `POST /v1/entities` takes it, and a line out for each."""

import json
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.answers import entities_answer
from nerve.service.api.examples import EXAMPLE_ENTS, EXAMPLE_TEXT
from nerve.service.api.lines import LinesResponse
from nerve.service.api.requests import EntitiesRequest, parse_request
from nerve.service.api.route import Route
from nerve.service.state import Service

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


async def stream_entities(service: Service, _: Request) -> Response:
    """Answer each line with its entities."""

    async def answer(line: bytes) -> bytes:
        # A single request is refused when the queue is full; a stream can wait.
        await service.batcher.room()
        parsed = await service.annotator.compute(
            len(line), partial(parse_request, line, service.settings, EntitiesRequest)
        )
        return await entities_answer(service, parsed)

    service.check_open()
    return LinesResponse(answer, service.check_open, service.stopping, service.settings.max_body_bytes)


def _example(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


ROUTES = (
    Route(
        "POST",
        "/v1/stream",
        endpoint=stream_entities,
        summary="Find the entities in any number of texts, one a line",
        tag="entities",
        streams=True,
        request_content={
            LinesResponse.media_type: {
                "schema": {"type": "string", "description": "On each line a request of `POST /v1/entities`."},
                "examples": {"three lines, the second of them wrong": {"value": _example(_LINES)}},
            }
        },
        answer_content={LinesResponse.media_type: {"schema": {"type": "string", "examples": [_example(_ANSWERS)]}}},
        answer_description="For each line that is not empty, in their order, the answer of `POST /v1/entities`, or "
        "an error with the number of its line.",
    ),
)
