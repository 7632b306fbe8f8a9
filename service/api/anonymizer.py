"""The contract of Presidio's anonymizer: `POST /anonymize` and `GET /anonymizers`.

It replaces the entities that an analyzer has found, this service's (`presidio.py`) or another. No model is involved.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.service.annotate.redaction import (
    OPERATORS,
    Growth,
    Hash,
    Keep,
    Mask,
    Operator,
    Redact,
    Redaction,
    Replace,
    redacted,
)
from nerve.service.api.body import WHOLE, Fields, Items, Natural, Text, check_limits, parse
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.presidio import EXAMPLE_RESULTS
from nerve.service.api.route import Route, bytes_response, json_response
from nerve.service.api.schema import NULL_IS_DEFAULT, one_case
from nerve.service.api.structure import MOST_CONTAINERS, MOST_KNOWN_NAMES
from nerve.service.errors import InvalidRequestError
from nerve.service.state import Service

# The key of the operator for all entity types that have no operator.
DEFAULT = "DEFAULT"
SPACES = re.compile("^ +$")


class AnalyzerResult(BaseModel):
    """An entity that an analyzer has found, this service's or another."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    entity_type: Annotated[Text, Field(min_length=1)]
    start: Natural
    end: Natural
    score: float = Field(allow_inf_nan=False)


class AnonymizerRequest(BaseModel):
    """An operator, which makes the replacement of an entity."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        json_schema_extra=one_case(
            [
                (
                    {"properties": {"type": {"const": "mask"}}},
                    {"properties": {"masking_char": {"minLength": 1, "maxLength": 1}}},
                )
            ]
        ),
    )

    type: Literal["replace", "redact", "mask", "hash", "keep"]
    new_value: Text | None = None
    masking_char: Annotated[Text, NULL_IS_DEFAULT] = "*"
    chars_to_mask: Annotated[int, WHOLE] | None = None
    from_end: Annotated[bool, NULL_IS_DEFAULT] = False
    hash_type: Annotated[Literal["sha256", "sha512"], NULL_IS_DEFAULT] = "sha256"
    salt: Text | None = None

    @model_validator(mode="after")
    def _is_an_operator(self) -> "AnonymizerRequest":
        self.operator()
        return self

    def operator(self) -> Operator:
        """Return a new operator, or raise ValueError for a mask or a salt of a wrong length."""
        match self.type:
            case "replace":
                return Replace(self.new_value or None)
            case "redact":
                return Redact()
            case "mask":
                return Mask(self.masking_char, self.chars_to_mask, self.from_end)
            case "hash":
                return Hash(self.hash_type, None if self.salt is None else self.salt.encode())
            case "keep":
                return Keep()


class AnonymizeRequest(BaseModel):
    """A text with its entities, or several, and how to replace them."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        json_schema_extra=one_case(
            (
                {"properties": {"text": {"type": text}}},
                {"properties": {"analyzer_results": {"items": {"type": results}}}},
            )
            for text, results in (("string", "object"), ("array", "array"))
        ),
    )

    text: Text | Items[Text] = Field(description="The text, or the texts; for a list, the answer is a list.")
    analyzer_results: Items[AnalyzerResult | Items[AnalyzerResult]] = Field(
        max_length=MOST_CONTAINERS,
        description="The answer of `/analyze`: the entities of the text, or a list of such lists, one for each text.",
    )
    anonymizers: Fields[Text, AnonymizerRequest] | None = Field(
        None,
        description="The operators by entity type; `DEFAULT` is for all other types. The `type` of an operator is "
        "`replace` (by `new_value`, or by the entity type in angle brackets), `redact`, `mask` (`masking_char`, "
        "`chars_to_mask`, `from_end`), `hash` (`hash_type` sha256 or sha512, `salt` of 16 bytes or more) or `keep`. "
        "By default `masking_char` is `*`, all characters are masked, and `hash_type` is sha256. "
        "Without any, entities are replaced by their types in angle brackets.",
    )

    @model_validator(mode="after")
    def _results_for_each_text(self) -> "AnonymizeRequest":
        expected = AnalyzerResult if isinstance(self.text, str) else list
        if not all(isinstance(result, expected) for result in self.analyzer_results):
            raise ValueError("analyzer_results is a list of results for one text, a list of such lists for several")
        if len(self.results) != len(self.texts):
            raise ValueError(f"there are {len(self.texts):,} texts and results for {len(self.results):,}")
        return self

    @property
    def texts(self) -> list[str]:
        """The texts."""
        return [self.text] if isinstance(self.text, str) else self.text

    @property
    def results(self) -> list[list[AnalyzerResult]]:
        """The entities of each text."""
        results: Any = self.analyzer_results
        return [results] if isinstance(self.text, str) else results


class AnonymizedItem(BaseModel):
    """The replacement of an entity, and its place in the new text."""

    start: int
    end: int
    entity_type: str
    text: str
    operator: str
    score: float


class AnonymizeAnswer(BaseModel):
    """The new text and its replacements, the last one first; for several texts the answer is a list of these."""

    text: str
    items: list[AnonymizedItem]


