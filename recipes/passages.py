"""Neighbouring sentences that are read as one, so that a transformer sees what stands around a name."""

from collections.abc import Iterable, Iterator, Sequence

from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated
from recipes.silver import UNKNOWN


def passages(sentences: Iterable[Annotated], longest: int) -> Iterator[list[Annotated]]:
    """The sentences in their order, as many together as have `longest` tokens, at least one."""
    passage: list[Annotated] = []
    for sentence in sentences:
        if passage and sum(len(one.tokens) for one in (*passage, sentence)) > longest:
            yield passage
            passage = []
        passage.append(sentence)
    if passage:
        yield passage


def joined(passage: Sequence[Annotated]) -> Annotated:
    """The sentences of a passage as one."""
    tokens: tuple[str, ...] = ()
    spans: list[Span] = []
    unknown: list[Span] = []
    for one in passage:
        spans += _moved(one.spans, len(tokens))
        unknown += _moved(one.unknown, len(tokens))
        tokens += one.tokens
    return Annotated(tokens, tuple(spans), tuple(unknown))


def parted(whole: Annotated, lengths: Sequence[int]) -> Iterator[Annotated]:
    """The sentences of these lengths that a passage was joined from; a span across two of them is unknown in both."""
    start = 0
    for length in lengths:
        end = start + length
        inside = [span for span in whole.spans if start <= span.start and span.end <= end]
        doubtful = [*whole.unknown, *(span for span in whole.spans if span.start < start or span.end > end)]
        cut = [
            Span(max(span.start, start), min(span.end, end), UNKNOWN)
            for span in doubtful
            if span.start < end and start < span.end
        ]
        yield Annotated(whole.tokens[start:end], tuple(_moved(inside, -start)), tuple(_moved(cut, -start)))
        start = end


def _moved(spans: Iterable[Span], by: int) -> list[Span]:
    return [Span(span.start + by, span.end + by, span.label) for span in spans]
