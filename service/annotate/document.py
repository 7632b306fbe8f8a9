"""What a request sends to be annotated: a text, or the tokens of one sentence.

Both become a `Document`, a text and the tokens of its sentences, before anything else is done with them.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from nerve.model.annotation import MIN_SCORE, Entity, Token, Tokens
from nerve.model.tokenizer import joined, sentences

# Tokens are a list, never another sequence: a text is a sequence of strings, too.
Source = str | list[str]


class Document(NamedTuple):
    """A source as a text with its sentences; tokens are one sentence, with a space between them."""

    text: str
    sentences: Sequence[Tokens]

    @property
    def tokens(self) -> list[Token]:
        """All tokens of the text, in its order."""
        return [token for sentence in self.sentences for token in sentence]


class Annotation(NamedTuple):
    """A document and the entities in it, in the order of the text and without overlap."""

    document: Document
    entities: Sequence[Entity]

    @property
    def likely(self) -> list[Entity]:
        """The entities that an answer has by default: those with a score of MIN_SCORE or more."""
        return [entity for entity in self.entities if entity.score >= MIN_SCORE]


def read(source: Source, most: int = sys.maxsize) -> Document:
    """Return a source as a document; this takes half a second for a text of some megabytes.

    Args:
        source: A text, or tokens.
        most: Stop reading a text once it has more tokens than this.
    """
    if isinstance(source, str):
        return Document(source, sentences(source, most))
    text, tokens = joined(source)
    return Document(text, [tokens] if tokens else [])


def characters(source: Source) -> int:
    """Return the number of characters of the text of the source's document."""
    return len(source) if isinstance(source, str) else max(0, sum(map(len, source)) + len(source) - 1)
