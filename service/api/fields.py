"""The fields of the native requests that pydantic cannot check alone: each is a type, with its limits and its schema.

Errors name the field and the limit, never what the client sent.
"""

from typing import Annotated, Any, NamedTuple

from pydantic import Field, PlainValidator, WithJsonSchema

from nerve.model.min_score import MinScore
from nerve.patterns import NAMES
from nerve.service.api.body import MOST_FIELDS, Items, Text, encodable
from nerve.service.api.schema import either, list_of_strings_or_of
from nerve.service.api.structure import MOST_CONTAINERS, MOST_VALUES

# A gazetteer is compiled for each request, so it has to be small.
MAX_PHRASES = 1_000
MAX_PHRASE_CHARACTERS = 100
MAX_LABEL_CHARACTERS = 100
# So many tokens are checked in a millisecond; between two slices other threads can run.
SLICE = 10_000

# The number of phrases is checked over all labels together, so here it only has to be in the schema.
_PHRASE: dict[str, Any] = {"minLength": 1, "maxLength": MAX_PHRASE_CHARACTERS, "pattern": r"\S"}
Phrases = Annotated[
    Items[Annotated[Text, Field(json_schema_extra=_PHRASE)]],
    Field(json_schema_extra={"maxItems": MAX_PHRASES, "uniqueItems": True}),
]
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_CHARACTERS)]


def _renamed_labels(labels: Any) -> dict[str, str]:
    """Return labels with their names in the answer; in a list, these are the labels themselves."""
    if isinstance(labels, list | dict) and len(labels) > MOST_FIELDS:
        raise ValueError(f"labels has {len(labels):,} labels; the limit is {MOST_FIELDS:,}")
    if isinstance(labels, list) and set(map(type, labels)) == {str}:
        labels = dict(zip(labels, labels, strict=True))
    if not isinstance(labels, dict) or set(map(type, labels.values())) != {str}:
        raise ValueError("labels is a list of labels, or an object that maps labels to names, and not empty")
    if not all(0 < len(name) <= MAX_LABEL_CHARACTERS for name in labels.values()):
        raise ValueError(f"the name of a label must have 1 to {MAX_LABEL_CHARACTERS} characters")
    return labels


def _min_score(given: Any) -> MinScore:
    """Return the number, or the numbers by label."""
    numbers = list(given.values()) if isinstance(given, dict) else [given]
    if len(numbers) > MOST_FIELDS:
        raise ValueError(f"min_score has {len(numbers):,} labels; the limit is {MOST_FIELDS:,}")
    if not all(type(number) in (int, float) and 0 <= number <= 1 for number in numbers):
        raise ValueError("min_score is a number from 0 to 1, or an object of such numbers by label")
    return given  # type: ignore[no-any-return]  # it was checked


def _patterns(given: Any) -> tuple[str, ...]:
    """Return the names of the patterns."""
    if isinstance(given, bool):
        return NAMES if given else ()
    if not isinstance(given, list) or len(given) > MOST_FIELDS or not all(name in NAMES for name in given):
        raise ValueError(f"patterns is true, false, or a list of {', '.join(NAMES)}")
    return tuple(given)


class Words(NamedTuple):
    """The tokens of one sentence, or of several; `single` says which of the two the client sent."""

    sentences: list[list[str]]
    single: bool


def _words(tokens: Any) -> Words:
    """Return the tokens, checked many at once because there may be 200,000."""
    if not isinstance(tokens, list):
        raise ValueError("tokens is a list of strings, or a list of such lists")
    single = set(map(type, tokens)) != {list}
    words = Words([tokens] if single else tokens, single)
    for sentence in words.sentences:
        for start in range(0, len(sentence), SLICE):
            _check_tokens(sentence[start : start + SLICE])
    return words


def _check_tokens(tokens: list[Any]) -> None:
    if set(map(type, tokens)) - {str}:
        raise ValueError("tokens is a list of strings, or a list of such lists")
    if not all(map(str.strip, tokens)):
        raise ValueError("a token must have a character other than white space")
    encodable("".join(tokens))


# Facts of the schema that are checked elsewhere, some with the status 413.
_LABEL_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_LABEL_CHARACTERS}
_SCORE = {"type": "number", "minimum": 0, "maximum": 1}
_SCORES = {"type": "object", "additionalProperties": _SCORE, "maxProperties": MOST_FIELDS}
_PATTERNS = {"type": "array", "items": {"type": "string", "enum": list(NAMES)}, "maxItems": MOST_FIELDS}
_TOKENS = {"items": {"type": "string", "pattern": r"\S"}, "maxItems": MOST_VALUES}

MinScoreField = Annotated[MinScore, PlainValidator(_min_score), WithJsonSchema(either(_SCORES, _SCORE))]
PatternsField = Annotated[
    tuple[str, ...], PlainValidator(_patterns), WithJsonSchema(either(_PATTERNS, {"type": "boolean"}))
]
LabelsField = Annotated[
    dict[str, str],
    PlainValidator(_renamed_labels),
    WithJsonSchema(
        either(
            {"type": "array", "items": _LABEL_NAME, "minItems": 1, "maxItems": MOST_FIELDS},
            {
                "type": "object",
                "additionalProperties": _LABEL_NAME,
                "minProperties": 1,
                "maxProperties": MOST_FIELDS,
            },
        )
    ),
]
TokensField = Annotated[
    Words,
    PlainValidator(_words),
    WithJsonSchema(
        list_of_strings_or_of(_TOKENS, {"items": {"type": "array", **_TOKENS}, "maxItems": MOST_CONTAINERS})
    ),
]
