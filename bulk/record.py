"""A record: a text, or the tokens of a sentence, with what the input holds beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """A text, or the tokens of a sentence."""

    source: str | list[str]
    fields: Fields = field(default_factory=dict)
    """the JSON object or the row that holds the text, which is one of these fields; empty for other formats"""
    error: str = ""
    """where the record is and why it cannot be read; empty for a good one"""