class FoundEntity(NamedTuple):
    """An analyzer's result, in the form that `redacted` takes."""

    start: int
    end: int
    label: str
    score: float


def _parse(service: Service, _: Request, body: bytes) -> bytes:
    """Return the JSON that answers the JSON of a request: to parse it is most of the work."""
    parsed = parse(body, AnonymizeRequest, MOST_KNOWN_NAMES)
    check_limits(parsed.texts, service.settings)
    answers = _anonymized(parsed)
    return to_json(answers[0] if isinstance(parsed.text, str) else answers)


async def anonymize(_: Service, _request: Request, answer: bytes) -> Response:
    """Answer a text or several with their entities replaced."""
    return bytes_response(answer)


async def anonymizers(_: Service, _request: Request) -> Response:
    """Answer the names of the operators."""
    return json_response([operator.name for operator in OPERATORS])


def _anonymized(parsed: AnonymizeRequest) -> list[dict[str, Any]]:
    """Return the answer to each text.

    Raises:
        InvalidRequestError: A result lies outside of its text.
        TooLargeError: The new texts are too long.
    """
    growth = Growth(parsed.texts)
    operators = {name: anonymizer.operator() for name, anonymizer in (parsed.anonymizers or {}).items()}
    default = operators.get(DEFAULT, Replace())
    answers = []
    for text, results in zip(parsed.texts, parsed.results, strict=True):
        entities = _without_conflicts(text, [_found(text, result) for result in results])
        redaction = redacted(text, entities, operators, default, growth)
        answers.append(_anonymize_answer(redaction))
    return answers


def _anonymize_answer(redaction: Redaction[FoundEntity]) -> dict[str, Any]:
    items = [
        {
            "start": replacement.start,
            "end": replacement.end,
            "entity_type": replacement.entity.label,
            "text": replacement.text,
            "operator": replacement.operator,
            "score": replacement.entity.score,
        }
        for replacement in reversed(redaction.replacements)
    ]
    return {"text": redaction.text, "items": items}


def _found(text: str, result: AnalyzerResult) -> FoundEntity:
    if not result.start <= result.end <= len(text):
        raise InvalidRequestError(
            f"a result goes from {result.start:,} to {result.end:,}; its text has {len(text):,} characters"
        )
    return FoundEntity(result.start, result.end, result.entity_type, result.score)


def _without_conflicts(text: str, entities: Iterable[FoundEntity]) -> list[FoundEntity]:
    """Return the entities after Presidio's rules for conflicts; entities of different types may still overlap."""
    return _joined(text, _outermost(_merged(sorted(entities, key=lambda entity: (entity.start, entity.end)))))


def _merged(entities: Iterable[FoundEntity]) -> list[FoundEntity]:
    """Merge entities of one type that share characters; the result has the position of the last of them."""
    merged: dict[int, FoundEntity] = {}
    latest: dict[str, int] = {}  # by type, the position of the entity that begins last
    for position, entity in enumerate(entities):
        label = entity.label
        before = merged.get(latest.get(label, -1))
        if before is not None and min(before.end, entity.end) > entity.start:
            del merged[latest[label]]
            score = max(before.score, entity.score)
            merged[position] = FoundEntity(before.start, max(before.end, entity.end), label, score)
        else:
            merged[position] = entity
        latest[label] = position
    return list(merged.values())


def _outermost(entities: Sequence[FoundEntity]) -> list[FoundEntity]:
    """Leave out entities inside others; of two in the same place, keep the one with the higher score, or the last."""

    def key(position: int) -> tuple[int, int, float, int]:
        entity = entities[position]
        return entity.start, -entity.end, -entity.score, -position

    kept, reached = set(), -1
    for position in sorted(range(len(entities)), key=key):
        if entities[position].end > reached:
            kept.add(position)
            reached = entities[position].end
    return [entities[position] for position in sorted(kept)]


def _joined(text: str, entities: Iterable[FoundEntity]) -> list[FoundEntity]:
    """Join neighbours of one type with only spaces between them; the result has the score of the last."""
    joined: list[FoundEntity] = []
    for entity in entities:
        if joined and joined[-1].label == entity.label and SPACES.match(text[joined[-1].end : entity.start]):
            joined.append(entity._replace(start=joined.pop().start))
        else:
            joined.append(entity)
    return joined


ROUTES = (
    Route(
        "POST",
        "/anonymize",
        endpoint=anonymize,
        summary="Presidio's anonymizer: replace entities",
        tag="Presidio",
        request=AnonymizeRequest,
        parse=_parse,
        answer=AnonymizeAnswer | list[AnonymizeAnswer],
        examples={
            "people masked, all others replaced by their types": {
                "text": EXAMPLE_TEXT,
                "analyzer_results": EXAMPLE_RESULTS,
                "anonymizers": {
                    "PERSON": {"type": "mask", "masking_char": "*", "chars_to_mask": 100, "from_end": False}
                },
            }
        },
        plain_errors=True,
    ),
    Route(
        "GET",
        "/anonymizers",
        endpoint=anonymizers,
        summary="Presidio's anonymizer: list the operators",
        tag="Presidio",
        answer=list[str],
        plain_errors=True,
    ),
)
