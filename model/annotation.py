"""The frozen values that text and its annotation are made of. Everyone passes them, nothing here computes.

Offsets are half-open. Those of a `Token` or an `Entity` count Unicode code points of the text they came
from; those of a `Span` count tokens of its sentence. A *tag* is `B-PER`, a *label* is `PER`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

SCORE_DIGITS = 6
"""Of a score, wherever it is written: a probability is worth no more digits, and each of them is sent."""


class Token(NamedTuple):
    """`text[start:end]` of the text that was tokenized. A tuple, because a long text has 200,000 of them and a
    frozen dataclass takes twice as long to make."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A named entity in a text: `text == source[start:end]`, and `score` is the probability of exactly
    this span with this label."""

    start: int
    end: int
    label: str
    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """As answers and lines of JSON have it, the score rounded."""
        return {
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "text": self.text,
            "score": round(self.score, SCORE_DIGITS),
        }


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Tokens `start` to `end` (exclusive) of a sentence carry the name `label`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens with their gold tags, one for one, in valid BIO."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.tags):
            raise ValueError(f"{len(self.tokens)} tokens but {len(self.tags)} tags")
