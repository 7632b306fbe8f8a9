"""What `huggingface_hub`'s `InferenceClient.token_classification` speaks: `POST /` and `POST /models/{name}`.

The client posts to the very URL it is given, so that of the service has to answer as well as those of its models.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel
from pydantic_core import to_json

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.model.tokenizer import tokenize
from nerve.service.api.body import Items, Text, check_limits, declared_bytes, described, parse, read
from nerve.service.api.schemas import EXAMPLE_ENTITIES, EXAMPLE_TEXT
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import PlainErrorRoute, plain_errors
from nerve.service.http.disconnect import cancelled_on_hangup
from nerve.service.state import Service


class TokenClassificationParameters(BaseModel):
    """How to answer."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = Field(
        default=None,
        description="`none` answers each token of an entity with its tag, the others whole entities. They do not "
        "differ: this model tags words, never pieces of them.",
    )
    ignore_labels: Items[str] | None = Field(
        default=None,
        description="The labels to leave out, or with `none` the tags, such as `B-PER`. `O` is always among them: "
        "what is outside of entities has no score.",
    )
    stride: int | None = Field(default=None, ge=0, description="Without effect: a text is read whole, however long.")


class TokenClassificationRequest(BaseModel):
    """A text or several, and how to answer."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    inputs: Text | Items[Text] = Field(
        description="The text, or the texts; for a list, the answer is a list of lists."
    )
    parameters: TokenClassificationParameters | None = Field(
        None, description="`aggregation_strategy` (default `simple`), `ignore_labels`, `stride`."
    )
    options: dict[str, JsonValue] | None = Field(None, description="Of older clients; without effect.")


class EntityGroup(BaseModel):
    """An entity; offsets count code points."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class TokenEntity(BaseModel):
    """A token of an entity. `index` is its place among the tokens of the text, from 1; `score` is its entity's."""

    entity: str
    score: float
    index: int
    word: str
    start: int
    end: int


def _group(entity: Entity) -> dict[str, Any]:
    return {
        "entity_group": entity.label,
        "score": round(entity.score, SCORE_DIGITS),
        "word": entity.text,
        "start": entity.start,
        "end": entity.end,
    }


class TokenClassificationAnswer(RootModel[list[EntityGroup] | list[TokenEntity]]):
    """The entities of a text, or their tokens; for several texts a list of these."""

    model_config = ConfigDict(json_schema_extra={"examples": [[_group(entity) for entity in EXAMPLE_ENTITIES]]})


OPERATION: dict[str, Any] = {
    "tags": ["Hugging Face"],
    "response_model": TokenClassificationAnswer | list[TokenClassificationAnswer],
    "responses": plain_errors(400, 401, 404, 413, 422, 500, 503, 504),
    "openapi_extra": described(
        TokenClassificationRequest,
        {
            "entities": {"inputs": EXAMPLE_TEXT, "parameters": {}},
            "tokens, without those of dates": {
                "inputs": EXAMPLE_TEXT,
                "parameters": {"aggregation_strategy": "none", "ignore_labels": ["B-DATE", "I-DATE"]},
            },
        },
    ),
}


def huggingface_routes(service: Service) -> APIRouter:
    router = APIRouter(route_class=PlainErrorRoute)

    @router.post("/", summary="Hugging Face token classification, by the default model", **OPERATION)
    async def classify(request: Request) -> Response:
        return await _answer(service, service.registry.default, request)

    @router.post(
        "/models/{name}", summary="Hugging Face token classification, by a model of one's choice", **OPERATION
    )
    async def classify_by(name: str, request: Request) -> Response:
        return await _answer(service, service.registry.named(name), request)

    return router


async def _answer(service: Service, model: ServedModel, request: Request) -> Response:
    service.check_room(declared_bytes(request.scope["headers"]))
    asked = parse(await read(request), TokenClassificationRequest)
    texts = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
    check_limits(texts, service.settings)
    parameters = asked.parameters or TokenClassificationParameters()
    ignored = frozenset(parameters.ignore_labels or ())
    async with cancelled_on_hangup(request.scope):
        found = await service.annotator.entities(model.recognizer, texts)
        if parameters.aggregation_strategy == "none":
            answers = await service.annotator.computed(
                sum(map(len, texts)), lambda: [_tokens(*one, ignored) for one in zip(texts, found, strict=True)]
            )
        else:
            answers = [[_group(entity) for entity in entities if entity.label not in ignored] for entities in found]
    return Response(to_json(answers[0] if isinstance(asked.inputs, str) else answers), media_type="application/json")


def _tokens(text: str, entities: Sequence[Entity], ignored: frozenset[str]) -> list[dict[str, Any]]:
    """The tokens of these entities, with their tags."""
    tokens = tokenize(text)
    starts = [token.start for token in tokens]
    found = []
    for entity in entities:
        first, last = bisect_left(starts, entity.start), bisect_left(starts, entity.end)
        for position in range(first, last):
            tag = f"{'B' if position == first else 'I'}-{entity.label}"
            if tag not in ignored:
                found.append(
                    {
                        "entity": tag,
                        "score": round(entity.score, SCORE_DIGITS),
                        "index": position + 1,
                        "word": tokens[position].text,
                        "start": tokens[position].start,
                        "end": tokens[position].end,
                    }
                )
    return found
