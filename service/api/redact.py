"""`POST /v1/redact`: the texts of a request with their entities replaced, masked, hashed or removed."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nerve.model.annotation import SCORE_DIGITS
from nerve.service.annotate.document import Annotation
from nerve.service.annotate.offsets import in_unit
from nerve.service.annotate.redaction import Hash, Keep, Mask, Operator, Pseudonym, Redact, Replace, redacted
from nerve.service.api.answers import answer, wanted_labels
from nerve.service.api.body import Text, declared_bytes, described, read
from nerve.service.api.schemas import ERRORS, EXAMPLE_TEXT, AnnotationRequest, parse_request
from nerve.service.errors import InvalidRequestError
from nerve.service.http.disconnect import cancelled_on_hangup
from nerve.service.state import Service

OPERATORS: dict[str, type[Operator]] = {
    operator.name: operator for operator in (Replace, Redact, Mask, Hash, Keep, Pseudonym)
}
# Which of its fields each of them takes besides its type.
OPTIONS = {
    "replace": ("value",),
    "redact": (),
    "mask": ("character", "count", "from_end"),
    "hash": ("algorithm", "salt"),
    "keep": (),
    "pseudonym": (),
}

EXAMPLES: dict[str, Any] = {
    "labels in the names' places": {"text": EXAMPLE_TEXT},
    "pseudonyms for people, places masked, the rest as it was": {
        "text": EXAMPLE_TEXT,
        "operators": {"PER": {"type": "pseudonym"}, "LOC": {"type": "mask", "character": "#"}},
        "default": {"type": "keep"},
    },
}


class OperatorRequest(BaseModel):
    """What stands in an entity's place."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    type: Literal["replace", "redact", "mask", "hash", "keep", "pseudonym"] = Field(
        description="`replace`: other words. `redact`: nothing. `mask`: its characters, hidden. `hash`: a digest. "
        "`keep`: the entity itself. `pseudonym`: its label and a number, the same for the same name of a text."
    )
    value: Text | None = Field(
        None, max_length=1_000, description="To replace with; without it, the label in angle brackets."
    )
    character: Text | None = Field(None, description="To mask with; without it, `*`.")
    count: int | None = Field(None, ge=0, description="How many characters to mask; without it, all.")
    from_end: bool | None = Field(None, description="Whether to mask the last ones; without it, the first.")
    algorithm: Literal["sha256", "sha512"] | None = Field(None, description="To hash with; without it, SHA-256.")
    salt: Text | None = Field(
        None, description="Hashed after the entity; without it, each entity gets a salt of its own, drawn at random."
    )

    @model_validator(mode="after")
    def _buildable(self) -> "OperatorRequest":
        self.build()
        return self

    def build(self) -> Operator:
        """The operator, new. Raises ValueError for a field that it does not have, or does not take."""
        options = {field: value for field, value in self if value is not None and field != "type"}
        own = OPTIONS[self.type]
        if options.keys() - set(own):
            raise ValueError(f"{self.type} takes " + (f"only {', '.join(own)}" if own else "no options"))
        if self.salt is not None:
            options["salt"] = self.salt.encode()
        return OPERATORS[self.type](**options)


class RedactRequest(AnnotationRequest):
    """One text or several, and what is to stand in the places of their entities."""

    operators: dict[str, OperatorRequest] = Field(
        {}, description="By label, as it is in the answer, what stands in an entity's place."
    )
    default: OperatorRequest | None = Field(
        None, description="What stands in the place of an entity of any other label; without it, `replace`."
    )


class ReplacementAnswer(BaseModel):
    """What now stands in an entity's place: `start`, `end` and `text` are of the new text."""

    start: int
    end: int
    label: str
    text: str
    score: float
    operator: str


class RedactedAnswer(BaseModel):
    """The answer to `text`."""

    text: str = Field(description="The text with what stands in the places of its entities.")
    ents: list[ReplacementAnswer] = Field(description="What was put where, in the order of the text.")
    model: str = Field(description="The model that read the text.")


class RedactedAnswers(BaseModel):
    """The answer to `texts`: for each, in their order, the answer that it would get alone."""

    results: list[RedactedAnswer]
    model: str = Field(description="The model that was asked, or `auto`.")


def redact_routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/v1/redact",
        summary="A text or several with their entities replaced",
        tags=["entities"],
        openapi_extra=described(RedactRequest, EXAMPLES),
        response_model=RedactedAnswer | RedactedAnswers,
        responses=ERRORS,
    )
    async def redact(request: Request) -> Response:
        service.check_room(declared_bytes(request.scope["headers"]))
        asked = parse_request(await read(request), service.settings, RedactRequest)
        labels = wanted_labels(service, asked)
        if asked.operators.keys() - set(labels.values()):
            message = "operators has a label that is not among those that are answered"
            raise InvalidRequestError(message, reason="unknown_label")
        # An answer may be as long as a request.
        most = service.settings.max_body_bytes
        async with cancelled_on_hangup(request.scope):
            body = await answer(service, asked, labels, lambda found: _result(found, asked, most))
        return Response(body, media_type="application/json")

    return router


def _result(found: Annotation, asked: RedactRequest, max_characters: int) -> dict[str, Any]:
    """The answer to one text, without the model's name. Raises TooLargeError."""
    operators = {label: operator.build() for label, operator in asked.operators.items()}
    default = asked.default.build() if asked.default else Replace()
    text, replacements = redacted(found.document.text, found.entities, operators, default, max_characters)
    places = in_unit(text, (place for one in replacements for place in (one.start, one.end)), asked.offset_unit)
    return {
        "text": text,
        "ents": [
            {
                "start": places[start],
                "end": places[end],
                "label": entity.label,
                "text": replacement,
                "score": round(entity.score, SCORE_DIGITS),
                "operator": operator,
            }
            for start, end, replacement, operator, entity in replacements
        ],
    }
