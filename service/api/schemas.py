"""The requests and answers of the native contract.

The request models are strict (no "1" for 1, no unknown field). The response models document; the routes build
plain dictionaries in their shape, because validating every entity again would cost more than finding it.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainValidator, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema

from nerve.model.annotation import Entity
from nerve.service.annotate.document import Source
from nerve.service.annotate.gazetteer import spelled
from nerve.service.annotate.offsets import OffsetUnit
from nerve.service.api.body import Items, Text, check_limits, encodable, parse
from nerve.service.errors import InvalidRequestError, TooLargeError
from nerve.service.settings import Settings

EXAMPLE_TEXT = "Tim Cook, chief executive of Apple, flew from Cupertino to Paris on Monday."
EXAMPLE_ENTS: list[JsonValue] = [
    {"start": 0, "end": 8, "label": "PER", "text": "Tim Cook", "score": 0.993685},
    {"start": 29, "end": 34, "label": "ORG", "text": "Apple", "score": 0.8016},
    {"start": 46, "end": 55, "label": "LOC", "text": "Cupertino", "score": 0.779112},
    {"start": 59, "end": 64, "label": "LOC", "text": "Paris", "score": 0.920457},
    {"start": 68, "end": 74, "label": "DATE", "text": "Monday", "score": 0.998166},
]
EXAMPLE_ENTITIES = [Entity(**cast(dict[str, Any], ent)) for ent in EXAMPLE_ENTS]

# A gazetteer is made ready for each request, so it has to be small; what is known for good belongs into a model.
MAX_PHRASES = 1_000
MAX_PHRASE_CHARACTERS = 100
MAX_LABEL_CHARACTERS = 100

Request = TypeVar("Request", bound="AnnotationRequest")


def parse_request(body: bytes, settings: Settings, kind: type[Request]) -> Request:
    """The request of this kind that `body` holds.

    Raises BadRequestError when it is not UTF-8, InvalidRequestError when it is not such a request or contradicts
    itself, TooLargeError when it has too many texts or phrases, or when one of them has too many characters.
    """
    request = parse(body, kind)
    check_limits(request.sources, settings)
    if request.gazetteer is not None:
        _check_phrases(request.gazetteer)
    return request


def _check_phrases(gazetteer: "GazetteerRequest") -> None:
    phrases = gazetteer.phrases
    if len(phrases) > MAX_PHRASES:
        message = f"the gazetteer has {len(phrases):,} phrases; the limit is {MAX_PHRASES:,}"
        raise TooLargeError(message, reason="too_many_phrases")
    longest = max(map(len, phrases), default=0)
    if longest > MAX_PHRASE_CHARACTERS:
        message = f"a phrase has {longest:,} characters; the limit is {MAX_PHRASE_CHARACTERS:,}"
        raise TooLargeError(message, reason="too_many_characters")
    counts = Counter(spelled(phrase, gazetteer.case_sensitive) for phrase in phrases)
    if "" in counts:
        raise InvalidRequestError("a phrase of the gazetteer is empty")
    if max(counts.values(), default=0) > 1:
        raise InvalidRequestError("a phrase is in the gazetteer twice; it can be under one label, or in never")


Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_CHARACTERS)]


def _renamed_labels(labels: Any) -> dict[str, str]:
    """Labels and their names in the answer, which in a list are the same."""
    if isinstance(labels, list) and set(map(type, labels)) == {str}:
        labels = dict(zip(labels, labels, strict=True))
    if not isinstance(labels, dict) or set(map(type, labels.values())) != {str}:
        raise ValueError("give a list of labels, or an object from labels to names, not empty")
    if not all(0 < len(name) <= MAX_LABEL_CHARACTERS for name in labels.values()):
        raise ValueError(f"the name of a label has 1 to {MAX_LABEL_CHARACTERS} characters")
    return labels


class Words(NamedTuple):
    """The tokens of one sentence, or of each of several."""

    sentences: list[list[str]]
    single: bool


def _words(tokens: Any) -> Words:
    """Looked at as a whole, because there may be a million."""
    if not isinstance(tokens, list):
        raise ValueError("give a list of strings, or a list of such lists")
    single = set(map(type, tokens)) != {list}
    words = Words([tokens] if single else tokens, single)
    for sentence in words.sentences:
        if set(map(type, sentence)) - {str}:
            raise ValueError("give a list of strings, or a list of such lists")
        if not all(map(str.strip, sentence)):
            raise ValueError("a token needs a character that is not white space")
        encodable("".join(sentence))
    return words


_STRINGS = {"type": "array", "items": {"type": "string"}}


class GazetteerRequest(BaseModel):
    """Phrases that are entities wherever they stand, by label, and phrases that are none."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    always: dict[Label, Items[Text]] = Field({}, description="Phrases that are entities, by label: an allow list.")
    never: Items[Text] = Field([], description="Phrases in which there is no entity: a deny list.")
    case_sensitive: bool = Field(True, description="Whether upper and lower case count.")

    @property
    def phrases(self) -> list[str]:
        return [*chain(*self.always.values()), *self.never]


