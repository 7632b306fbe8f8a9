"""What the sentences of one text tell each other: equal words share what the tagger makes of them elsewhere.

A sentence that says little of a name (`MERKEL WINS`) gets help from one that says more (`Angela Merkel, the German
chancellor, …`), as token majority does for Krishnan and Manning (2006) and document memory for Luo et al. (2020).
Nothing is learned for it, so every tagger has it. In Chinese, whose tokens are characters, a character of a name
shares with the same one wherever the name stands again. For each occurrence t of what recurs in a text,

    m_t    the CRF's marginals in its own sentence, summed for each label, and no name as the last one
    q      mean of m over all occurrences, each weighted by max(m)^4
    e_t'   e_t + 0.3 (log q - log m_t), in the emissions of both tags of each label

so that the label's odds become a geometric mean of what its sentence and what the text says, and equal evidence
changes nothing. Only sentences with a word whose best label differs from the best one of q are decoded again.
docs/decisions/document-context.md has the figures.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, filterfalse
from math import log
from operator import add, itemgetter

from nerve.model.annotation import Tokens
from nerve.model.tokenizer import HAN

SHARE = 0.3
"""How much of the evidence comes from the text; the rest is the sentence's own. A tagger that knows the kind of text
well loses with 0.5 and more."""

SHARPNESS = 4
"""The power of an occurrence's highest marginal that is its weight: who is sure has more to say."""

FLOOR = 0.001
"""Added to each probability before its logarithm is taken."""

LONGEST_NAME = 32
"""Characters of the longest Chinese name that is looked for, so that time is linear in any text."""

Word = str | tuple[str, int]
"""What recurs: a word, or of a Chinese name one character, as the name and the position in it."""

Occurrence = tuple[int, Word]
"""The position of a token in its sentence, and what it is an occurrence of."""

_HAN_PAIR = re.compile(f"[{HAN}].|.[{HAN}]", re.DOTALL)


def recurring(sentences: Sequence[Tokens]) -> list[list[Occurrence]]:
    """For each sentence of a text, the occurrences of words that occur more than once in it.

    Words are those of two or more characters, at least one of them in upper case; case makes no difference between
    two of them. A text of one sentence has none: there is no other sentence to learn from.
    """
    if len(sentences) < 2:
        return [[] for _ in sentences]
    # Most words are in lower case, and this tells them in half of the time.
    others = filterfalse(str.islower, chain.from_iterable(sentence.words for sentence in sentences))
    words = [word for text in others if (word := text.lower()) != text and len(word) > 1]
    if len(set(words)) == len(words):
        return [[] for _ in sentences]
    same = {word: word for word, count in Counter(words).items() if count > 1}  # one string, however often it occurs
    return [
        [
            (position, word)
            for position, text in enumerate(sentence.words)
            if not text.islower() and (word := same.get(text.lower(), text)) != text
        ]
        for sentence in sentences
    ]


def recurring_characters(sentences: Sequence[Tokens]) -> list[list[int]]:
    """For each sentence of a text, the positions of the characters that may be of a Chinese name that recurs in it.

    Those are all of pairs of neighbours that the text has more than once: two characters, one of them Han at least,
    for the other may be the dot of a name. A text of one sentence has none.
    """
    if len(sentences) < 2:
        return [[] for _ in sentences]
    pairs = [list(map(add, sentence.words, sentence.words[1:])) for sentence in sentences]
    counts = Counter(pair for pair in chain.from_iterable(pairs) if len(pair) == 2)
    again = {pair for pair, count in counts.items() if count > 1 and _HAN_PAIR.fullmatch(pair)}
    if not again:
        return [[] for _ in sentences]
    return [
        sorted({place for n, pair in enumerate(of_sentence) if pair in again for place in (n, n + 1)})
        for of_sentence in pairs
    ]


class Names:
    """Chinese names that were found in a text, to be looked for in all of it.

    Args:
        names: of `LONGEST_NAME` characters at most; longer ones are left out.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name for name in names if len(name) <= LONGEST_NAME}
        self._lengths: dict[str, list[int]] = {}
        """how long those are that begin with a character, the longest first"""
        for first, length in sorted({(name[0], len(name)) for name in self._names}, key=itemgetter(1), reverse=True):
            self._lengths.setdefault(first, []).append(length)

    def occurrences(self, words: Sequence[str], positions: Sequence[int]) -> list[Occurrence]:
        """Where they stand in a sentence, character by character: from the left, each time the longest.

        Args:
            words: the tokens of the sentence.
            positions: where to look, in order, as `recurring_characters` gives them.
        """
        if not self._names:
            return []
        found: list[Occurrence] = []
        text = "".join(word if len(word) == 1 else "\0" for word in words)
        usable = set(positions)
        reached = 0
        for start in positions:
            for length in self._lengths.get(text[start], ()) if start >= reached else ():
                name, places = text[start : start + length], range(start, start + length)
                if name in self._names and usable.issuperset(places):
                    found += [(place, (name, place - start)) for place in places]
                    reached = places.stop
                    break
        return found


def pooled(occurrences: Iterable[tuple[Word, Sequence[float]]]) -> dict[Word, list[float]]:
    """What a text says of each word: the weighted mean of its marginals.

    Args:
        occurrences: each a word, or a character of a name, and its marginals m.

    Returns:
        q of each word.
    """
    sums: dict[Word, list[float]] = {}
    weights: dict[Word, float] = {}
    for word, marginals in occurrences:
        weight = max(marginals) ** SHARPNESS
        weighted = [weight * probability for probability in marginals]
        if word in sums:
            sums[word] = [total + more for total, more in zip(sums[word], weighted, strict=True)]
            weights[word] += weight
        else:
            sums[word], weights[word] = weighted, weight
    return {word: [total / weights[word] for total in of_word] for word, of_word in sums.items()}


def disagree(marginals: Sequence[float], of_text: Sequence[float]) -> bool:
    """Whether the best label of an occurrence is another one than the text's."""
    return marginals.index(max(marginals)) != of_text.index(max(of_text))


def change(marginals: Sequence[float], of_text: Sequence[float]) -> list[float]:
    """What is added to the emissions of each label's tags: 0.3 (log q - log m)."""
    return [SHARE * log((whole + FLOOR) / (own + FLOOR)) for own, whole in zip(marginals, of_text, strict=True)]
