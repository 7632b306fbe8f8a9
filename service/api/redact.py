"""`POST /v1/redact`: the texts of a request with their entities replaced, masked, hashed or removed."""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from nerve.model.annotation import SCORE_DIGITS
from nerve.patterns import NAMES
from nerve.service.annotate.document import Annotation
from nerve.service.annotate.offsets import in_unit
from nerve.service.annotate.redaction import Growth, Hash, Keep, Mask, Operator, Pseudonym, Redact, Replace, redacted
from nerve.service.api.answers import answer, plan
from nerve.service.api.body import Fields, Natural, Text
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.fields import MinScoreField, PatternsField
from nerve.service.api.requests import AnnotationRequest, parse_request
from nerve.service.api.route import Route, bytes_response
from nerve.service.api.schema import NULL, NULL_IS_DEFAULT, one_case
from nerve.service.engine.registry import ServedModel
from nerve.service.errors import InvalidRequestError
from nerve.service.settings import Settings
from nerve.service.state import Service

OPERATORS: dict[str, type[Operator]] = {
    operator.name: operator for operator in (Replace, Redact, Mask, Hash, Keep, Pseudonym)
}
# The fields that each operator has besides its type.
OPTIONS = {
    "replace": ("value",),
    "redact": (),
    "mask": ("character", "count", "from_end"),
    "hash": ("algorithm", "salt"),
    "keep": (),
    "pseudonym": (),
}

EXAMPLES: dict[str, Any] = {
    "every entity replaced by its label": {"text": EXAMPLE_TEXT},
    "people replaced by pseudonyms, places masked, all else left as it is": {
        "text": EXAMPLE_TEXT,
        "operators": {"PER": {"type": "pseudonym"}, "LOC": {"type": "mask", "character": "#"}},
        "default": {"type": "keep"},
    },
}


def _cases() -> dict[str, Any]:
    """Return the schema that says for each type of operator that the options of the other types are not given."""
    options = dict.fromkeys(option for own in OPTIONS.values() for option in own)
    return one_case(
        (
            {"properties": {"type": {"const": name}}},
            {"properties": {option: NULL for option in options if option not in own}},
        )
        for name, own in OPTIONS.items()
    )


