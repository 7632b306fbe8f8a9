"""A text with spans of characters as sentences of tokens with tags.

Our own tokenizer cuts the text. A token is cut further where a span begins or ends inside it, and two sentences are
joined where a span reaches from one into the other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from nerve.model import tokenizer
from nerve.model.annotation import Sentence, Span, Token
from nerve.model.tags import tags_from


def sentences(text: str, spans: Sequence[Span]) -> list[Sentence]:
    """The sentences of a text.

    Args:
        text: The text.
        spans: Its names, in order and apart, none of white space only. Offsets count code points.
    """
    found = []
    edges = sorted({edge for span in spans for edge in (span.start, span.end)})
    waiting = list(reversed(spans))
    for tokens in _joined(tokenizer.sentences(text), spans):
        pieces = [piece for token in tokens for piece in _cut(token, edges)]
        starts, ends = [piece.start for piece in pieces], [piece.end for piece in pieces]
        here = []
        while waiting and waiting[-1].start < ends[-1]:
            span = waiting.pop()
            here.append(Span(bisect_left(starts, span.start), bisect_right(ends, span.end), span.label))
        found.append(Sentence(tuple(piece.text for piece in pieces), tags_from(here, len(pieces))))
    return found


def cutting(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans that begin or end inside a token of our tokenizer."""
    if not spans:
        return []
    tokens = tokenizer.tokenize(text)
    starts = [token.start for token in tokens]

    def inside(offset: int) -> bool:
        before = bisect_left(starts, offset) - 1  # the last token that starts before it
        return before >= 0 and offset < tokens[before].end

    return [span for span in spans if inside(span.start) or inside(span.end)]


def _joined(tokenized: Sequence[Sequence[Token]], spans: Sequence[Span]) -> Iterator[list[Token]]:
    """The sentences, joined where a span reaches from one into the next."""
    joined: list[Token] = []
    upcoming = 0
    for tokens in tokenized:
        while upcoming < len(spans) and spans[upcoming].end <= tokens[0].start:
            upcoming += 1
        # The first span that ends after the start of this sentence: does it start before the end of the last one?
        if joined and not (upcoming < len(spans) and spans[upcoming].start < joined[-1].end):
            yield joined
            joined = []
        joined.extend(tokens)
    if joined:
        yield joined


def _cut(token: Token, edges: Sequence[int]) -> Iterator[Token]:
    inner = edges[bisect_right(edges, token.start) : bisect_left(edges, token.end)]
    bounds = [token.start, *inner, token.end]
    for start, end in pairwise(bounds):
        yield Token(token.text[start - token.start : end - token.start], start, end)
