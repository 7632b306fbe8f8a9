"""Silver annotation: the sentences of plain text, and names of which two teachers are sure.

`recipes.chinese` calls it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import count

from nerve.model.annotation import Span
from nerve.model.tokenizer import tokenize
from nerve.training.data.annotated import Annotated

UNKNOWN = "X"
"""The label of a span of which nobody knows what it is; the configurations of trainings map it to `?`."""

SHORTEST, LONGEST = 6, 90
"""Characters of a sentence worth learning from."""

_SENTENCE = re.compile(r"[^。！？；\n]+[。！？；]?[”」』）]*")
_HAN = re.compile("[\u4e00-\u9fff]")
# What Wikipedia writes where simplified and traditional differ: -{zh-tw:莱恩;zh-cn:瑞安}-
_VARIANTS = re.compile(r"-\{(?:[^{}]*?zh-(?:cn|hans|tw):)?([^;{}]*)[^{}]*\}-")


def sentences(text: str) -> Iterator[str]:
    """The Chinese sentences of a text, each once; short and long ones, and those mostly in Latin, are left out."""
    seen = set()
    for found in _SENTENCE.findall(_VARIANTS.sub(r"\1", text)):
        sentence = found.strip()
        mostly_han = len(_HAN.findall(sentence)) >= 0.4 * len(sentence.replace(" ", ""))
        if SHORTEST <= len(sentence) <= LONGEST and mostly_han and sentence not in seen:
            seen.add(sentence)
            yield sentence


def aligned(text: str, spans: Iterable[Span]) -> Annotated:
    """The text as our tokenizer cuts it, with these spans of its characters; one that cuts a token is unknown."""
    tokens = tokenize(text)
    begins = {token.start: n for n, token in enumerate(tokens)}
    ends = {token.end: n + 1 for n, token in enumerate(tokens)}
    exact, unknown = [], set[int]()
    for span in spans:
        if span.start in begins and span.end in ends:
            exact.append(Span(begins[span.start], ends[span.end], span.label))
        else:  # two spans may cut one token
            unknown |= {n for n, token in enumerate(tokens) if token.start < span.end and span.start < token.end}
    return Annotated(tuple(token.text for token in tokens), tuple(exact), runs(unknown))


def agreed(first: Annotated, second: Iterable[Span]) -> Annotated:
    """The first teacher's sentence with the names that are sure, and unknown what else one of the two marks.

    Sure are the names that both mark, and the first's organisations and places unless the second has a name that
    reaches beyond them. On news (dev of msra), of the names that the first marks alone two in three organisations and
    places are right, and fewer than half of the persons.
    """
    others = set(second)
    sure = [
        span
        for span in first.spans
        if span in others
        or (
            span.label != "PER"
            and all(
                span.start <= other.start and other.end <= span.end
                for other in others
                if other.start < span.end and span.start < other.end
            )
        )
    ]
    certain = {n for span in sure for n in range(span.start, span.end)}
    marked = {n for span in (*first.spans, *first.unknown, *others) for n in range(span.start, span.end)}
    return Annotated(first.tokens, tuple(sure), runs(marked - certain))


def runs(unknown: set[int]) -> tuple[Span, ...]:
    """Neighbouring tokens as spans of which nobody knows what they are."""
    starts = sorted(n for n in unknown if n - 1 not in unknown)
    return tuple(Span(start, next(n for n in count(start) if n not in unknown), UNKNOWN) for start in starts)
