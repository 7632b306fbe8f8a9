"""The requests of the native contract: texts or tokens, and which entities to find in them.

They are strict: no "1" for 1, no unknown field.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nerve.model.annotation import MIN_SCORE
from nerve.service.annotate.document import Source, characters
from nerve.service.annotate.gazetteer import normalized
from nerve.service.annotate.offsets import OffsetUnit
from nerve.service.api.body import Fields, Items, Text, check_limits, parse
from nerve.service.api.fields import (
    MAX_PHRASE_CHARACTERS,
    MAX_PHRASES,
    Label,
    LabelsField,
    MinScoreField,
    PatternsField,
    Phrases,
    TokensField,
)
from nerve.service.api.schema import NULL_IS_DEFAULT, exactly_one
from nerve.service.errors import InvalidRequestError, TooLargeError, too_many_tokens
from nerve.service.settings import Settings

# There are three things to include; each may be named more than once.
MOST_INCLUDED = 100

Request = TypeVar("Request", bound="AnnotationRequest")


def parse_request(body: bytes, settings: Settings, kind: type[Request]) -> Request:
    """Return the request in `body`.

    Raises:
        BadRequestError: The body is not UTF-8.
        InvalidRequestError: The body is not a request of this kind, or its parts contradict each other.
        TooLargeError: There are too many texts or phrases, or one of them has too many characters.
    """
    request = parse(body, kind)
    check_limits(request.sources, settings)
    tokens = sum(len(source) for source in request.sources if isinstance(source, list))
    if tokens > settings.max_tokens:
        raise too_many_tokens(tokens, settings.max_tokens)
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
    counts = Counter(normalized(phrase, gazetteer.case_sensitive) for phrase in phrases)
    if "" in counts:
        raise InvalidRequestError("a phrase of the gazetteer is empty")
    if max(counts.values(), default=0) > 1:
        raise InvalidRequestError("a phrase is in the gazetteer twice; it can be under one label only, or in never")


class GazetteerRequest(BaseModel):
    """Phrases that are always entities, by label, and phrases that never are."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    always: Annotated[Fields[Label, Phrases], NULL_IS_DEFAULT] = Field(
        {}, description="Phrases that are always entities, by label: an allow list."
    )
    never: Annotated[Phrases, NULL_IS_DEFAULT] = Field(
        [], description="Phrases that never are entities, and never hold one: a deny list."
    )
    case_sensitive: Annotated[bool, NULL_IS_DEFAULT] = Field(
        True, description="Whether upper and lower case differ, which is the default."
    )

    @property
    def phrases(self) -> list[str]:
        """All phrases."""
        return [*chain(*self.always.values()), *self.never]


class AnnotationRequest(BaseModel):
    """One text or several, and which entities to find in them: what the native requests have in common."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra=exactly_one(text="string", texts="array"),
    )

    source_fields: ClassVar[tuple[str, ...]] = ("text", "texts")
    default_min_score: ClassVar[float] = MIN_SCORE
    """The score that entities of labels need for which `min_score` has no number."""

    text: Text | None = Field(None, description="The text to annotate. For several texts, send `texts` instead.")
    texts: Items[Text] | None = Field(None, description="The texts to annotate. For one text, send `text` instead.")
    model: str | None = Field(
        None,
        description="The name of a model from `GET /v1/models`, or `auto` to choose a model by the language of "
        "each text, and of each sentence that this model does not read. The default is the first model there.",
    )
    labels: LabelsField | None = Field(
        None,
        description="The labels of the entities to answer: a list, or an object that maps each label to its name in "
        "the answer. The default is all labels.",
    )
    min_score: Annotated[MinScoreField, NULL_IS_DEFAULT] = Field(
        default_min_score,
        description="Leave out entities with a lower score: a number for all labels, or an object with a number for "
        f"some labels, while the others have the default, {default_min_score}. With 0 the answer has all that the "
        "model finds.",
    )
    context: Annotated[bool, NULL_IS_DEFAULT] = Field(
        True,
        description="Whether the sentences of a text share what they say of a word that recurs in it, which is the "
        "default. Without, each sentence is annotated as if it were a text.",
    )
    gazetteer: GazetteerRequest | None = Field(
        None, description="Phrases that are always entities, whatever the model finds, and phrases that never are."
    )
    patterns: PatternsField | None = Field(
        None,
        description="Addresses and numbers to find beside the names: `true` for all, or a list of their labels. The "
        "default is that of the service, which is none unless it has been set.",
    )
    offset_unit: Annotated[OffsetUnit, NULL_IS_DEFAULT] = Field(
        "codepoint",
        description="What `start` and `end` count: Unicode code points (Python, Go runes; the default), UTF-16 code "
        "units (JavaScript, Java, C#) or UTF-8 bytes.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> "AnnotationRequest":
        given = [field for field in self.source_fields if getattr(self, field) is not None]
        if len(given) != 1:
            *others, last = self.source_fields
            raise ValueError(f"a request has exactly one of {', '.join(others)} and {last}")
        return self

    def chosen_patterns(self, settings: Settings) -> tuple[str, ...]:
        """Return the patterns to find: those that the request names, or else those of the service."""
        return settings.pattern_names if self.patterns is None else self.patterns

    @property
    def single(self) -> bool:
        """Whether the client sent one text, and not a list of texts."""
        return self.text is not None

    @property
    def sources(self) -> Sequence[Source]:
        """The texts, or the tokens of each sentence."""
        return [self.text] if self.text is not None else self.texts or []

    @property
    def size(self) -> int:
        """How many characters the texts and the phrases of the gazetteer have in all."""
        phrases = self.gazetteer.phrases if self.gazetteer else []
        return sum(map(characters, self.sources)) + sum(map(len, phrases))


class EntitiesRequest(AnnotationRequest):
    """One text or several, or tokens, and which entities to find in them."""

    model_config = ConfigDict(json_schema_extra=exactly_one(text="string", texts="array", tokens="array"))

    source_fields = ("text", "texts", "tokens")

    tokens: TokensField | None = Field(
        None,
        description="The tokens of a sentence as a list of strings, or of several sentences as a list of such lists. "
        "If your text is already tokenized, send `tokens` instead of `text` or `texts`.",
    )
    include: Annotated[
        Items[Literal["tokens", "sents", "language"]], Field(max_length=MOST_INCLUDED), NULL_IS_DEFAULT
    ] = Field(
        [],
        description="What to answer besides the entities: `tokens` with their tags, `sents` for the sentences, "
        "`language` for the language of the text, and of each of the sentences if they are included.",
    )

    @property
    def single(self) -> bool:
        """Whether the client sent one text or the tokens of one sentence, and not a list of these."""
        return super().single if self.tokens is None else self.tokens.single

    @property
    def sources(self) -> Sequence[Source]:
        """The texts, or the tokens of each sentence."""
        return super().sources if self.tokens is None else self.tokens.sentences
