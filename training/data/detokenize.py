"""Gold tokens written as running text, so that a tagger can be measured on raw text against the same gold names.

A corpus of tokens has lost where the spaces were: the rules here restore what English typography fixes. EWT still has
its texts; of the gaps between its tokens the rules restore 97 % (dev, November 2026). Only reports use this.
"""

import re
from collections.abc import Iterable, Sequence

from nerve.model.annotation import Span


def to_document(sentences: Iterable[tuple[Sequence[str], Iterable[Span]]]) -> tuple[str, list[Span]]:
    """Sentences, each its tokens with its names, as one text with the names as spans of its code points, in order.

    A sentence that ends as prose does is followed by a space. Any other is a heading, a list item or a message, and
    those stand on lines of their own, with a blank line after them.
    """
    document = ""
    names: list[Span] = []
    for tokens, spans in sentences:
        if document:
            document += " " if _ENDED.search(document) else "\n\n"
        text, offsets = join(tokens)
        names += (
            Span(len(document) + offsets[span.start][0], len(document) + offsets[span.end - 1][1], span.label)
            for span in spans
        )
        document += text
    return document, names


_ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]]*\Z")


def join(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """The tokens as running text, each unchanged, and the start and end of each in it."""
    text = ""
    offsets: list[tuple[int, int]] = []
    for token, space in zip(tokens, _spaces(tokens), strict=True):
        text += " " * space
        offsets.append((len(text), len(text) + len(token)))
        text += token
    return text, offsets


def _spaces(tokens: Sequence[str]) -> list[bool]:
    """For each token, whether a space stands before it."""
    if all(len(token) == 1 for token in tokens) and any(map(_HAN.match, tokens)):
        return [False] * len(tokens)  # each character is a token, also those of a Latin word or an address
    spaces: list[bool] = []
    open_quotes = {quote for quote in ('"', "'") if _starts_inside(tokens, quote)}
    glue = True  # no space after the previous token
    for position, token in enumerate(tokens):
        before = tokens[position - 1] if position else ""
        after = tokens[position + 1] if position + 1 < len(tokens) else ""
        glued = glues = False  # no space before this token, no space after it
        if token in _OPENING:
            glues = True
        elif token in _CLOSING or _ATTACHED.fullmatch(token):
            glued = True
        elif token == "/" or (token == "-" and _is_hyphen(before, after)):
            glued = glues = True
        elif token in ("#", "@") or token[-1] in "$£€¥":
            glues = after[:1].isalnum()
        elif token in ("'", "’") and _SPLIT_CLITIC.fullmatch(after):
            glued = glues = True
        elif token == "’" or (token == "'" and "'" not in open_quotes and "'" not in tokens[position + 1 :]):
            glued = True  # a genitive's
        elif token in ('"', "'"):
            glued, glues = token in open_quotes, token not in open_quotes
            open_quotes ^= {token}
        glued = glued or _UNSPACED.fullmatch(before[-1:] + token[:1]) is not None
        spaces.append(not (glue or glued))
        glue = glues
    return spaces


# Chinese and Japanese have no spaces between words, nor around their punctuation. A run of katakana is one token of
# ours, so two that the corpus has keep their space.
_UNSPACED = re.compile(
    "(?![\u30a1-\u30ff]{2})[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff0f\uff1a-\uff20\U00020000-\U0003ffff]{2}"
)
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_OPENING = frozenset(("(", "[", "{", "“", "‘", "«", "¿", "¡", "``", "`", "-LRB-", "-LSB-", "-LCB-"))
_CLOSING = frozenset((")", "]", "}", "”", "»", "''", "-RRB-", "-RSB-", "-RCB-"))
_ATTACHED = re.compile(r"[,;:%]|[.!?…]+|['’](?:s|m|d|re|ve|ll)|n['’]t", re.IGNORECASE)
_SPLIT_CLITIC = re.compile("s|t|m|d|re|ve|ll", re.IGNORECASE)  # WNUT17 has "it ' s"

# EWT splits words at hyphens, where the other corpora have only dashes.
_BEFORE_HYPHEN = re.compile("al|el|ex|non|anti|pro|pre|post|co|re|self|well|semi|multi|so", re.IGNORECASE)
_AFTER_HYPHEN = re.compile(
    "based|led|backed|born|run|held|controlled|owned|style|like|related|made|funded|dominated|old|year|year-old|up"
)


def _is_hyphen(before: str, after: str) -> bool:
    return bool(
        _BEFORE_HYPHEN.fullmatch(before) or _AFTER_HYPHEN.fullmatch(after) or (before.isdigit() and after.isdigit())
    )


def _starts_inside(tokens: Sequence[str], quote: str) -> bool:
    """Whether the sentence seems to begin inside a quotation: an odd number of quotation marks, one at its end."""
    return tokens.count(quote) % 2 == 1 and tokens[-1] == quote != tokens[0]
