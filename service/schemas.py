"""The door of the native contract: bytes become a typed request within the limits, or an error.

The request models are strict (no "1" for 1, no unknown field). The response models document; the routes build
plain dictionaries in their shape, because validating every entity again would cost more than finding it.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from service.errors import BadRequestError, InvalidRequestError, TooLargeError
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


def parse_request(body: bytes, settings: Settings) -> "EntitiesRequest":
    """The request that `body` holds.

    Raises BadRequestError when it is not UTF-8, InvalidRequestError when it is not such a request, TooLargeError when
    it has too many texts or a text too many characters.
    """
    try:
        document = body.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: byte {error.start:,} is invalid") from None
    try:
        request = EntitiesRequest.model_validate_json(document)
    except ValidationError as error:
        raise _invalid(error) from None
    texts = request.all_texts
    if len(texts) > settings.max_texts:
        message = f"the request has {len(texts):,} texts; the limit is {settings.max_texts:,}"
        raise TooLargeError(message, reason="too_many_texts")
    longest = max(map(len, texts), default=0)
    if longest > settings.max_characters:
        message = f"a text has {longest:,} characters; the limit is {settings.max_characters:,}"
        raise TooLargeError(message, reason="too_many_characters")
    return request


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text must not contain lone surrogates") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]


class EntitiesRequest(BaseModel):
    """One text or several, and how to answer."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}]},
    )

    text: Text | None = Field(None, description="The text to annotate. Give this or `texts`.")
    texts: list[Text] | None = Field(None, description="The texts to annotate. Give this or `text`.")
    model: str | None = Field(None, description="A name from `GET /v1/models`; without it, the first there.")
    labels: list[str] | None = Field(
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


class ReloadAnswer(BaseModel):
    model: str
    reloaded: bool = Field(description="Whether the file had changed since it was last read.")
    sha256: str = Field(description="Of the archive that is served now.")


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


def _invalid(error: ValidationError) -> InvalidRequestError:
    details = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        unknown = problem["type"] == "extra_forbidden"
        details.append(
            {
                # An unknown field's name is the client's own words, so it is not repeated.
                "loc": problem["loc"][:-1] if unknown else problem["loc"],
                "msg": f"unknown field; the fields are {', '.join(EntitiesRequest.model_fields)}"
                if unknown
                else problem["msg"].removeprefix("Value error, "),
            }
        )
    return InvalidRequestError("the body is not a valid request", details)
