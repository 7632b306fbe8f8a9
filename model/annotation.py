"""The values of text and its annotation: tokens, entities, spans, sentences. Everyone uses them; none computes.

Offsets are half-open. Those of a `Token` or an `Entity` count Unicode code points of the text they came
from; those of a `Span` count tokens of its sentence. A *tag* is `B-PER`, a *label* is `PER`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

SCORE_DIGITS = 6
"""Digits of a score wherever it is written. A probability is worth no more, and every digit is sent."""

MIN_SCORE = 0.3
"""The default of `min_score`. Of the names below it three in four are wrong, and of nine corpora one has a lower F1
without them (`python -m bench.thresholds`; docs/accuracy.md)."""


class Token(NamedTuple):
    """A token: `text` is `source[start:end]` of the text that was tokenized.

    It is a tuple because a long text has 200,000 of them, and a frozen dataclass takes twice as long to make.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A named entity: `text` is `source[start:end]`, `score` the probability of exactly this span and label."""

    start: int
    end: int
    label: str
    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """The entity as JSON, its score rounded to SCORE_DIGITS."""
        return {
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "text": self.text,
            "score": round(self.score, SCORE_DIGITS),
        }


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A name in a sentence: tokens `start` to `end` (exclusive) have the label `label`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens with their gold tags, one for each, in valid BIO."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.tags):
            raise ValueError(f"{len(self.tokens)} tokens but {len(self.tags)} tags")
