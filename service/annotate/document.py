"""What a request gives to be annotated: a text, or the tokens of one sentence. Here both become a text and the tokens
of its sentences, before anything else is done with them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from nerve.model.annotation import Entity, Token
from nerve.model.tokenizer import joined, sentences

# A sentence's tokens come as a list, so that a text, itself a sequence of strings, is told apart.
Source = str | list[str]


class Document(NamedTuple):
    """A source as a text with its sentences. Tokens that were given make one, with a space between them."""

    text: str
    sentences: Sequence[Sequence[Token]]

    @property
    def tokens(self) -> list[Token]:
        return [token for sentence in self.sentences for token in sentence]


class Annotation(NamedTuple):
    """A document and the entities that a model found in it, in its order and without overlap."""

    document: Document
    entities: list[Entity]


def read(source: Source) -> Document:
    """Takes half a second for a text of some megabytes."""
    if isinstance(source, str):
        return Document(source, sentences(source))
    text, tokens = joined(source)
    return Document(text, [tokens] if tokens else [])


def characters(source: Source) -> int:
    """Of the text that the source is, or makes."""
    return len(source) if isinstance(source, str) else max(0, sum(map(len, source)) + len(source) - 1)
