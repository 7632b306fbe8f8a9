"""Spans as a file has them, checked against their text.

The readers of texts give what a record says to `checked`, which keeps the spans that can stand, and states what is
wrong with the others.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from nerve.model.annotation import Span
from nerve.training.data.formats.document import Document, Fault, Reading, RecordError, Text
from nerve.training.data.formats.offsets import CODE_POINTS, WORDS, Offsets


class Mark(NamedTuple):
    """A span as a file has it, before it is checked."""

    start: Any
    end: Any
    label: Any
    quoted: Any = None
    """the text of the span, where the tool repeats it"""


def checked(
    path: Path, line: int, text: Any, marks: Sequence[Mark | str], reading: Reading, group: str = ""
) -> Document:
    """The document of a text and its marks, of which the faulty ones are left out. A string is a mark's fault.

    Raises:
        RecordError: The text is none.
    """
    if not isinstance(text, str):
        raise RecordError(f"text is {kind_of(text)}, not a string")
    if not _is_encodable(text):
        raise RecordError("the text holds half a surrogate pair")
    faults: list[Fault] = []
    spans: list[Span] = []
    offsets = Offsets(text, reading.offsets)
    for mark in marks:
        span = mark if isinstance(mark, str) else _span(text, mark, offsets, reading.offsets)
        if isinstance(span, Span):
            spans.append(span)
        else:
            faults.append(Fault(line, "spans that cannot be read", span, "the span is left out"))
    spans.sort()
    kept = _apart(spans)
    for earlier, later in pairwise(spans):
        if later.start < earlier.end:
            fact = f"span {_shown(later)} overlaps span {_shown(earlier)}"
            alike = later.start == earlier.start and later.end == earlier.end
            repair = "one is kept" if alike else "the longer one is kept"
            faults.append(Fault(line, "spans that overlap", fact, repair))
    return Document(path, line, Text(text, tuple(kept)), group, tuple(faults))


def _apart(spans: Sequence[Span]) -> list[Span]:
    """The spans without those that overlap a longer one."""
    kept: list[Span] = []
    for span in spans:  # by their starts, so that a span can overlap only the last one
        if not kept or kept[-1].end <= span.start:
            kept.append(span)
        elif span.end - span.start > kept[-1].end - kept[-1].start:
            kept[-1] = span
    return kept


def _span(text: str, mark: Mark, offsets: Offsets, units: str) -> Span | str:
    """The span of a mark, or what is wrong with it."""
    if type(mark.start) is not int or type(mark.end) is not int:
        return "a span's start and end are whole numbers"
    if not isinstance(mark.label, str) or not mark.label.strip() or not _is_encodable(mark.label):
        return f"span {mark.start}-{mark.end} needs one label, a string"
    given = _shown(Span(mark.start, mark.end, mark.label))
    start, end = offsets.code_points(mark.start, mark.end)
    if start >= end >= 0 and start >= 0:
        return f"span {given} is empty"
    if start < 0 or end < 0 or end > len(text):
        if units == CODE_POINTS:
            return f"span {given} is outside the text of {len(text):,} characters"
        return f"span {given}, in {WORDS[units]}, is inside a character or outside the text"
    if isinstance(mark.quoted, str) and words_of(mark.quoted) != words_of(text[start:end]):
        # doccano and older Label Studios count as JavaScript does: the likely cause.
        counting = "offsets must count code points, not UTF-16 units or bytes"
        return f"span {given} is {text[start:end][:40]!r}, not {mark.quoted[:40]!r}: {counting}"
    if text[start:end].isspace():
        return f"span {given} holds white space only"
    return Span(start, end, mark.label)


def kind_of(value: Any) -> str:
    """The kind of a JSON value, in words."""
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}.get(
        type(value), "null" if value is None else "a number"
    )


def words_of(text: str) -> list[str]:
    """The words of a text, or of a quotation of it, in which tools write white space otherwise."""
    # Label Studio writes a line break inside a quotation as backslash and n.
    return text.replace("\\n", " ").split()


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(span: Span) -> str:
    return f"{span.start}-{span.end} {span.label[:40]!r}"