class OperatorRequest(BaseModel):
    """An operator, which makes the replacement of an entity."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, json_schema_extra=_cases())

    type: Literal["replace", "redact", "mask", "hash", "keep", "pseudonym"] = Field(
        description="`replace` puts `value` in its place, `redact` removes it, `mask` hides its characters, `hash` "
        "puts a digest in its place, `keep` leaves it as it is, `pseudonym` puts its label and a number there, "
        "the same number for the same name in a text."
    )
    value: Text | None = Field(
        None,
        max_length=1_000,
        description="For `replace`: the replacement. The default is the label in angle brackets.",
    )
    character: Text | None = Field(
        None,
        description="For `mask`: the character to show. The default is `*`.",
        json_schema_extra={"minLength": 1, "maxLength": 1},
    )
    count: Natural | None = Field(None, description="For `mask`: how many characters to mask. The default is all.")
    from_end: bool | None = Field(
        None, description="For `mask`: whether to mask the last characters instead of the first."
    )
    algorithm: Literal["sha256", "sha512"] | None = Field(
        None, description="For `hash`: the algorithm. The default is `sha256`."
    )
    salt: Text | None = Field(
        None,
        description="For `hash`: a salt of 16 bytes or more, hashed after the entity. By default each entity gets a "
        "random one.",
    )

    @model_validator(mode="after")
    def _buildable(self) -> "OperatorRequest":
        self.build()
        return self

    def build(self) -> Operator:
        """Return a new operator, or raise ValueError for a field that it does not take, or a value out of range."""
        options = {field: value for field, value in self if value is not None and field != "type"}
        own = OPTIONS[self.type]
        if options.keys() - set(own):
            raise ValueError(f"{self.type} takes " + (f"only {', '.join(own)}" if own else "no options"))
        if self.salt is not None:
            options["salt"] = self.salt.encode()
        return OPERATORS[self.type](**options)


class RedactRequest(AnnotationRequest):
    """One text or several, and how to replace their entities."""

    default_min_score = 0.0

    min_score: Annotated[MinScoreField, NULL_IS_DEFAULT] = Field(
        default_min_score,
        description="Leave out entities with a lower score: a number for all labels, or an object with a number for "
        "some labels. The default is all, because a name that is left in harms more than a word that is taken out.",
    )
    patterns: PatternsField | None = Field(
        None,
        description="Addresses and numbers to replace beside the names: `true` for all, which is the default, "
        "`false` for none, or a list of their labels.",
    )
    operators: Annotated[Fields[str, OperatorRequest], NULL_IS_DEFAULT] = Field(
        {}, description="The operators by label; labels are those of the answer."
    )
    default: OperatorRequest | None = Field(
        None, description="The operator for all other labels. The default is `replace`."
    )

    def chosen_patterns(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002
        """Return the patterns to find: those that the request names, or else all, whatever the service has."""
        return NAMES if self.patterns is None else self.patterns


class ReplacementAnswer(BaseModel):
    """The replacement of an entity; `start`, `end` and `text` are those of the new text."""

    start: int
    end: int
    label: str
    text: str
    score: float
    operator: str


class RedactedAnswer(BaseModel):
    """The answer to one text."""

    text: str = Field(description="The text with its entities replaced.")
    ents: list[ReplacementAnswer] = Field(description="The replacements, in the order of the text.")
    model: str = Field(description="The model that read the text; with `auto`, the one that read most of it.")


class RedactAnswer(BaseModel):
    """The answer to `text`, as an item of `results`, or to `texts`: `results`."""

    model_config = ConfigDict(
        json_schema_extra={"if": {"required": ["results"]}, "else": {"required": ["text", "ents"]}}
    )

    text: str | SkipJsonSchema[None] = Field(None, description="The text with its entities replaced.")
    ents: list[ReplacementAnswer] | SkipJsonSchema[None] = Field(
        None, description="The replacements, in the order of the text."
    )
    results: list[RedactedAnswer] | SkipJsonSchema[None] = Field(
        None, description="For each of several texts, in their order, the answer that it would get alone."
    )
    model: str = Field(
        description="The model that read the text, with `auto` most of it; of several texts, the one that the "
        "request named."
    )


def _parse(service: Service, _: Request, body: bytes) -> RedactRequest:
    return parse_request(body, service.settings, RedactRequest)


async def redact(service: Service, _: Request, parsed: RedactRequest) -> Response:
    """Answer a text or several with their entities replaced."""
    how = plan(service, parsed)
    if parsed.operators.keys() - set(how.labels.values()):
        message = "operators has a label that is not among the labels of the answer"
        raise InvalidRequestError(message, reason="unknown_label")
    texts = [parsed.text] if parsed.text is not None else parsed.texts or []
    growth = await service.annotator.compute(parsed.size, partial(Growth, texts))
    render = partial(_result, request=parsed, growth=growth)
    return bytes_response(await answer(service, parsed, how, render))


ROUTES = (
    Route(
        "POST",
        "/v1/redact",
        endpoint=redact,
        summary="Replace the entities in a text or in several",
        tag="entities",
        request=RedactRequest,
        parse=_parse,
        answer=RedactAnswer,
        examples=EXAMPLES,
        admission=True,
        statuses=(404,),
    ),
)


def _result(annotation: Annotation, _: ServedModel, request: RedactRequest, growth: Growth) -> dict[str, Any]:
    """Return the answer to one text, without the name of the model."""
    operators = {label: operator.build() for label, operator in request.operators.items()}
    default = request.default.build() if request.default else Replace()
    text, replacements = redacted(annotation.document.text, annotation.entities, operators, default, growth)
    places = in_unit(text, (place for part in replacements for place in (part.start, part.end)), request.offset_unit)
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
