"""The tagging scheme BIO, also called IOB2: its tags, which may follow which, and conversion to spans and back.

Training, decoding and the readers of corpora all use this one definition.

A name with label X has the tag `B-X` at its first token and `I-X` at each later one; every other token has `O`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from nerve.model.annotation import Entity, Span, Token

OUTSIDE = "O"


class TagError(ValueError):
    """A tag sequence is invalid. `position` is the index of the first tag that is."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


def split(tag: str) -> tuple[str, str]:
    """`B-PER` -> (`B`, `PER`); `O` -> (`O`, ``). A label may itself hold hyphens.

    Raises:
        ValueError: the tag is none of `O`, `B-label`, `I-label`.
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, hyphen, label = tag.partition("-")
    if prefix not in ("B", "I") or not hyphen or not label:
        raise ValueError(f"{tag!r} is not a tag: O, B-label or I-label")
    return prefix, label


def tags_of(labels: Iterable[str]) -> tuple[str, ...]:
    """All tags for these labels, `O` first, then `B-` and `I-` of each label in the order given."""
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in "BI"))


def labels_of(tags: Iterable[str]) -> tuple[str, ...]:
    """The labels that occur in these tags, sorted."""
    return tuple(sorted({label for _, label in map(split, tags) if label}))


def may_follow(previous: str, tag: str) -> bool:
    """Whether `tag` may come right after `previous`; the first tag counts as one after `O`.

    This is the whole scheme: `I-X` needs a name of label X before it, and all other tags may follow any tag.
    """
    prefix, label = split(tag)
    return prefix != "I" or split(previous)[1] == label


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The names that a valid tag sequence marks, in order.

    Raises:
        TagError: at the first tag that may not follow the one before it.
    """
    spans: list[Span] = []
    previous, start = OUTSIDE, 0
    for position, tag in enumerate((*tags, OUTSIDE)):
        try:
            allowed = may_follow(previous, tag)
        except ValueError as error:
            raise TagError(position, str(error)) from None
        if not allowed:
            raise TagError(position, f"{tag} may not follow {previous}")
        if not tag.startswith("I"):
            if previous != OUTSIDE:
                spans.append(Span(start, position, split(previous)[1]))
            start = position
        previous = tag
    return spans


def tags_from(spans: Iterable[Span], length: int) -> tuple[str, ...]:
    """The tags of a sentence of `length` tokens that holds these spans.

    Raises:
        ValueError: a span is empty, reaches outside the sentence or overlaps another.
    """
    tags = [OUTSIDE] * length
    for span in spans:
        if not 0 <= span.start < span.end <= length:
            raise ValueError(f"{span} is empty or outside a sentence of {length} tokens")
        if any(tag != OUTSIDE for tag in tags[span.start : span.end]):
            raise ValueError(f"{span} overlaps another span")
        tags[span.start : span.end] = [f"B-{span.label}", *[f"I-{span.label}"] * (span.end - span.start - 1)]
    return tuple(tags)


def spans_over(entities: Iterable[Entity], tokens: Sequence[Token]) -> list[Span]:
    """The tokens of which each entity has a character: a pattern may begin or end inside of one.

    Args:
        entities: without overlap.
        tokens: those of the text, in its order.
    """
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]
    return [
        Span(bisect_right(ends, entity.start), bisect_left(starts, entity.end), entity.label) for entity in entities
    ]


def apart(entities: Iterable[Entity], others: Sequence[Entity]) -> Iterator[Entity]:
    """The entities that overlap none of `others`; both are in the order of the text and without overlap."""
    position = 0
    for entity in entities:
        while position < len(others) and others[position].end <= entity.start:
            position += 1
        if position == len(others) or others[position].start >= entity.end:
            yield entity


def without_overlap(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans, in their order: a token of several belongs to the first, and a span without another is left out."""
    reached = 0
    for span in spans:
        start = max(span.start, reached)
        if start < span.end:
            yield Span(start, span.end, span.label)
            reached = span.end
