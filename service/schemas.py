"""The requests and answers of the native contract.

The request models are strict (no "1" for 1, no unknown field). The response models document; the routes build
plain dictionaries in their shape, because validating every entity again would cost more than finding it.
"""

from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from model.annotation import Entity
from service.body import Items, Text, check_limits, parse
from service.offsets import OffsetUnit
from service.settings import Settings

EXAMPLE_TEXT = "Tim Cook, chief executive of Apple, flew from Cupertino to Paris on Monday."
EXAMPLE_ENTS: list[JsonValue] = [
    {"start": 0, "end": 8, "label": "PER", "text": "Tim Cook", "score": 0.999698},
    {"start": 29, "end": 34, "label": "ORG", "text": "Apple", "score": 0.829428},
    {"start": 46, "end": 55, "label": "LOC", "text": "Cupertino", "score": 0.971883},
    {"start": 59, "end": 64, "label": "LOC", "text": "Paris", "score": 0.990676},
    {"start": 68, "end": 74, "label": "DATE", "text": "Monday", "score": 0.999649},
]
EXAMPLE_ENTITIES = [Entity(**cast(dict[str, Any], ent)) for ent in EXAMPLE_ENTS]

# A probability is worth no more digits, and each of them is sent.
SCORE_DIGITS = 6


def parse_request(body: bytes, settings: Settings) -> "EntitiesRequest":
    """The request that `body` holds.

    Raises BadRequestError when it is not UTF-8, InvalidRequestError when it is not such a request, TooLargeError when
    it has too many texts or a text too many characters.
    """
    request = parse(body, EntitiesRequest)
    check_limits(request.all_texts, settings)
    return request


class EntitiesRequest(BaseModel):
    """One text or several, and how to answer."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}]},
    )

    text: Text | None = Field(None, description="The text to annotate. Give this or `texts`.")
    texts: Items[Text] | None = Field(None, description="The texts to annotate. Give this or `text`.")
    model: str | None = Field(None, description="A name from `GET /v1/models`; without it, the first there.")
    labels: Items[str] | None = Field(
        None, min_length=1, description="The labels to answer; without it, all of the model's."
    )
    min_score: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Leave out entities less probable than this."
    )
    offset_unit: OffsetUnit = Field(
        "codepoint",
        description="What `start` and `end` count: Unicode code points (Python, Go runes), UTF-16 code units "
        "(JavaScript, Java, C#) or UTF-8 bytes.",
    )

    @model_validator(mode="after")
    def _one_of_text_and_texts(self) -> "EntitiesRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError("give exactly one of text and texts")
        return self

    @property
    def all_texts(self) -> list[str]:
        return [self.text] if self.text is not None else self.texts or []


class EntityAnswer(BaseModel):
    """An entity. `start` and `end` are half-open; `score` is the probability of exactly this span and label."""

    start: int
    end: int
    label: str
    text: str
    score: float


class TextAnswer(BaseModel):
    """The text as it was sent, and its entities in the order of the text."""

    text: str
    ents: list[EntityAnswer]


class OneAnswer(TextAnswer):
    """The answer to `text`: what displaCy draws with `manual=True`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"}]}
    )
    model: str


class ManyAnswer(BaseModel):
    """The answer to `texts`: one result per text, in their order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"results": [{"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS}], "model": "en"}]}
    )
    results: list[TextAnswer]
    model: str


class ModelAnswer(BaseModel):
    """A model that can be asked for by name, with what its archive says of it."""

    name: str
    default: bool = Field(description="Whether it answers requests that name no model.")
    labels: list[str]
    language: str = Field(description="BCP 47, such as `en`.")
    licence: str = Field(description="Of the weights.")
    description: str
    datasets: list[dict[str, Any]] = Field(description="What it was trained on.")
    scores: dict[str, Any] = Field(description="Measured F1 by dataset and split.")


class ModelsAnswer(BaseModel):
    models: list[ModelAnswer]


class HealthAnswer(BaseModel):
    status: Literal["live", "ready"]


class ErrorDetail(BaseModel):
    loc: list[str | int]
    msg: str


class ErrorContent(BaseModel):
    code: str
    message: str
    details: list[ErrorDetail] = []


class ErrorAnswer(BaseModel):
    """Every error of every route."""

    error: ErrorContent
