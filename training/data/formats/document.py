"""What every reader gives: documents as their file has them, each with its place and what is wrong with it.

A document is a sentence of tokens with tags, or a text with spans; which of the two depends on the format. A reader
does not stop at a fault: it states the fault, and what it read in spite of it. `faultless` stops at the first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import OUTSIDE, TagError, spans_of
from nerve.training.data import detokenize
from nerve.training.data.formats import alignment
from nerve.training.data.formats.lines import FormatError
from nerve.training.data.formats.offsets import CODE_POINTS
from nerve.training.data.formats.schemes import to_bio

COUNTED = re.compile(r"document \d+")
"""The name of a document that its file only counts, and does not name."""


class Text(NamedTuple):
    """A text with its names, in order and apart. The offsets of these spans count code points, not tokens."""

    text: str
    spans: tuple[Span, ...]


class Fault(NamedTuple):
    """Something wrong in a file."""

    line: int
    kind: str
    """what it has in common with others of its kind, in the plural: `spans that overlap`"""
    fact: str
    """what is wrong in this place, in words that name the place in the document"""
    repair: str
    """what the document holds in its stead: `the longer one is kept`"""


@dataclass(frozen=True, slots=True)
class Document:
    """A sentence or a text of a file."""

    path: Path
    line: int
    content: Sentence | Text | None
    """what could be read in spite of all faults; None if nothing could"""
    group: str = ""
    """name of the text that it is a part of, if the file says it"""
    faults: tuple[Fault, ...] = ()

    def sentences(self) -> list[Sentence]:
        """Its sentences. A text is cut by our own tokenizer, as it will be when the tagger is used."""
        if self.content is None:
            return []
        return [self.content] if isinstance(self.content, Sentence) else alignment.sentences(*self.content)

    def as_text(self) -> Text:
        """Its text with spans, none of which has white space at its edges.

        A sentence of tokens is written as running text, by rules (`detokenize.py`).
        """
        if isinstance(self.content, Text):
            return Text(self.content.text, tuple(_trimmed(*self.content)))
        if self.content is None:
            return Text("", ())
        text, offsets = detokenize.join(self.content.tokens)
        spans = (
            Span(offsets[span.start][0], offsets[span.end - 1][1], span.label) for span in spans_of(self.content.tags)
        )
        return Text(text, tuple(spans))


def _trimmed(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        name = text[span.start : span.end]
        before, after = len(name) - len(name.lstrip()), len(name) - len(name.rstrip())
        yield Span(span.start + before, span.end - after, span.label)


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read what a file does not say of itself."""

    scheme: str = "auto"
    """tagging scheme of tags, a key of `schemes.SCHEMES`; `auto` for the first that fits"""
    offsets: str = CODE_POINTS
    """what the offsets of spans count, one of `offsets.UNITS`"""
    annotator: str = ""
    """whose annotation of a text that several annotated; `majority` for the spans that most of them marked"""
    names: tuple[str, ...] = field(default=())
    """names of tags that are numbers, in order"""


class RecordError(Exception):
    """What is wrong with a record, before its file and line are known."""


UNREADABLE = "records that cannot be read"


def unreadable(path: Path, line: int, fact: str, kind: str = UNREADABLE) -> Document:
    """A document of which nothing can be read."""
    return Document(path, line, None, faults=(Fault(line, kind, fact, "it is left out"),))


def tagged(
    path: Path, lines: Sequence[int], tokens: tuple[str, ...], tags: Sequence[str], scheme: str, group: str = ""
) -> Document:
    """The document of tokens and their tags, with a fault at the first tag that breaks the scheme.

    Args:
        path: The file.
        lines: The line of each token.
        tokens: The tokens.
        tags: The tag of each.
        scheme: Their scheme.
        group: The document's name.
    """
    try:
        return Document(path, lines[0], Sentence(tokens, to_bio(tags, scheme)), group)
    except TagError as error:
        line, fact = lines[error.position], str(error)
        if len(tokens) > 1 and lines[0] == lines[-1]:
            fact += f", at token {error.position + 1} ({tokens[error.position][:40]!r})"
    repair = "a tag that continues nothing begins a name, and what is no tag becomes O"
    fault = Fault(line, "tags that may not stand where they do", fact, repair)
    return Document(path, lines[0], Sentence(tokens, _mended(tags, scheme)), group, (fault,))


def _mended(tags: Sequence[str], scheme: str) -> tuple[str, ...]:
    tags = list(tags)
    while True:
        try:
            return to_bio(tags, scheme, mend=True)
        except TagError as error:
            tags[error.position] = OUTSIDE


def faultless(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents.

    Raises:
        FormatError: At the first fault.
    """
    for document in documents:
        if document.faults:
            raise FormatError(document.path, document.faults[0].line, document.faults[0].fact)
        yield document


def group_of(record: Mapping[str, Any]) -> str:
    """The name of the text that a record is a part of, where it has a field for that."""
    nested = (record.get(name) for name in ("meta", "metadata", "data"))
    for place in (record, *(value for value in nested if isinstance(value, Mapping))):
        for name in ("doc_id", "document_id", "document", "source"):
            if isinstance(place.get(name), str | int) and not isinstance(place[name], bool):
                return str(place[name])
    return ""


def lengths(documents: Iterable[Document]) -> list[int]:
    """How many sentences each document has, in order. Neighbours that their file puts into one text are one."""
    texts = groupby(enumerate(documents), key=lambda placed: placed[1].group or placed[0])
    counts = (sum(len(document.sentences()) for _, document in of_text) for _, of_text in texts)
    return [count for count in counts if count]
