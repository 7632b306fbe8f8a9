"""Strings become ids here, and nowhere else. Training builds a vocabulary from its train split, the archive
carries it as JSON, and the recognizer asks it for the ids of each word.

A word is seen from several sides, so that an unseen one still has a representation: its normal form
(lower case, digits as 0), its first and last three characters, its shape, and its characters one by one. Where words
are single characters, as in Chinese, the pairs that a word makes with its neighbours say more than any of these.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple

PADDING, UNKNOWN = 0, 1
"""The first two ids of every table; known strings count from 2."""

FEATURES = ("words", "prefixes", "suffixes", "shapes")
"""The categorical features of a word, in the order of the columns of `WordIds.features`; if the vocabulary holds
pairs, two columns follow, the word with its left and with its right neighbour."""

MAX_CHARACTERS = 24
"""Of a longer word (a URL, say) the first 16 and the last 8 characters stand for it."""

_CACHED_WORDS = 32_768
"""Bound of the memory of words already looked up; it is emptied when full."""


class WordIds(NamedTuple):
    """One word of a sentence as ids: its features (F) and its characters (1 to MAX_CHARACTERS)."""

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
    pairs: tuple[str, ...] | None = None
    """None where pairs are not looked at"""

    @classmethod
    def build(
        cls, sentences: Iterable[Sequence[str]], min_count: int = 1, *, with_pairs: bool = False
    ) -> "Vocabulary":
        """The vocabulary of a train split, given its sentences; what occurs less often than `min_count` times is left
        unknown. Tables are sorted by falling count, then by the string."""
        words: Counter[str] = Counter()
        paired: Counter[str] = Counter()
        for sentence in sentences:
            words.update(sentence)
            if with_pairs:
                paired.update(pairs(sentence))
        counts: dict[str, Counter[str]] = {name: Counter() for name in (*FEATURES, "characters")}
        for word, count in words.items():
            for name, feature in zip(FEATURES, features(word), strict=True):
                counts[name][feature] += count
            for character in _clip(word):
                counts["characters"][character] += count

        def known(table: Counter[str]) -> tuple[str, ...]:
            return tuple(string for string, n in sorted(table.items(), key=_by_count) if n >= min_count)

        tables = {name: known(table) for name, table in counts.items()}
        return cls(**tables, pairs=known(paired) if with_pairs else None)

    @classmethod
    def from_json(cls, tables: Mapping[str, Sequence[str]]) -> "Vocabulary":
        """The inverse of `to_json`. Raises KeyError when a table is missing."""
        paired = tables.get("pairs")
        known = {name: tuple(tables[name]) for name in (*FEATURES, "characters")}
        return cls(**known, pairs=None if paired is None else tuple(paired))

    def to_json(self) -> dict[str, list[str]]:
        tables = {name: list(getattr(self, name)) for name in (*FEATURES, "characters")}
        return tables if self.pairs is None else {**tables, "pairs": list(self.pairs)}

    def table(self, name: str) -> tuple[str, ...]:
        """The strings of a table: one of FEATURES, `characters` or `pairs`."""
        strings: tuple[str, ...] | None = getattr(self, name)
        return strings or ()

    def ids(self, sentence: Sequence[str]) -> tuple[WordIds, ...]:
        """The ids of a sentence's words, none of which may be empty."""
        alone = [self._cache.get(word) or self._remember(word) for word in sentence]
        if self.pairs is None:
            return tuple(alone)
        paired = [self._pair_ids.get(pair, UNKNOWN) for pair in pairs(sentence)]
        return tuple(
            WordIds((*word.features, left, right), word.characters)
            for word, left, right in zip(alone, paired, paired[1:], strict=False)
        )

    def _remember(self, word: str) -> WordIds:
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
    def _pair_ids(self) -> dict[str, int]:
        return {pair: n for n, pair in enumerate(self.pairs or (), start=2)}

    @cached_property
    def _ids(self) -> list[dict[str, int]]:
        return [
            {string: n for n, string in enumerate(getattr(self, name), start=2)} for name in (*FEATURES, "characters")
        ]


def features(word: str) -> tuple[str, str, str, str]:
    """Normal form, prefix, suffix and shape of a word: `Geneva-2` -> `geneva-0`, `Gen`, `a-2`, `Xxx-0`."""
    return normal_form(word), word[:3], word[-3:], shape(word)


@lru_cache(_CACHED_WORDS)
def normal_form(word: str) -> str:
    """Lower case, digits as 0, and one form of what has several (NFKC: full-width letters, ligatures)."""
    folded = unicodedata.normalize("NFKC", word).lower()  # in this order: some signs, as ™, stand for upper case
    return "".join("0" if character.isdigit() else character for character in folded)


def pairs(sentence: Sequence[str]) -> list[str]:
    """Neighbouring words, in their normal forms and with nothing between: for n words n + 1 pairs, of which the first
    and the last are with the sentence's edge, which adds nothing."""
    normal = ["", *map(normal_form, sentence), ""]
    return [left + right for left, right in pairwise(normal)]


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
