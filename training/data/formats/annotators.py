"""A text that several annotators marked becomes one document."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from nerve.model.annotation import Span
from nerve.training.data.formats.document import Document, Fault, Text
from nerve.training.data.formats.lines import FormatError

MAJORITY = "majority"


class Version(NamedTuple):
    """A document as one annotator sees it."""

    key: Hashable
    """what all versions of one text have in common"""
    annotator: str
    document: Document


def chosen(versions: Sequence[Version], annotator: str) -> Iterator[Document]:
    """One document for each text.

    Args:
        versions: All versions, in the order of the file.
        annotator: Whose version to take; `majority` for the spans that more than half of a text's annotators marked
            with the same label. If empty, versions that differ are a fault.

    Raises:
        FormatError: Nobody has the annotator's name.
    """
    together: dict[Hashable, list[Version]] = {}
    for version in versions:
        together.setdefault(version.key, []).append(version)
    names = dict.fromkeys(version.annotator for version in versions if version.annotator)
    if annotator and annotator != MAJORITY and names and annotator not in names:
        fact = f"nobody in the file is called {annotator!r}; its annotators are {', '.join(names)[:200]}"
        raise FormatError(versions[0].document.path, 1, fact)
    for several in together.values():
        if annotator and annotator != MAJORITY and any(version.annotator for version in several):
            several = [version for version in several if version.annotator == annotator]
        if several:
            yield _merged(several, annotator)


def _merged(versions: Sequence[Version], annotator: str) -> Document:
    """The document on which the versions agree, or the majority's, with a fault if nobody asked for that."""
    first = versions[0].document
    texts = [version.document.content for version in versions if isinstance(version.document.content, Text)]
    if len(versions) == 1 or not texts:
        return first
    faults = tuple(fault for version in versions for fault in version.document.faults)
    if all(text == texts[0] for text in texts):
        return replace(first, faults=faults)
    counts = Counter(span for text in texts for span in text.spans)
    spans = tuple(sorted(span for span, count in counts.items() if count > len(texts) / 2))
    if annotator != MAJORITY:
        names = ", ".join(dict.fromkeys(version.annotator or "unnamed" for version in versions))
        fact = (
            f"{len(versions)} annotations ({names}) differ in {_differing(texts)}: "
            f"choose one annotator with --annotator, or --annotator {MAJORITY}"
        )
        repair = "the spans that more than half of the annotators marked are kept"
        faults += (Fault(first.line, "texts whose annotators disagree", fact, repair),)
    return replace(first, content=Text(texts[0].text, spans), faults=faults)


def _differing(texts: Sequence[Text]) -> str:
    counts = Counter(span for text in texts for span in text.spans)
    some = sorted(span for span, count in counts.items() if count < len(texts))
    if not some:
        return "their texts"
    return ", ".join(_quoted(texts[0].text, span) for span in some[:3]) + (", …" if len(some) > 3 else "")


def _quoted(text: str, span: Span) -> str:
    return f"{text[span.start : span.end][:40]!r} {span.label}"
