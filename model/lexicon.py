"""The lexicon: known words among the tokens of a text that is written without spaces, as Chinese is.

Where a token is a single character, a word is several tokens, and a tagger has to guess which of them belong
together. Each token is told the longest word of the lexicon that begins with it, the longest that ends with it, and
the longest around it. Ma et al. 2020 ("Simplify the Usage of Lexicon in Chinese NER", section 3.2) take a weighted
mean of all such words, and a fourth set, of words of one token; here every token has an embedding anyway.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Around(NamedTuple):
    """The longest words of a lexicon at one token; an empty string where there is none."""

    begins: str
    ends: str
    inside: str


class Lexicon:
    """Words of several tokens.

    Args:
        words: the words, in their normal form. They are kept as they are: a set or a dictionary finds one quickly.
    """

    def __init__(self, words: Collection[str]) -> None:
        self._words = words
        # A search for words ends where none begins in this way.
        self._beginnings = {word[:end] for word in words for end in range(1, len(word))}

    def around(self, tokens: Sequence[str]) -> list[Around]:
        """The longest words at each token.

        Args:
            tokens: the tokens of a sentence, in their normal form. Two or more that follow each other, joined without
                a space, may be a word.
        """
        begins, ends, inside = ([""] * len(tokens) for _ in Around._fields)
        for start, text in enumerate(tokens):
            for end in range(start + 1, len(tokens)):
                if text not in self._beginnings:
                    break
                text += tokens[end]
                if text in self._words:
                    begins[start] = text
                    ends[end] = ends[end] or text  # one that began earlier is longer
                    for middle in range(start + 1, end):
                        inside[middle] = max(inside[middle], text, key=len)
        return [Around(*words) for words in zip(begins, ends, inside, strict=True)]
