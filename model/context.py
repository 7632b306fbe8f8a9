"""What the sentences of one text tell each other: equal words share what the tagger makes of them elsewhere.

A sentence that says little of a name (`MERKEL WINS`) gets help from one that says more (`Angela Merkel, the German
chancellor, …`), as token majority does for Krishnan and Manning (2006) and document memory for Luo et al. (2020).
Nothing is learned for it, so every tagger has it. For each occurrence t of a word that recurs in a text,

    m_t    the CRF's marginals in its own sentence, summed for each label, and no name as the last one
    q      mean of m over all occurrences, each weighted by max(m)^4
    e_t'   e_t + 0.3 (log q - log m_t), in the emissions of both tags of each label

so that the label's odds become a geometric mean of what its sentence and what the text says, and equal evidence
changes nothing. Only sentences with a word whose best label differs from the best one of q are decoded again.
docs/decisions/document-context.md has the figures.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, filterfalse
from math import log

from nerve.model.annotation import Tokens

SHARE = 0.3
"""How much of the evidence comes from the text; the rest is the sentence's own. A tagger that knows the kind of text
well loses with 0.5 and more."""

SHARPNESS = 4
"""The power of an occurrence's highest marginal that is its weight: who is sure has more to say."""

FLOOR = 0.001
"""Added to each probability before its logarithm is taken."""

Occurrence = tuple[int, str]
"""The position of a token in its sentence, and the word that it is an occurrence of."""


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


def pooled(occurrences: Iterable[tuple[str, Sequence[float]]]) -> dict[str, list[float]]:
    """What a text says of each word: the weighted mean of its marginals.

    Args:
        occurrences: each a word and its marginals m.

    Returns:
        q of each word.
    """
    sums: dict[str, list[float]] = {}
    weights: dict[str, float] = {}
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
