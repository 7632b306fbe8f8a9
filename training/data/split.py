"""The documents of a file divided into train, dev and test, or into folds.

Neighbouring sentences share names, so a tagger that learned one of them knows half of the other. Therefore all of a
document is on one side, and a text that is there twice is on one side only. Each side gets its share of every label,
which chance would give to one side or the other where it is rare (Sechidis, Tsoumakas and Vlahavas 2011).
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from nerve.model.annotation import Sentence
from nerve.model.tags import spans_of
from nerve.training.data.formats import Document
from nerve.training.data.quality.examined import FEWEST_DOCUMENTS, same_text

RUNS, LONGEST_RUN = 50, 20
"""Where documents are not known, a file is cut into so many runs of neighbours, none longer than this."""

_DEV_SHARE = 0.1
_SENTENCES = ""
_ROUNDS = 10


class SplitError(ValueError):
    """Documents cannot be divided as wished; the message is one line."""


@dataclass(frozen=True)
class Units:
    """What stays together: the places of the documents of each unit, in order."""

    places: tuple[tuple[int, ...], ...]
    what: str
    """such as `52 documents`"""


@dataclass(frozen=True)
class Division:
    """A file's documents by split, each in the order of the file."""

    splits: dict[str, list[Document]]
    units: Units
    left_out: int
    """texts that are held out, and were left out of a side that learns or chooses"""

    @property
    def summary(self) -> str:
        """How the file was divided, in one line."""
        parts = ", ".join(f"{name} {len(documents):,}" for name, documents in self.splits.items())
        line = f"divided by {self.units.what}: {parts}"
        if self.left_out:
            texts = "1 text is" if self.left_out == 1 else f"{self.left_out:,} texts are"
            line += f"; {texts} left out, because the same text is held out"
        return line


def divided(documents: Sequence[Document], shares: Mapping[str, float], seed: int) -> Division:
    """Divide documents into splits of these shares.

    Args:
        documents: The documents of one file.
        shares: The share of each split, of any sum; the split that learns comes first.
        seed: Of the order in which documents are given away.

    Raises:
        SplitError: There are fewer documents than splits.
    """
    read = [document.sentences() for document in documents]
    units = together(documents, read)
    sides = _dealt(units.places, read, tuple(shares.values()), seed)
    return _division(documents, units, dict(zip(shares, sides, strict=True)))


def fold(documents: Sequence[Document], number: int, count: int, seed: int) -> Division:
    """Divide documents for cross-validation: one of `count` equal parts is test, a tenth of all is dev.

    Args:
        documents: The documents of one file.
        number: Which part is test, from 1.
        count: Of the parts. The test splits of all numbers together are the file.
        seed: As in `divided`.

    Raises:
        SplitError: There are fewer documents than parts, or than splits.
    """
    read = [document.sentences() for document in documents]
    units = together(documents, read)
    parts = _dealt(units.places, read, (1.0,) * count, seed)
    test = parts.pop(number - 1)
    tested = set(test)
    rest = [places for places in units.places if not tested.issuperset(places)]
    train, dev = _dealt(rest, read, (1 - 1 / count - _DEV_SHARE, _DEV_SHARE), seed)
    return _division(documents, units, {"train": train, "dev": dev, "test": test})


