"""Strings become ids here, and nowhere else. Training builds a vocabulary from its train split, the archive
carries it as JSON, and the recognizer asks it for the ids of each word.

A word is seen from several sides, so that an unseen one still has a representation: its normal form
(lower case, digits as 0), its first and last three characters, its shape, and its characters one by one.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

PADDING, UNKNOWN = 0, 1
"""The first two ids of every table; known strings count from 2."""

FEATURES = ("words", "prefixes", "suffixes", "shapes")
"""The categorical features of a word, in the order of the columns of `WordIds.features`."""

MAX_CHARACTERS = 24
"""Of a longer word (a URL, say) the first 16 and the last 8 characters stand for it."""

_CACHED_WORDS = 100_000
"""Bound of the memory of words already looked up; it is emptied when full."""


class WordIds(NamedTuple):
    """One word as ids: its features (F) and its characters (1 to MAX_CHARACTERS)."""

    features: tuple[int, ...]
    characters: tuple[int, ...]


@dataclass(frozen=True)
class Vocabulary:
    """The tables of known strings. The id of a table's n-th string is n + 2."""

    words: tuple[str, ...]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    shapes: tuple[str, ...]
    characters: tuple[str, ...]

    @classmethod
    def build(cls, words: Iterable[str], min_count: int = 1) -> "Vocabulary":
        """The vocabulary of a train split, given its words with repetitions; what occurs less often than
        `min_count` times is left unknown. Tables are sorted by falling count, then by the string."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in (*FEATURES, "characters")}
        for word, count in Counter(words).items():
            for name, feature in zip(FEATURES, features(word), strict=True):
                counts[name][feature] += count
            for character in _clip(word):
                counts["characters"][character] += count
        return cls(
            **{
                name: tuple(string for string, n in sorted(table.items(), key=_by_count) if n >= min_count)
                for name, table in counts.items()
            }
        )

    @classmethod
    def from_json(cls, tables: Mapping[str, Sequence[str]]) -> "Vocabulary":
        """The inverse of `to_json`. Raises KeyError when a table is missing."""
        return cls(**{name: tuple(tables[name]) for name in (*FEATURES, "characters")})

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(getattr(self, name)) for name in (*FEATURES, "characters")}

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows that each feature's embedding needs, padding and unknown included."""
        return tuple(len(getattr(self, name)) + 2 for name in FEATURES)

    @property
    def character_count(self) -> int:
        return len(self.characters) + 2

    def ids(self, word: str) -> WordIds:
        """The ids of one word, which must not be empty."""
        known = self._cache.get(word)
        if known is None:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            known = self._cache[word] = self._look_up(word)
        return known

    def _look_up(self, word: str) -> WordIds:
        characters = self._ids[-1]
        return WordIds(
            tuple(ids.get(feature, UNKNOWN) for ids, feature in zip(self._ids, features(word), strict=False)),
            tuple(characters.get(character, UNKNOWN) for character in _clip(word)),
        )

    @cached_property
    def _cache(self) -> dict[str, WordIds]:
        return {}

    @cached_property
    def _ids(self) -> list[dict[str, int]]:
        return [
            {string: n for n, string in enumerate(getattr(self, name), start=2)} for name in (*FEATURES, "characters")
        ]


def features(word: str) -> tuple[str, str, str, str]:
    """Normal form, prefix, suffix and shape of a word: `Geneva-2` -> `geneva-0`, `Gen`, `a-2`, `Xxx-0`."""
    normal = "".join("0" if character.isdigit() else character for character in word.lower())
    return normal, word[:3], word[-3:], shape(word)


def shape(word: str) -> str:
    """Runs of the same kind of character, written once or, from two on, twice: `McDonald's` -> `XxXxx.x`.

    X upper case, x lower case, 0 digit, L letter without case, . anything else.
    """
    kinds = ("X" if c.isupper() else "x" if c.islower() else "0" if c.isdigit() else _other(c) for c in word)
    return "".join(kind * min(2, len(list(run))) for kind, run in groupby(kinds))[:12]


def _other(character: str) -> str:
    return "L" if unicodedata.category(character).startswith("L") else "-" if character == "-" else "."


def _clip(word: str) -> str:
    return word if len(word) <= MAX_CHARACTERS else word[:16] + word[16 - MAX_CHARACTERS :]


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