class AnnotationRequest(BaseModel):
    """One text or several, and which entities to find in them: what the native routes share."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}]},
    )

    source_fields: ClassVar[tuple[str, ...]] = ("text", "texts")

    text: Text | None = Field(None, description="The text to annotate. Give this or `texts`.")
    texts: Items[Text] | None = Field(None, description="The texts to annotate. Give this or `text`.")
    model: str | None = Field(
        None,
        description="A name from `GET /v1/models`, or `auto` to choose by each text's script; without it, the first "
        "there.",
    )
    labels: (
        Annotated[
            dict[str, str],
            PlainValidator(_renamed_labels),
            WithJsonSchema(
                {
                    "anyOf": [
                        {**_STRINGS, "minItems": 1},
                        {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
                    ]
                }
            ),
        ]
        | None
    ) = Field(
        None,
        description="The labels to answer: a list, or an object that gives each its name in the answer; without it, "
        "all of them.",
    )
    min_score: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Leave out entities less probable than this."
    )
    gazetteer: GazetteerRequest | None = Field(
        None, description="Phrases that are entities whatever the model says, and phrases that are none."
    )
    offset_unit: OffsetUnit = Field(
        "codepoint",
        description="What `start` and `end` count: Unicode code points (Python, Go runes), UTF-16 code units "
        "(JavaScript, Java, C#) or UTF-8 bytes.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> "AnnotationRequest":
        *others, last = self.source_fields
        if sum(getattr(self, field) is not None for field in self.source_fields) != 1:
            raise ValueError(f"give exactly one of {', '.join(others)} and {last}")
        return self

    @property
    def single(self) -> bool:
        """Whether one text was given, and not a list of them."""
        return self.text is not None

    @property
    def sources(self) -> Sequence[Source]:
        return [self.text] if self.text is not None else self.texts or []


class EntitiesRequest(AnnotationRequest):
    """One text or several, or their tokens, and how to answer."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}, {"required": ["tokens"]}]}
    )

    source_fields = ("text", "texts", "tokens")

    tokens: (
        Annotated[
            Words,
            PlainValidator(_words),
            WithJsonSchema({"anyOf": [_STRINGS, {"type": "array", "items": _STRINGS}]}),
        ]
        | None
    ) = Field(
        None,
        description="The tokens of a sentence, or of several: a list of strings, or a list of such lists. Give this "
        "instead of `text` and `texts`.",
    )
    include: Items[Literal["tokens", "sents"]] = Field(
        [], description="What to answer besides entities: the tokens with their tags, the sentences."
    )

    @property
    def single(self) -> bool:
        return super().single if self.tokens is None else self.tokens.single

    @property
    def sources(self) -> Sequence[Source]:
        return super().sources if self.tokens is None else self.tokens.sentences


class EntityAnswer(BaseModel):
    """An entity. `start` and `end` are half-open; `score` is the probability of exactly this span and label, and 1
    where the gazetteer said so. `start_token` and `end_token`, half-open too, are there if tokens were given or asked
    for."""

    start: int
    end: int
    label: str
    text: str
    score: float
    start_token: int | SkipJsonSchema[None] = None
    end_token: int | SkipJsonSchema[None] = None


class TokenAnswer(BaseModel):
    """A token, its number in the text, and its tag in the scheme BIO: what the entities of the answer make of it."""

    id: int
    start: int
    end: int
    text: str
    tag: str


class SentenceAnswer(BaseModel):
    """A sentence, from its first token to its last."""

    start: int
    end: int


class OneAnswer(BaseModel):
    """The answer to `text`: what displaCy draws with `manual=True`. `text` is the text as it was sent, or the tokens
    with a space between them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"}]}
    )
    text: str
    ents: list[EntityAnswer] = Field(description="In the order of the text, without overlap.")
    tokens: list[TokenAnswer] | SkipJsonSchema[None] = Field(None, description="If `include` asks for them.")
    sents: list[SentenceAnswer] | SkipJsonSchema[None] = Field(None, description="If `include` asks for them.")
    model: str = Field(description="The model that read the text.")


class ManyAnswer(BaseModel):
    """The answer to `texts`: for each, in their order, the answer that it would get alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"results": [{"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"}], "model": "en"},
            ]
        }
    )
    results: list[OneAnswer]
    model: str = Field(description="The model that was asked, or `auto`.")


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


# What every route that takes texts may answer instead.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in {
        400: "The body is not UTF-8, or not gzip where it says so.",
        401: "No API key, or an unknown one, where the service asks for one.",
        404: "No such model.",
        413: "The body, a text, a phrase, or the number of texts, tokens or phrases is over its limit.",
        415: "The body is encoded in another way than gzip.",
        422: "Not a valid request, or a label that the model does not have.",
        500: "The service failed; its log has the request id.",
        503: "Overloaded or not ready; try again after `Retry-After` seconds.",
        504: "The deadline passed before the answer.",
    }.items()
}
