"""Finds patterns in a text, and puts them beside the names that a model has found in it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter

from nerve.model.annotation import Entity
from nerve.model.tags import apart
from nerve.patterns import NAMES, REGIONS
from nerve.patterns.accounts import cards, ibans
from nerve.patterns.found import Found
from nerve.patterns.internet import emails, ip_addresses, urls
from nerve.patterns.phone import phones

Recognizer = Callable[[str], Iterator[Found]]

RECOGNIZERS: dict[str, Recognizer] = {
    "URL": urls,
    "EMAIL": emails,
    "IBAN": ibans,
    "CARD": cards,
    "IP": ip_addresses,
}

_start = attrgetter("start")


class Patterns:
    """The patterns that are asked for, each with the score that it needs: one with a lower score beats nothing."""

    def __init__(self, least: Mapping[str, float], regions: Sequence[str] = REGIONS) -> None:
        """Take the scores by the names of the patterns, and the `regions` of `find`."""
        self._least = least
        self._regions = regions

    def beside(self, text: str, learned: Sequence[Entity]) -> Sequence[Entity]:
        """The learned names and the patterns of a text; see the function `beside`."""
        if not self._least:
            return learned
        return beside(text, learned, find(text, self._least, self._regions, self._least))


def find(
    text: str,
    names: Collection[str] = NAMES,
    regions: Sequence[str] = REGIONS,
    least: Mapping[str, float] = {},
) -> list[Entity]:
    """The entities of these patterns, in the order of the text and without overlap.

    The time is linear in the text, whatever is in it. Where patterns overlap, the one that NAMES has first stands.

    Args:
        text: any text.
        names: which of NAMES to find; they are the labels.
        regions: whose telephone numbers are found without a country code, by ISO 3166.
        least: the scores that patterns need, by name; one with a lower score is not there for the others either.

    Raises:
        ValueError: one of `regions` is none.
    """
    recognizers: dict[str, Recognizer] = {**RECOGNIZERS, "PHONE": partial(phones, regions=regions)}
    entities: list[Entity] = []
    for name in NAMES:
        if name in names:
            found = [
                Entity(start, end, name, text[start:end], score)
                for start, end, score in recognizers[name](text)
                if score >= least.get(name, 0)
            ]
            entities = sorted([*entities, *apart(found, entities)], key=_start)
    return entities


def beside(text: str, learned: Sequence[Entity], patterns: Sequence[Entity]) -> list[Entity]:
    """Learned names and patterns together, in the order of the text and without overlap.

    A pattern stands. Of a name that overlaps one, what is outside of it stays, with the name's label and score, if a
    letter or a digit is in it: in `Ann Lee ann@example.org` that a model takes for one name, `Ann Lee` is left.

    Args:
        text: the text of both.
        learned: in its order and without overlap; and so are
        patterns: those that `find` found.
    """
    if not patterns:
        return list(learned)
    return sorted([*_outside(text, learned, patterns), *patterns], key=_start)


def _outside(text: str, learned: Iterable[Entity], patterns: Sequence[Entity]) -> Iterator[Entity]:
    """The learned names, or what is left of them outside of the patterns."""
    position = 0
    for entity in learned:
        while position < len(patterns) and patterns[position].end <= entity.start:
            position += 1
        if position == len(patterns) or patterns[position].start >= entity.end:
            yield entity
            continue
        reached, number = entity.start, position
        while number < len(patterns) and patterns[number].start < entity.end:
            yield from _piece(text, entity, reached, patterns[number].start)
            reached = patterns[number].end
            number += 1
        yield from _piece(text, entity, reached, entity.end)


def _piece(text: str, entity: Entity, start: int, end: int) -> Iterator[Entity]:
    """A part of a name without what is around its letters and digits, if it has any."""
    while start < end and not text[start].isalnum():
        start += 1
    while start < end and not text[end - 1].isalnum():
        end -= 1
    if start < end:
        yield Entity(start, end, entity.label, text[start:end], entity.score)