def together(documents: Sequence[Document], read: Sequence[Sequence[Sentence]]) -> Units:
    """What must not be divided: documents that the file names, else texts of several sentences, else neighbours.

    Args:
        documents: The documents of one file.
        read: The sentences of each.
    """
    named: dict[str, list[int]] = {}
    for place, document in enumerate(documents):
        named.setdefault(document.group or f"\0{place}", []).append(place)
    if len({document.group for document in documents if document.group}) >= FEWEST_DOCUMENTS:
        return Units(tuple(map(tuple, named.values())), f"{len(named):,} documents")
    if sum(map(len, read)) >= 2 * len(documents):
        return Units(tuple((place,) for place in range(len(documents))), f"{len(documents):,} texts")
    size = max(1, min(LONGEST_RUN, len(documents) // RUNS))
    places = range(len(documents))
    runs = tuple(tuple(places[start : start + size]) for start in places[::size])
    what = f"{len(runs):,} sentences" if size == 1 else f"{len(runs):,} runs of {size} neighbouring sentences"
    return Units(runs, f"{what} (no documents are named)")


def _dealt(
    units: Sequence[Sequence[int]], read: Sequence[Sequence[Sentence]], shares: Sequence[float], seed: int
) -> list[list[int]]:
    """The places of the documents on each side.

    Raises:
        SplitError: There are fewer units than sides.
    """
    if len(units) < len(shares):
        raise SplitError(f"{len(units)} documents are too few for {len(shares)} parts")
    names = [_labels(chain.from_iterable(read[place] for place in unit)) for unit in units]
    sizes = [sum(len(read[place]) for place in unit) for unit in units]
    sides: list[list[int]] = [[] for _ in shares]
    for unit, side in zip(units, stratified(names, sizes, shares, seed), strict=True):
        sides[side] += unit
    return [sorted(side) for side in sides]


def stratified(
    names: Sequence[Mapping[str, int]], sizes: Sequence[int], shares: Sequence[float], seed: int
) -> list[int]:
    """The side of each unit, so that every side gets its share of every label, and at least one unit.

    It looks for the least sum, over sides and labels, of the squared difference between the share of the label's
    names that the side has and the wished one; sentences count as one label more. Each unit goes where it lessens
    the sum most, and then is moved as long as that lessens it. Their order is random, so that large and small units
    come to every side.

    Args:
        names: How many names of each label a unit holds.
        sizes: How many sentences it holds.
        shares: The share of each side, of any sum.
        seed: Of the order of the units.
    """
    counts = [{**one, _SENTENCES: size} for one, size in zip(names, sizes, strict=True)]
    totals: Counter[str] = sum((Counter(one) for one in counts), Counter())
    lacks = [{label: share * total / sum(shares) for label, total in totals.items()} for share in shares]
    order = list(range(len(counts)))
    random.Random(seed).shuffle(order)
    found: dict[int, int] = {}
    held = [0] * len(shares)

    def lessens(unit: int, side: int) -> float:
        return sum(n * (2 * lacks[side][label] - n) / totals[label] ** 2 for label, n in counts[unit].items() if n)

    def put(unit: int, sides: Sequence[int]) -> bool:
        """Put the unit on the best of these sides; whether it was elsewhere before."""
        before = found.get(unit)
        if before is not None:
            count(unit, before, -1)
        found[unit] = max(sides, key=lambda side: lessens(unit, side))
        count(unit, found[unit], 1)
        return found[unit] != before

    def count(unit: int, side: int, sign: int) -> None:
        held[side] += sign
        for label, n in counts[unit].items():
            if n:
                lacks[side][label] -= sign * n

    for number, unit in enumerate(order):
        empty = [side for side, units in enumerate(held) if not units]
        put(unit, empty if len(order) - number <= len(empty) else range(len(shares)))
    for _ in range(_ROUNDS):
        moved = [put(unit, range(len(shares))) for unit in order if held[found[unit]] > 1]
        if not any(moved):
            break
    return [found[unit] for unit in range(len(counts))]


def _labels(sentences: chain[Sentence]) -> Counter[str]:
    return Counter(span.label for sentence in sentences for span in spans_of(sentence.tags))


def _division(documents: Sequence[Document], units: Units, places: dict[str, list[int]]) -> Division:
    """The division, without texts that are held out on another side: test keeps its own, then dev, then train."""
    held_out: set[str] = set()
    splits: dict[str, list[Document]] = {}
    left_out = 0
    for name in reversed(places):
        chosen = [documents[place] for place in places[name]]
        texts = [same_text(document) for document in chosen]
        splits[name] = [document for document, text in zip(chosen, texts, strict=True) if text not in held_out]
        left_out += len(chosen) - len(splits[name])
        held_out |= {text for text in texts if text}
    return Division({name: splits[name] for name in places}, units, left_out)
