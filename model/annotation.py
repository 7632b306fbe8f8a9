"""The values of text and its annotation: tokens, entities, spans, sentences. Everyone uses them; none computes.

Offsets are half-open. Those of a `Token` or an `Entity` count Unicode code points of the text they came
from; those of a `Span` count tokens of its sentence. A *tag* is `B-PER`, a *label* is `PER`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, NamedTuple, overload

SCORE_DIGITS = 6
"""Digits of a score wherever it is written. A probability is worth no more, and every digit is sent."""

MIN_SCORE = 0.3
"""The default of `min_score`. Of the names below it three in four are wrong, and of nine corpora one has a lower F1
without them (`python -m bench.thresholds`; docs/accuracy.md)."""


class Token(NamedTuple):
    """A token: `text` is `source[start:end]` of the text that was tokenized."""

    text: str
    start: int
    end: int


_as_token = partial(tuple.__new__, Token)  # what Token._make does, without a frame of Python for each token


class Tokens(Sequence[Token]):
    """The tokens of a sentence, in columns.

    A `Token` is made when somebody asks for one. Whoever reads a whole text takes the columns: to make the tokens
    would take longer than to find them.
    """

    __slots__ = ("starts", "words")

    def __init__(self, words: list[str], starts: list[int]) -> None:
        """Keep the text of each token, and where it starts; neither list is changed afterwards."""
        self.words = words
        self.starts = starts

    @classmethod
    def of(cls, tokens: Sequence[Token]) -> "Tokens":
        """The same tokens in columns; these themselves if they are so already."""
        if isinstance(tokens, Tokens):
            return tokens
        return cls([token.text for token in tokens], [token.start for token in tokens])

    @property
    def ends(self) -> list[int]:
        """Where each token ends, exclusive."""
        return list(map(add, self.starts, map(len, self.words)))

    def __len__(self) -> int:
        return len(self.words)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> "Tokens": ...
    def __getitem__(self, index: int | slice) -> "Token | Tokens":
        if isinstance(index, slice):
            return Tokens(self.words[index], self.starts[index])
        word, start = self.words[index], self.starts[index]
        return Token(word, start, start + len(word))

    def __iter__(self) -> Iterator[Token]:
        return map(_as_token, zip(self.words, self.starts, self.ends, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokens):
            return NotImplemented
        return (self.words, self.starts) == (other.words, other.starts)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return f"Tokens({self.words!r}, {self.starts!r})"


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
