"""The door of the native contract: bytes become a typed request within the limits, or an error.

The request models are strict (no "1" for 1, no unknown field). The response models document; the routes build
plain dictionaries in their shape, because validating every entity again would cost more than finding it.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from service.document import Source, characters
from service.errors import BadRequestError, InvalidRequestError, TooLargeError
from service.gazetteer import spelled
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

# A gazetteer is made ready for each request, so it has to be small; what is known for good belongs into a model.
MAX_PHRASES = 1_000
MAX_PHRASE_CHARACTERS = 100
MAX_LABEL_CHARACTERS = 100

Request = TypeVar("Request", bound="AnnotationRequest")


def parse_request(body: bytes, settings: Settings, kind: type[Request]) -> Request:
    """The request of this kind that `body` holds.

    Raises BadRequestError when it is not UTF-8, InvalidRequestError when it is not such a request, TooLargeError when
    it has too many texts or phrases, or when one of them has too many characters.
    """
    try:
        document = body.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: byte {error.start:,} is invalid") from None
    try:
        request = kind.model_validate_json(document)
    except ValidationError as error:
        raise _invalid(error, kind) from None
    sources = request.sources
    if len(sources) > settings.max_texts:
        raise TooLargeError(f"the request has {len(sources):,} texts; the limit is {settings.max_texts:,}")
    longest = max(map(characters, sources), default=0)
    if longest > settings.max_characters:
        raise TooLargeError(f"a text has {longest:,} characters; the limit is {settings.max_characters:,}")
    phrases = request.gazetteer.phrases if request.gazetteer else []
    if len(phrases) > MAX_PHRASES:
        raise TooLargeError(f"the gazetteer has {len(phrases):,} phrases; the limit is {MAX_PHRASES:,}")
    longest = max(map(len, phrases), default=0)
    if longest > MAX_PHRASE_CHARACTERS:
        raise TooLargeError(f"a phrase has {longest:,} characters; the limit is {MAX_PHRASE_CHARACTERS:,}")
    return request


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text must not contain lone surrogates") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]
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
        _encodable("".join(sentence))
    return words


_STRINGS = {"type": "array", "items": {"type": "string"}}


class GazetteerRequest(BaseModel):
    """Phrases that are entities wherever they stand, by label, and phrases that are none."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    always: dict[Label, list[Text]] = Field({}, description="Phrases that are entities, by label: an allow list.")
    never: list[Text] = Field([], description="Phrases in which there is no entity: a deny list.")
    case_sensitive: bool = Field(True, description="Whether upper and lower case count.")

    @model_validator(mode="after")
    def _each_phrase_once(self) -> "GazetteerRequest":
        counts = Counter(spelled(phrase, self.case_sensitive) for phrase in self.phrases)
        if "" in counts:
            raise ValueError("a phrase needs a character that is not white space")
        if counts and max(counts.values()) > 1:
            raise ValueError("a phrase is given twice: it has one label, or is in never")
        return self

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
    texts: list[Text] | None = Field(None, description="The texts to annotate. Give this or `text`.")
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
    include: frozenset[Literal["tokens", "sents"]] = Field(
        frozenset(), description="What to answer besides entities: the tokens with their tags, the sentences."
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


def _invalid(error: ValidationError, kind: type[AnnotationRequest]) -> InvalidRequestError:
    details = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place, fields = _known_place(problem["loc"], kind)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"unknown field; the fields are {', '.join(fields)}"
        details.append({"loc": place, "msg": message})
    return InvalidRequestError("the body is not a valid request", details)


def _known_place(place: tuple[int | str, ...], kind: type[BaseModel]) -> tuple[list[int | str], list[str]]:
    """A place without the client's own words, such as the name of an unknown field, which are not repeated; and the
    fields of the object that the unknown one is in."""
    known: list[int | str] = []
    model: type[BaseModel] | None = kind
    fields = list(kind.model_fields)
    for part in place:
        if isinstance(part, int):
            known.append(part)
        elif model is not None and part in model.model_fields:
            known.append(part)
            model = _model_in(model.model_fields[part].annotation)
            fields = list(model.model_fields) if model else fields
    return known, fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field is, if it is one, or may be one or nothing."""
    kinds = [annotation, *get_args(annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
