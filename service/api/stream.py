"""`POST /v1/stream`: lines of JSON in, each a request as `POST /v1/entities` takes it, and a line out for each.

A line may have fields of the client's own, which come back in its answer. Of a line that is refused only the `id`
comes back: an error does not repeat what may be a text under another name.
"""

import json
from codecs import BOM_UTF8
from functools import partial
from typing import Any

from pydantic import ConfigDict, JsonValue
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.answers import entities_answer
from nerve.service.api.examples import EXAMPLE_ENTS, EXAMPLE_TEXT
from nerve.service.api.lines import LinesResponse
from nerve.service.api.requests import EntitiesRequest, parse_request
from nerve.service.api.responses import EntitiesAnswer
from nerve.service.api.route import Route
from nerve.service.api.structure import check_structure
from nerve.service.errors import TooLargeError
from nerve.service.state import Service

# The service's own names: a field of the client's with one of these does not come back.
RESERVED = EntitiesAnswer.model_fields.keys() | {"line", "error"}

_LINES: list[dict[str, Any]] = [
    {"id": 1, "text": EXAMPLE_TEXT},
    {"id": 2, "txt": EXAMPLE_TEXT},
    {"text": "Nothing to see here."},
]
_ANSWERS: list[dict[str, Any]] = [
    {"id": 1, "text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"},
    {
        "id": 2,
        "line": 2,
        "error": {
            "code": "invalid_request",
            "message": "the body is not a valid request",
            "details": [{"loc": [], "msg": "a request has exactly one of text, texts and tokens"}],
        },
    },
    {"text": "Nothing to see here.", "ents": [], "model": "en"},
]


class LineRequest(EntitiesRequest):
    """A request for entities with fields of the client's own."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, JsonValue]


async def stream_entities(service: Service, _: Request) -> Response:
    """Answer each line with its entities."""

    async def answer(line: bytes) -> bytes:
        # A single request is refused when the queue is full; a stream can wait.
        await service.batcher.room()
        parse = partial(parse_request, line, service.settings, LineRequest)
        parsed = await service.annotator.compute(len(line), parse)
        return _with_own_fields(parsed, await entities_answer(service, parsed))

    service.check_open()
    return LinesResponse(answer, id_of, service.check_open, service.stopping, service.settings.max_body_bytes)


def _with_own_fields(parsed: LineRequest, answer: bytes) -> bytes:
    """Return the JSON of an answer behind the fields of its line that are the client's own."""
    own = {name: value for name, value in (parsed.model_extra or {}).items() if name not in RESERVED}
    # JSON has no number that is infinite; one that is too large for a float has become that.
    return to_json(own, inf_nan_mode="null")[:-1] + b"," + answer[1:] if own else answer


def id_of(line: bytes) -> dict[str, Any]:
    """Return the field `id` of a line, if it is JSON that has one, and that is a string or a whole number."""
    try:
        check_structure(line)
        document = from_json(line.removeprefix(BOM_UTF8))
    except (ValueError, TooLargeError):
        return {}
    identity = document.get("id") if isinstance(document, dict) else None
    return {"id": identity} if isinstance(identity, str | int) else {}


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
