"""Names by where the words around them stand, and how many of each kind a tagger finds.

A word is a token with a letter in it. A name's context is

    after    no word of its sentence stands before it, two or more stand behind it
    before   two or more words stand before it, none behind it
    both     words stand on either side

and of the rest (a heading of one name, a line of a table) it is `little`. What can tell a tagger that an `after` name
is one, apart from its own letters, comes after it. A name is unknown where the training sentences held none of its
words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nerve.model.annotation import Span
from nerve.model.vocabulary import UNKNOWN, Vocabulary
from nerve.training.measure.scores import ScoredSentence

CONTEXTS = ("after", "before", "both", "little")


@dataclass(slots=True)
class Found:
    """How many names there are, and how many of them were found with their boundaries and their label."""

    names: int = 0
    found: int = 0


def context(tokens: Sequence[str], span: Span) -> str:
    """Which of CONTEXTS the name at `span` has."""
    before, after = (sum(map(_is_word, part)) for part in (tokens[: span.start], tokens[span.end :]))
    if before and after:
        return "both"
    if before >= 2 or after >= 2:
        return "before" if before else "after"
    return "little"


def unknown(tokens: Sequence[str], span: Span, vocabulary: Vocabulary) -> bool:
    """Whether the vocabulary has none of the name's words."""
    return all(word.features[0] == UNKNOWN for word in vocabulary.ids(tokens[span.start : span.end]))


def count(
    sentences: Iterable[tuple[Sequence[str], ScoredSentence]], vocabulary: Vocabulary
) -> dict[str, dict[str, Found]]:
    """The gold names of these sentences (tokens and scored names), `known` or `unknown`, by context."""
    counts = {kind: {name: Found() for name in CONTEXTS} for kind in ("known", "unknown")}
    for tokens, names in sentences:
        for span in names.gold:
            kind = "unknown" if unknown(tokens, span, vocabulary) else "known"
            counted = counts[kind][context(tokens, span)]
            counted.names += 1
            counted.found += span in names.predicted
    return counts


def _is_word(token: str) -> bool:
    return any(character.isalpha() for character in token)
