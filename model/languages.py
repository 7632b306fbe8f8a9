"""In which language and script a text is, and whether a model reads it.

In a language that a model never saw it finds names that are none. So the recognizer gives it only the sentences that
it reads, and `auto` chooses a model for each text and for each sentence that this model does not read. Two signs tell
a language:

- the script of most letters, which is enough for Korean, Thai or Greek;
- in Latin letters, function words, and words in lower case with letters that only some languages have
  (`function_words`).

Names have neither sign, so a sentence of names alone is read, and a sentence is refused only if its signs are clear.
Nothing is learned here, and each word is looked up once.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import chain, compress, islice
from typing import Any, NamedTuple

from nerve.model.annotation import Tokens
from nerve.model.function_words import LETTERS, WORDS

LEAST_WORDS = 2
"""Words of a foreign language that a sentence must have, at least, to be in it; only those count that the model's own
language does not have. Measured in docs/languages.md, as the next two."""

LEAST_RATIO = 2
"""How many times as many as the words that only the model's own language has."""

MOST_WORDS = 1_000
"""Words of a text that are counted at most, so that time is linear in any text."""

KANA_SHARE = 5
"""Text in Han and Kana is Japanese if one in so many of its letters is Kana. Of the letters of a Japanese text in
several sentences one in so many, at most, is in a sentence without Kana."""

LATIN = "Latin"

_LANGUAGES = {"Han": "zh", "Kana": "ja", "Hangul": "ko", "Thai": "th", "Greek": "el", "Hebrew": "he"}
_LANGUAGES |= {"Georgian": "ka", "Armenian": "hy"}
"""Scripts that tell the language; Cyrillic, Arabic and Devanagari have several."""

_SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(WORDS, (LATIN,)),
    **{code: (script,) for script, code in _LANGUAGES.items()},
    **{"ja": ("Kana", "Han"), "ko": ("Hangul", "Han"), "sr": (LATIN, "Cyrillic")},
    **dict.fromkeys(("be", "bg", "mk", "ru", "uk"), ("Cyrillic",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("Arabic",)),
    **dict.fromkeys(("hi", "mr", "ne"), ("Devanagari",)),
}
"""The scripts of the languages that are known here."""

_SUBTAGS = {"Latn": LATIN, "Cyrl": "Cyrillic", "Hans": "Han", "Hant": "Han"}
"""Scripts by their subtags in BCP 47."""

_UNICODE = {"Cjk": "Han", "Ideographic": "Han", "Hiragana": "Kana", "Katakana": "Kana"}
_NO_SCRIPT = {
    "Fullwidth",
    "Halfwidth",
    "Mathematical",
    "Modifier",
    "Double-Struck",
    "Script",
    "Black-Letter",
    "Turned",
}
_NO_SCRIPT |= {"Masculine", "Feminine", "Micro", "Ohm", "Kelvin", "Angstrom", "Euler", "Planck", "Katakana-Hiragana"}
"""The first word of a letter's name in Unicode is its script, but for these."""

