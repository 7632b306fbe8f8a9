"""What clients of Presidio's anonymizer speak: `POST /anonymize` replaces what an analyzer has found, this service's
(`presidio.py`) or another, and `GET /anonymizers` lists by what. No model is asked.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import to_json

from nerve.service.annotate.redaction import (
    OPERATORS,
    Hash,
    Keep,
    Mask,
    Operator,
    Redact,
    Redaction,
    Replace,
    redacted,
)
from nerve.service.api.body import Items, Text, check_limits, described, parse, read
from nerve.service.api.presidio import EXAMPLE_RESULTS
from nerve.service.api.schemas import EXAMPLE_TEXT
from nerve.service.errors import InvalidRequestError, PlainErrorRoute, TooLargeError, plain_errors
from nerve.service.settings import Settings
from nerve.service.state import Service

# The operator of an entity type that has none of its own.
DEFAULT = "DEFAULT"
SPACES = re.compile("^ +$")


class AnalyzerResult(BaseModel):
    """An entity as an analyzer found it, this one or another."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    entity_type: Annotated[Text, Field(min_length=1)]
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    score: float = Field(allow_inf_nan=False)


class AnonymizerRequest(BaseModel):
    """What to put in an entity's place."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    type: Literal["replace", "redact", "mask", "hash", "keep"]
    new_value: Text | None = None
    masking_char: Text = "*"
    chars_to_mask: int | None = None
    from_end: bool = False
    hash_type: Literal["sha256", "sha512"] = "sha256"
    salt: Text | None = None

    @model_validator(mode="after")
    def _makes_an_operator(self) -> "AnonymizerRequest":
        self.operator()
        return self

    def operator(self) -> Operator:
        """Raises ValueError for a mask or salt that is none."""
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
    """A text with what was found in it, or several, and what to put in the places of the entities."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    text: Text | Items[Text] = Field(description="The text, or the texts; for a list, the answer is a list.")
    analyzer_results: Items[AnalyzerResult | Items[AnalyzerResult]] = Field(
        description="What `/analyze` answered: the entities of the text, or a list of such lists, one for each text."
    )
    anonymizers: dict[Text, AnonymizerRequest] | None = Field(
        None,
        description="By entity type, or `DEFAULT` for the others, a `type`: `replace` (by `new_value`, or the entity "
        "type in angle brackets; so it is where nothing is said), `redact`, `mask` (`masking_char`, `chars_to_mask`, "
        "`from_end`), `hash` (`hash_type` sha256 or sha512, `salt` of 16 bytes or more) or `keep`.",
    )

    @model_validator(mode="after")
    def _results_for_each_text(self) -> "AnonymizeRequest":
        expected = AnalyzerResult if isinstance(self.text, str) else list
        if not all(isinstance(result, expected) for result in self.analyzer_results):
            raise ValueError("analyzer_results is a list of results for a text, a list of such lists for several")
        if len(self.results) != len(self.texts):
            raise ValueError(f"there are {len(self.texts):,} texts and results for {len(self.results):,}")
        return self

    @property
    def texts(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else self.text

    @property
    def results(self) -> list[list[AnalyzerResult]]:
        """Those of each text."""
        results: Any = self.analyzer_results
        return [results] if isinstance(self.text, str) else results


class AnonymizedItem(BaseModel):
    """What stands in an entity's place, and where in the new text."""

    start: int
    end: int
    entity_type: str
    text: str
    operator: str
    score: float


class AnonymizeAnswer(BaseModel):
    """The new text, and the last place first; for several texts a list of these."""

    text: str
    items: list[AnonymizedItem]


class Found(NamedTuple):
    """An analyzer's result, as `redacted` takes it."""

    start: int
    end: int
    label: str
    score: float


def anonymizer_routes(service: Service) -> APIRouter:
    router = APIRouter(route_class=PlainErrorRoute, tags=["Presidio"])

    @router.post(
        "/anonymize",
        summary="Presidio's anonymizer: replace what was found",
        response_model=AnonymizeAnswer | list[AnonymizeAnswer],
        responses=plain_errors(400, 401, 413, 422, 500, 504),
        openapi_extra=described(
            AnonymizeRequest,
            {
                "people masked, the others by their type": {
                    "text": EXAMPLE_TEXT,
                    "analyzer_results": EXAMPLE_RESULTS,
                    "anonymizers": {
                        "PERSON": {"type": "mask", "masking_char": "*", "chars_to_mask": 100, "from_end": False}
                    },
                }
            },
        ),
    )
    async def anonymize(request: Request) -> Response:
        body = await read(request)
        answer = await service.annotator.computed(len(body), lambda: _answer(body, service.settings))
        return Response(answer, media_type="application/json")

    @router.get("/anonymizers", summary="The operators that Presidio's anonymizer has here", response_model=list[str])
    async def anonymizers() -> Response:
        return Response(to_json([operator.name for operator in OPERATORS]), media_type="application/json")

    return router


def _answer(body: bytes, settings: Settings) -> bytes:
    """From body to body: all of it is work on what may be megabytes of results."""
    asked = parse(body, AnonymizeRequest)
    check_limits(asked.texts, settings)
    # The texts of an answer are no longer than those of a request could be.
    answers = _anonymized(asked, settings.max_body_bytes)
    return to_json(answers[0] if isinstance(asked.text, str) else answers)


def _anonymized(asked: AnonymizeRequest, max_characters: int) -> list[dict[str, Any]]:
    """The answer for each text. Raises InvalidRequestError for a result that is not of its text, TooLargeError for
    more than `max_characters` in the new texts together."""
    operators = {name: anonymizer.operator() for name, anonymizer in (asked.anonymizers or {}).items()}
    default = operators.get(DEFAULT, Replace())
    answers = []
    characters = 0
    for text, results in zip(asked.texts, asked.results, strict=True):
        found = _without_conflicts(text, [_found(text, result) for result in results])
        redaction = redacted(text, found, operators, default, max_characters)
        characters += len(redaction.text)
        if characters > max_characters:
            raise TooLargeError(f"the redacted texts have more than {max_characters:,} characters")
        answers.append(_anonymize_answer(redaction))
    return answers


def _anonymize_answer(redaction: Redaction[Found]) -> dict[str, Any]:
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


def _found(text: str, result: AnalyzerResult) -> Found:
    if not result.start <= result.end <= len(text):
        raise InvalidRequestError(
            f"a result reaches from {result.start:,} to {result.end:,}; its text has {len(text):,} characters"
        )
    return Found(result.start, result.end, result.entity_type, result.score)


def _without_conflicts(text: str, found: Iterable[Found]) -> list[Found]:
    """The entities as Presidio's anonymizer settles them before it replaces any. Some of different types may still
    overlap."""
    return _joined(text, _outermost(_merged(sorted(found, key=lambda one: (one.start, one.end)))))


def _merged(found: Iterable[Found]) -> list[Found]:
    """Entities of one type that share characters become one, in the place of the last of them."""
    merged: dict[int, Found] = {}
    latest: dict[str, int] = {}  # by type, the place of what begins last
    for place, one in enumerate(found):
        before = merged.get(latest.get(one.label, -1))
        if before is not None and min(before.end, one.end) > one.start:
            del merged[latest[one.label]]
            one = Found(before.start, max(before.end, one.end), one.label, max(before.score, one.score))
        merged[place] = one
        latest[one.label] = place
    return list(merged.values())


def _outermost(found: Sequence[Found]) -> list[Found]:
    """Without those that lie in another. Of two in the same place the surer one stays, or else the last."""
    order = sorted(range(len(found)), key=lambda n: (found[n].start, -found[n].end, -found[n].score, -n))
    kept, reached = set(), -1
    for n in order:
        if found[n].end > reached:
            kept.add(n)
            reached = found[n].end
    return [found[n] for n in sorted(kept)]


def _joined(text: str, found: Iterable[Found]) -> list[Found]:
    """Neighbours of one type with nothing but spaces between them become one, as sure as the last."""
    joined: list[Found] = []
    for one in found:
        if joined and joined[-1].label == one.label and SPACES.match(text[joined[-1].end : one.start]):
            one = one._replace(start=joined.pop().start)
        joined.append(one)
    return joined
