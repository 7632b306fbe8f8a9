"""The contract of `huggingface_hub`'s `InferenceClient.token_classification`: `POST /` and `POST /models/{name}`.

The client posts to the very URL it is configured with, so the URL of the service has to answer, and those of its
models.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.model.annotation import SCORE_DIGITS, Entity
from nerve.service.annotate.annotator import Task
from nerve.service.annotate.document import Annotation
from nerve.service.api.body import MOST_FIELDS, Items, Natural, Text, Unused, check_limits
from nerve.service.api.examples import EXAMPLE_ENTITIES, EXAMPLE_TEXT
from nerve.service.api.route import Route, bytes_response
from nerve.service.engine.registry import ServedModel
from nerve.service.state import Service


class TokenClassificationParameters(BaseModel):
    """The parameters of a request."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = Field(
        default=None,
        description="With `none` the answer is each token of an entity with its tag, with all others whole entities. "
        "The others do not differ, because the model tags whole words.",
    )
    ignore_labels: Items[str] | None = Field(
        default=None,
        max_length=MOST_FIELDS,
        description="The labels to leave out, or with `none` the tags, such as `B-PER`. `O` is always left out, "
        "because tokens outside of entities have no score.",
    )
    stride: Natural | None = Field(default=None, description="No effect: a text is always read as a whole.")


class TokenClassificationRequest(BaseModel):
    """A text or several, and parameters."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    inputs: Text | Items[Text] = Field(
        description="The text, or the texts; for a list, the answer is a list of lists."
    )
    parameters: TokenClassificationParameters | None = Field(
        None, description="`aggregation_strategy` (default `simple`), `ignore_labels`, `stride`."
    )
    options: Annotated[dict[str, Unused] | None, AfterValidator(lambda _: None)] = Field(
        None, description="No effect; older clients send it."
    )


class EntityGroup(BaseModel):
    """An entity; offsets count code points."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class TokenEntity(BaseModel):
    """A token of an entity. `index` counts the tokens of the text from 1; `score` is the score of the entity."""

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


Found = EntityGroup | TokenEntity


class TokenClassificationAnswer(RootModel[list[Found | list[Found]]]):
    """The entities of a text, or their tokens; for several texts a list of these."""

    model_config = ConfigDict(json_schema_extra={"examples": [[_group(entity) for entity in EXAMPLE_ENTITIES]]})


async def classify_tokens(service: Service, _: Request, parsed: TokenClassificationRequest) -> Response:
    """Answer with the entities that the default model finds."""
    return await _answer(service, service.registry.default, parsed)


async def classify_tokens_by_model(
    service: Service, request: Request, parsed: TokenClassificationRequest
) -> Response:
    """Answer with the entities that the model in the path finds."""
    return await _answer(service, service.registry.named(request.path_params["name"]), parsed)


async def _answer(service: Service, model: ServedModel, parsed: TokenClassificationRequest) -> Response:
    texts = [parsed.inputs] if isinstance(parsed.inputs, str) else parsed.inputs
    check_limits(texts, service.settings)
    with service.annotator.work(sum(map(len, texts))) as work:
        tasks = [Task(text, [model]) for text in texts]
        return bytes_response(await work.compute(partial(_rendered, await work.annotate(tasks), parsed)))


def _rendered(annotations: Sequence[Annotation], parsed: TokenClassificationRequest) -> bytes:
    parameters = parsed.parameters or TokenClassificationParameters()
    ignored = frozenset(parameters.ignore_labels or ())
    if parameters.aggregation_strategy == "none":
        answers = [_tokens(annotation, ignored) for annotation in annotations]
    else:
        answers = [
            [_group(entity) for entity in annotation.likely if entity.label not in ignored]
            for annotation in annotations
        ]
    return to_json(answers[0] if isinstance(parsed.inputs, str) else answers)


def _tokens(annotation: Annotation, ignored: frozenset[str]) -> list[dict[str, Any]]:
    """Return the tokens of the entities, with their tags."""
    tokens = annotation.document.tokens
    starts = [token.start for token in tokens]
    answers = []
    for entity in annotation.likely:
        first, last = bisect_left(starts, entity.start), bisect_left(starts, entity.end)
        for position in range(first, last):
            tag = f"{'B' if position == first else 'I'}-{entity.label}"
            if tag not in ignored:
                answers.append(
                    {
                        "entity": tag,
                        "score": round(entity.score, SCORE_DIGITS),
                        "index": position + 1,
                        "word": tokens[position].text,
                        "start": tokens[position].start,
                        "end": tokens[position].end,
                    }
                )
    return answers


_EXAMPLES = {
    "entities": {"inputs": EXAMPLE_TEXT, "parameters": {}},
    "tokens, without those of dates": {
        "inputs": EXAMPLE_TEXT,
        "parameters": {"aggregation_strategy": "none", "ignore_labels": ["B-DATE", "I-DATE"]},
    },
}

ROUTES = (
    Route(
        "POST",
        "/",
        endpoint=classify_tokens,
        summary="Hugging Face: classify tokens with the default model",
        tag="Hugging Face",
        request=TokenClassificationRequest,
        answer=TokenClassificationAnswer,
        examples=_EXAMPLES,
        plain_errors=True,
        admission=True,
    ),
    Route(
        "POST",
        "/models/{name}",
        by_model=True,
        endpoint=classify_tokens_by_model,
        summary="Hugging Face: classify tokens with a named model",
        tag="Hugging Face",
        request=TokenClassificationRequest,
        answer=TokenClassificationAnswer,
        examples=_EXAMPLES,
        plain_errors=True,
        admission=True,
    ),
)
