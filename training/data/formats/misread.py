"""Whether the offsets of a file count something else than its reading takes them for.

The sign is spans that cut words: names mostly begin and end where words do. In a file whose ends are inclusive nearly
all of them do so; in one that counts UTF-16 units only those after an emoji, which may be few.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from nerve.training.data.formats import alignment
from nerve.training.data.formats.document import Document, Text
from nerve.training.data.formats.offsets import CODE_POINTS, UNITS, WORDS

# A few names of part of a word are nothing special.
_FEWEST_CUTTING = 5
# With fewer misplaced spans than these nothing is said of other units.
_FEWEST_MISPLACED = 3


class Misreading(NamedTuple):
    """Most spans of a file, or of its texts beyond ASCII, do not fit its words."""

    path: Path
    """the file, or of a folder the first one with such a span"""
    line: int
    fact: str
    units: str
    """what the offsets count, if nearly all spans fit then; otherwise empty"""


class _Places(NamedTuple):
    """How the spans of a file lie."""

    total: int
    cutting: int
    misplaced: int
    """those that cut words, cannot be read, or have white space at an edge"""
    first: Document | None
    """the first document with one that is misplaced"""


def misreading(
    documents: Sequence[Document], read: Callable[[str], Iterable[Document]], units: str
) -> Misreading | None:
    """What seems wrong with the offsets of a file.

    Args:
        documents: What was read.
        read: Reads the same file with the offsets in other units.
        units: Those in which it was read.
    """
    here = _places(documents)
    if here.first is None or here.misplaced < _FEWEST_MISPLACED or units != CODE_POINTS:
        return None
    path, line = here.first.path, here.first.line
    mostly = here.misplaced >= _FEWEST_CUTTING and here.misplaced > here.total / 2
    best, units = here, ""
    for other in UNITS[1:]:
        if mostly or other in ("utf16", "utf8"):
            places = _places(read(other))
            if places.misplaced < best.misplaced and places.total >= here.total:
                best, units = places, other
    fact = f"{here.cutting:,} of {here.total:,} spans begin or end inside a word"
    if here.cutting < here.misplaced:
        fact = f"{here.misplaced:,} of {here.total:,} spans are not where words begin and end"
    if units and best.misplaced <= here.misplaced / 4:
        fits = best.total - best.misplaced
        fact += f"; as {WORDS[units]}, {fits:,} of {best.total:,} fit: give --offsets {units}"
        return Misreading(path, line, fact, units)
    if here.cutting >= _FEWEST_CUTTING and here.cutting > here.total / 2:
        return Misreading(path, line, f"{fact}: are ends inclusive, or offsets UTF-16 units?", "")
    return None


def _places(documents: Iterable[Document]) -> _Places:
    total = cutting = misplaced = 0
    first = None
    for document in documents:
        if isinstance(document.content, Text):
            text, spans = document.content
            cut = alignment.cutting(text, spans)
            bare = [span for span in spans if text[span.start].isspace() or text[span.end - 1].isspace()]
            unread = sum(fault.kind == "spans that cannot be read" for fault in document.faults)
            total += len(spans) + unread
            cutting += len(cut)
            wrong = len({*cut, *bare}) + unread
            misplaced += wrong
            first = first or (document if wrong else None)
    return _Places(total, cutting, misplaced, first)