_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN_LETTER = re.compile(r"[^\W\d_\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Language:
    """The language of a sentence or of a text, as a model sees it."""

    code: str | None
    """BCP 47, such as `ko`; None if the words do not tell"""
    script: str | None
    """that of most letters, such as `Hangul`; None without letters"""
    supported: bool
    """whether the model reads it"""

    def to_json(self) -> dict[str, Any]:
        """The language as JSON."""
        return {"code": self.code, "script": self.script, "supported": self.supported}


class Signs(NamedTuple):
    """What tells the language of some words.

    Attributes:
        letters: How many letters each script has.
        words: The words of each language, as bits: one for each different word.
    """

    letters: Counter[str]
    words: dict[str, int]

    @property
    def script(self) -> str | None:
        """The script of most letters: Latin if two have as many, None without letters."""
        counts, han, kana = dict(self.letters), self.letters["Han"], self.letters["Kana"]
        if kana and KANA_SHARE * kana >= han + kana:
            counts |= {"Han": 0, "Kana": han + kana}
        return max(counts, key=lambda script: (counts[script], script == LATIN), default=None)

    def best(self, codes: Iterable[str]) -> tuple[int, str | None]:
        """The most words of one of these languages, and the first that has so many; 0 and None if none has any."""
        found = ((self.words[code].bit_count(), code) for code in codes if code in self.words)
        return max(found, key=lambda pair: pair[0], default=(0, None))


class Languages:
    """The languages that a model reads.

    Args:
        tags: a BCP 47 tag, or several with commas between them, such as `da,nb,sr-Latn`. If one of them is not known
            here, such as `und`, the model reads everything.
    """

    def __init__(self, tags: str) -> None:
        scripts: dict[str, list[str]] = {}
        for tag in tags.split(","):
            first, *others = tag.strip().split("-")
            for code in ("nb", "nn") if first.lower() == "no" else (first.lower(),):
                named = [_SUBTAGS[other] for other in others if other in _SUBTAGS]
                scripts.setdefault(code, []).extend(named or _SCRIPTS.get(code, ()))
        self.codes = tuple(scripts)
        self._everything = any(code not in _SCRIPTS for code in scripts)
        self._scripts = frozenset(script for of_code in scripts.values() for script in of_code)

    def of(self, sentences: Sequence[Tokens]) -> list[Language]:
        """The language of each sentence of one text: where its own words do not tell it, that of the text."""
        signs = _signs_of_each(sentences)
        clear = [self._clear(of_sentence) for of_sentence in signs]
        if all(clear):
            return [language for language in clear if language]
        text = self.of_text(sentences)
        return [
            language or Language(text.code, of_sentence.script, text.supported)
            for language, of_sentence in zip(clear, signs, strict=True)
        ]

    def of_text(self, sentences: Sequence[Tokens]) -> Language:
        """The language of most of a text."""
        signs = signs_of(chain.from_iterable(sentence.words for sentence in sentences))
        return self._clear(signs) or Language(signs.best(self.codes)[1], signs.script, True)

    def readable(self, sentences: Sequence[Tokens]) -> list[bool]:
        """Whether the model reads each sentence of one text: what `of` finds, in less time."""
        if self._everything or not self._doubtful(sentences):
            return [True] * len(sentences)
        return [language.supported for language in self.of(sentences)]

    def suits(self, signs: Signs) -> tuple[int, int]:
        """How well the model suits a text: by its script, and then by the number of words of one of its languages."""
        script = signs.script or LATIN
        if script == LATIN and signs.letters["Han"] and not signs.words:
            script = "Han"  # a Chinese sentence with long names in Latin letters
        return (2 if script in self._scripts else int(self._everything)), signs.best(self.codes)[0]

    def _doubtful(self, sentences: Sequence[Tokens]) -> bool:
        """Whether a text has enough signs of another language that one of its sentences may be in it.

        One word is not enough, unless the model's languages differ in other words, too.
        """
        found: set[str] = set()
        for sentence in sentences:
            words: Iterable[str] = sentence.words
            together = "".join(words)
            if not together.isascii() and _FOREIGN_LETTER.search(together):
                return True
            if next(filter(str.isalpha, filter(str.islower, words)), None) is None:
                words = map(str.lower, words)  # it may be a headline in capitals
            found |= self._foreign_words.intersection(words)
        return len(found) >= (LEAST_WORDS if len(self.codes) == 1 else 1)

    @cached_property
    def _foreign_words(self) -> frozenset[str]:
        """The function words that no language of the model has, in lower case and with a capital."""
        words = frozenset(word for word, codes in _codes_by_word().items() if not set(codes).intersection(self.codes))
        return words | frozenset(map(str.capitalize, words))

    def _clear(self, signs: Signs) -> Language | None:
        """The language of some words; None if they do not tell whether the model reads it."""
        script = signs.script
        if script not in (None, LATIN):
            return Language(_LANGUAGES.get(script or ""), script, self._everything or script in self._scripts)
        if self._everything or any(signs.letters[other] for other in self._scripts - {LATIN}):
            return Language(signs.best(WORDS)[1], script, True)
        most, foreign = signs.best(code for code in WORDS if code not in self.codes)
        if foreign and all(_clearly(signs.words[foreign], signs.words.get(code, 0)) for code in self.codes):
            return Language(foreign, script, False)
        own, code = signs.best(self.codes)
        return Language(code, script, True) if own > most else None


def _signs_of_each(sentences: Sequence[Tokens]) -> list[Signs]:
    """The signs of each sentence of one text. In a Japanese text, those in Han alone are Japanese, too."""
    signs = [signs_of(sentence.words) for sentence in sentences]
    letters = {"Han": 0, "Kana": 0}
    for one in signs:
        if one.script in letters:
            letters[one.script] += one.letters["Han"] + one.letters["Kana"]
    if not 0 < KANA_SHARE * letters["Han"] <= letters["Han"] + letters["Kana"]:
        return signs
    return [Signs(Counter(Kana=one.letters["Han"]), one.words) if one.script == "Han" else one for one in signs]


def _clearly(foreign: int, own: int) -> bool:
    """Whether words are clearly those of a foreign language, given the bits of its words and of our language's."""
    only_foreign, only_own = (foreign & ~own).bit_count(), (own & ~foreign).bit_count()
    return only_foreign >= max(LEAST_WORDS, LEAST_RATIO * only_own)


def most_suitable(models: Sequence[Languages], text: str) -> int:
    """The index of the model that suits a text best; the first if several do.

    For a text in Han that is a model of a language in Han, if there is one; for a text in Latin letters, the model
    one of whose languages has the most words in it.
    """
    if len(models) == 1:
        return 0
    signs = signs_of(_WORD.findall(text))
    return max(range(len(models)), key=lambda number: models[number].suits(signs))


def division(models: Sequence[Languages], sentences: Sequence[Tokens]) -> list[list[Tokens]]:
    """The sentences of one text that each model is to read, in their order.

    Args:
        models: the one that suits the text best, and then the others.
        sentences: all sentences of the text.

    Returns:
        For each model its sentences. The first has all that it reads and all that no model reads, each of the others
        those that it suits best of the models that read them.
    """
    of_each: list[list[Tokens]] = [[] for _ in models]
    for sentence, reader in zip(sentences, _readers(models, sentences), strict=True):
        of_each[reader].append(sentence)
    return of_each


def languages_of(models: Sequence[Languages], sentences: Sequence[Tokens]) -> list[Language]:
    """The language of each sentence of one text, as the model sees it that reads the sentence; see `division`."""
    of_each = [model.of(sentences) for model in models]
    return [of_each[reader][n] for n, reader in enumerate(_readers(models, sentences))]


def _readers(models: Sequence[Languages], sentences: Sequence[Tokens]) -> list[int]:
    """The number of the model that reads each sentence; 0 if none does."""
    first = models[0].readable(sentences) if len(models) > 1 else [True]
    if all(first):
        return [0] * len(sentences)
    readable = list(zip(first, *(model.readable(sentences) for model in models[1:]), strict=True))

    def reader(sentence: Tokens, readable: Sequence[bool]) -> int:
        if readable[0] or not any(readable):
            return 0
        signs = signs_of(sentence.words)
        return max(compress(range(len(models)), readable), key=lambda model: models[model].suits(signs))

    return list(map(reader, sentences, readable))


def signs_of(words: Iterable[str]) -> Signs:
    """The signs in the words of a sentence or of a text. URLs, numbers and marks among them have none."""
    words = [word for word in words if word.isalpha() or not word.isascii()]
    counted = [word for word in words if word.islower()]
    if words and not counted and len(words) > 1 and all(map(str.isupper, words)):
        counted = [word.lower() for word in words]  # a headline in capitals
    elif words and words[0].istitle():
        counted.append(words[0].lower())
    bits: dict[str, int] = {}
    telling = (codes for word in dict.fromkeys(counted) if (codes := _codes_of(word)))
    for number, codes in enumerate(islice(telling, MOST_WORDS)):
        for code in codes:
            bits[code] = bits.get(code, 0) | 1 << number
    return Signs(_letters("".join(words)), bits)


def _letters(text: str) -> Counter[str]:
    if text.isascii():
        return Counter({LATIN: len(text)} if text else {})
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha() and (script := _script(character)):
            counts[script] += count
    return counts


@lru_cache(8192)
def _script(letter: str) -> str | None:
    name = unicodedata.name(letter, "").partition(" ")[0].title()
    return None if not name or name in _NO_SCRIPT else _UNICODE.get(name, name)


def _codes_of(word: str) -> tuple[str, ...]:
    """The languages that have a word in lower case. A word of one letter tells nothing."""
    if len(word) < 2:
        return ()
    listed = _codes_by_word().get(word, ())
    if word.isascii():
        return listed
    special = "".join(letter for letter in word if not letter.isascii())
    return tuple({*listed, *(code for code, letters in LETTERS.items() if all(one in letters for one in special))})


@cache
def _codes_by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for code, words in WORDS.items():
        for word in words:
            found[word] = (*found.get(word, ()), code)
    return found
