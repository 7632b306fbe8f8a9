"""The tagger's configuration: every number that shapes the network, validated once and stored in every archive."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, ValidationError
from pydantic.dataclasses import dataclass

Cell = Literal["rnn", "gru", "lstm"]
Location = tuple[int | str, ...]
"""Where a value stands in what was validated, such as `("training", "epochs")`."""


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class TaggerConfig:
    """What a tagger is built from.

    Raises:
        ValidationError: A value has another type than declared or is out of its limits, or a key is unknown. It is a
            ValueError; `explain` says in one line what is wrong.
    """

    cell: Cell = Field(default="lstm", description="recurrent cell of the encoder")
    hidden_size: StrictInt = Field(default=200, description="units of each direction of each layer", ge=1, le=4096)
    layers: StrictInt = Field(default=1, description="recurrent layers, stacked", ge=1, le=16)
    bidirectional: StrictBool = Field(default=True, description="whether each layer also reads the sentence backward")
    word_size: StrictInt = Field(default=100, description="width of a word embedding", ge=1, le=4096)
    affix_size: StrictInt = Field(
        default=10, description="width of the embedding of a prefix, suffix or word shape", ge=1, le=1024
    )
    pair_size: StrictInt = Field(
        default=0, description="width of the embedding of two neighbouring words; 0 turns pairs off", ge=0, le=4096
    )
    lexicon_size: StrictInt = Field(
        default=0, description="width of the embedding of a word of the lexicon; 0 turns it off", ge=0, le=4096
    )
    character_size: StrictInt = Field(default=30, description="width of a character embedding", ge=1, le=1024)
    character_filters: StrictInt = Field(
        default=60, description="convolution filters over a word's characters", ge=1, le=4096
    )
    dropout: StrictFloat = Field(
        default=0.5,
        description="share of units dropped before and after each layer, the same units at every token",
        ge=0.0,
        le=0.95,
    )
    word_dropout: StrictFloat = Field(
        default=0.1,
        description="share of words replaced by the unknown word, so that the tagger learns from spelling",
        ge=0.0,
        le=0.95,
    )

    @property
    def encoded_size(self) -> int:
        """Width of the encoder's output for each token: H, or 2H with both directions."""
        return self.hidden_size * (2 if self.bidirectional else 1)


def dotted(location: Location) -> str:
    """The location as a path of keys, such as `training.epochs`."""
    return ".".join(map(str, location))


_MUST_BE = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "tuple_type": "a list",
    "too_short": "a list with at least {min_length} entry",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "string_too_short": "a string that is not empty",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge:,}",
    "less_than_equal": "at most {le:,}",
}
"""Pydantic's types of error, and what the value must be, in the words of a TOML file."""


def explain(error: ValidationError, name: Callable[[Location], str] = dotted) -> str:
    """The first fault of a validation in one line: `tagger.layers is 17; it must be at most 16`.

    Args:
        error: What pydantic raised.
        name: Makes the name of a location.
    """
    fault = error.errors(include_url=False)[0]
    location, context = fault["loc"], fault.get("ctx", {})
    if isinstance(cause := context.get("error"), ValueError):  # one of our own checks, which names the fields itself
        return f"{name(location)}: {cause}" if location else str(cause)
    if fault["type"] == "unexpected_keyword_argument":
        section = f"{name(location[:-1])}: " if location[:-1] else ""
        return f"{section}unknown key {location[-1]!r}"
    must_be = _MUST_BE[fault["type"]].format(**context) if fault["type"] in _MUST_BE else ""
    return f"{name(location)} is {_shown(fault['input'])}; {f'it must be {must_be}' if must_be else fault['msg']}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
