"""The vocabulary: from strings to ids. No other file turns one into the other.

Training builds a vocabulary from its train split, an archive holds it as JSON, and the recognizer looks words up.

Each word has several features, so that one never seen before still has a representation: its normal form (lower
case, digits as 0), its first and last three characters, its shape, and its characters one by one. Where words are
single characters, as in Chinese, the pairs that a word makes with its neighbours and the words of a lexicon around it
say more than any of these.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from nerve.model.lexicon import Lexicon
from nerve.model.tokenizer import word_of

PADDING, UNKNOWN = 0, 1
"""The first two ids of every table; known strings count from 2."""

FEATURES = ("words", "prefixes", "suffixes", "shapes")
"""The categorical features of a word, in the order of `WordIds.features`. If the vocabulary holds pairs, two more
follow: the word with its left neighbour and with its right one. If it holds a lexicon, three more: the words that
`lexicon.Around` has."""

OPTIONAL = ("pairs", "lexicon")
"""The tables that a vocabulary need not have; one without them serves where text has spaces."""

MAX_CHARACTERS = 24
"""A longer word, such as a URL, is represented by its first 16 and its last 8 characters."""

_CACHED_WORDS = 32_768
"""Words whose ids, and whose normal forms, are remembered. Either cache is emptied or cut when full."""


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
    """None if the tagger does not look at pairs"""
    lexicon: tuple[str, ...] | None = None
    """The words of each row, joined by spaces: words that mean the same to the tagger share an id. None if the tagger
    does not look for words of several tokens"""

    @classmethod
    def build(
        cls, sentences: Iterable[Sequence[str]], min_count: int = 1, *, with_pairs: bool = False
    ) -> "Vocabulary":
        """The vocabulary of the sentences of a train split.

        Args:
            sentences: the words of each.
            min_count: strings that occur less often are left out of their table, which makes them unknown.
            with_pairs: whether to count pairs of neighbouring words, too.

        Returns:
            Tables sorted by falling count, then by the string.
        """
        words: Counter[str] = Counter()
        paired: Counter[str] = Counter()
        for sentence in sentences:
            words.update(word_of(token) or token for token in sentence)
            if with_pairs:
                paired.update(pairs(sentence))
        counts: dict[str, Counter[str]] = {name: Counter() for name in (*FEATURES, "characters")}
        for word, count in words.items():
            for name, feature in zip(FEATURES, features(word), strict=True):
                counts[name][feature] += count
            for character in _clip(word):
                counts["characters"][character] += count

        def frequent(table: Counter[str]) -> tuple[str, ...]:
            return tuple(string for string, n in sorted(table.items(), key=_by_count) if n >= min_count)

        tables = {name: frequent(table) for name, table in counts.items()}
        return cls(**tables, pairs=frequent(paired) if with_pairs else None)

    @classmethod
    def from_json(cls, tables: Mapping[str, Sequence[str]]) -> "Vocabulary":
        """The inverse of `to_json`.

        Raises:
            KeyError: a table is missing.
            ValueError: a table is not a list of strings, or holds a string twice.
        """
        if not isinstance(tables, Mapping):
            raise ValueError("the vocabulary is not a table")
        some = [name for name in OPTIONAL if tables.get(name) is not None]
        vocabulary = cls(**{name: _checked(name, tables[name]) for name in (*FEATURES, "characters", *some)})
        _check_repeated("lexicon", [word for row in vocabulary.table("lexicon") for word in row.split(" ")])
        return vocabulary

    def to_json(self) -> dict[str, list[str]]:
        """The strings of each table, by its name."""
        some = [name for name in OPTIONAL if getattr(self, name) is not None]
        return {name: list(getattr(self, name)) for name in (*FEATURES, "characters", *some)}

    def table(self, name: str) -> tuple[str, ...]:
        """The strings of a table, which is one of FEATURES, of OPTIONAL, or `characters`."""
        strings: tuple[str, ...] | None = getattr(self, name)
        return strings or ()

    def ids(self, sentence: Sequence[str]) -> tuple[WordIds, ...]:
        """The ids of a sentence's words, none of which may be empty."""
        alone = [self._cache.get(word) or self._remember(word) for word in sentence]
        more: list[Sequence[int]] = []
        if self.pairs is not None:
            paired = [self._pair_ids.get(pair, UNKNOWN) for pair in pairs(sentence)]
            more += [paired[:-1], paired[1:]]
        if self.lexicon is not None:
            around = self._lexicon.around([normal_form(word) for word in sentence])
            more += [[self._lexicon_ids.get(word, UNKNOWN) for word in words] for words in zip(*around, strict=True)]
        if not more:
            return tuple(alone)
        columns = zip(*more, strict=True)
        return tuple(
            WordIds((*word.features, *ids), word.characters) for word, ids in zip(alone, columns, strict=True)
        )

    @property
    def remembered(self) -> int:
        """Words whose ids are remembered."""
        return len(self._cache)

    def _remember(self, word: str) -> WordIds:
        if len(self._cache) >= _CACHED_WORDS:
            self._cache.clear()
        ids = self._cache[word] = self._look_up(word)
        return ids

    def _look_up(self, token: str) -> WordIds:
        word = word_of(token) or token
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
    def _lexicon(self) -> Lexicon:
        return Lexicon(self._lexicon_ids)

    @cached_property
    def _lexicon_ids(self) -> dict[str, int]:
        return {word: n for n, row in enumerate(self.lexicon or (), start=2) for word in row.split(" ")}

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
    """Lower case, digits as 0, and one form of what has several (NFKC: full-width letters; HTML; invisible signs)."""
    # NFKC first: it turns some signs, such as ™, into upper case.
    folded = unicodedata.normalize("NFKC", word_of(word) or word).lower()
    return "".join("0" if character.isdigit() else character for character in folded)


def pairs(sentence: Sequence[str]) -> list[str]:
    """The pairs of neighbouring words, their normal forms joined without a space.

    There are n + 1 for n words: the first and the last are pairs with the sentence's edge, which is the empty string.
    """
    normal = ["", *map(normal_form, sentence), ""]
    return [left + right for left, right in pairwise(normal)]


def shape(word: str) -> str:
    """The kinds of a word's characters; of a run of one kind, two at most: `McDonald's` -> `XxXxx.x`.

    X upper case, x lower case, 0 digit, L letter without case, . anything else.
    """
    kinds = ("X" if c.isupper() else "x" if c.islower() else "0" if c.isdigit() else _other(c) for c in word)
    return "".join(kind * min(2, len(list(run))) for kind, run in groupby(kinds))[:12]


def _other(character: str) -> str:
    return "L" if unicodedata.category(character).startswith("L") else "-" if character == "-" else "."


def _clip(word: str) -> str:
    return word if len(word) <= MAX_CHARACTERS else word[:16] + word[16 - MAX_CHARACTERS :]


def _checked(name: str, strings: Any) -> tuple[str, ...]:
    if not isinstance(strings, list) or not all(isinstance(string, str) for string in strings):
        raise ValueError(f"the vocabulary's {name} are not a list of strings")
    _check_repeated(name, strings)
    return tuple(strings)


def _check_repeated(name: str, strings: Sequence[str]) -> None:
    if len(set(strings)) != len(strings):
        raise ValueError(f"the vocabulary's {name} hold a string twice")


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
