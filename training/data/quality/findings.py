"""What is wrong with annotated files, all of it at once: first the errors, with which training makes no sense.

The first file is the one to train on; the others are held out.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from nerve.model.tags import spans_of
from nerve.training.data.formats import Document, Fault, Text
from nerve.training.data.formats.alignment import cutting
from nerve.training.data.formats.document import COUNTED
from nerve.training.data.quality.examined import FEWEST_DOCUMENTS, Examined, key, place, same_text

ERROR, WARNING = "error", "warning"
# A label is learned from a dozen names, hardly from fewer.
_FEW_NAMES = 10
_LONG_SENTENCE = 200
_LONG_NAME = 15
# A file of which so many tokens are numbers has something else than tokens in their column.
_MOSTLY = 0.5
_TAG_LIKE = re.compile(r"[BI][_.:/].+|.+[-_.:/][BI]")


class Finding(NamedTuple):
    """Something wrong in files."""

    severity: str
    size: int
    """of its places, by which findings of one severity are ranked"""
    fact: str
    places: tuple[str, ...]
    """`FILE:LINE: what is there`, in order"""
    advice: str = ""


def findings(files: Sequence[Examined]) -> list[Finding]:
    """All findings, errors first, then by how many places they have."""
    found = [finding for rule in _RULES for finding in rule(files)]
    return sorted(found, key=lambda finding: (finding.severity != ERROR, -finding.size))


def _unreadable(files: Sequence[Examined]) -> Iterator[Finding]:
    for file in files:
        if file.error:
            yield Finding(ERROR, 1, "a file cannot be read", (file.error,))


def _misread(files: Sequence[Examined]) -> Iterator[Finding]:
    for file in files:
        if file.loaded and (misreading := file.loaded.misreading):
            advice = "--fix writes a copy with those that fit" if misreading.units else ""
            where = f"{misreading.path}:{misreading.line}: {misreading.fact}"
            yield Finding(ERROR, 1, "offsets do not fit the words", (where,), advice)


def _faults(files: Sequence[Examined]) -> Iterator[Finding]:
    kinds: dict[str, list[tuple[Document, Fault]]] = {}
    for file in files:
        for document in file.documents:
            for fault in document.faults:
                kinds.setdefault(fault.kind, []).append((document, fault))
    for kind, some in kinds.items():
        places = tuple(f"{document.path}:{fault.line}: {fault.fact}" for document, fault in some)
        where = _number(len(some), "place", "places")
        yield Finding(ERROR, len(some), f"{kind}, in {where}", places, f"with --fix {some[0][1].repair}")


def _without_names(files: Sequence[Examined]) -> Iterator[Finding]:
    for file in files:
        if file.loaded and not file.labels:
            severity = ERROR if file is files[0] else WARNING
            sentences = _number(len(file.sentences), "sentence", "sentences")
            yield Finding(severity, 1, "a file without names", (f"{file.path}:1: {sentences}, and no name",))


def _numbers(files: Sequence[Examined]) -> Iterator[Finding]:
    for file in files:
        numbers = sum(count for word, count in file.words.items() if word.isdecimal())
        if numbers > _MOSTLY * max(1, file.words.total()):
            fact = f"{numbers:,} of {file.words.total():,} tokens are numbers"
            advice = "an index or offset seems to stand where the token should"
            yield Finding(ERROR, 1, "most tokens are numbers", (f"{file.path}:1: {fact}",), advice)


def _cut_words(files: Sequence[Examined]) -> Iterator[Finding]:
    """Spans that begin or end inside a word, where they are not so many that the whole file seems misread."""
    places = tuple(
        f"{place(document)}: {span.label} {document.content.text[span.start : span.end][:40]!r}"
        for file in files
        if file.loaded and file.loaded.misreading is None
        for document in file.documents
        if isinstance(document.content, Text)
        for span in cutting(*document.content)
    )
    if places:
        fact = f"{_number(len(places), 'span begins or ends', 'spans begin or end')} inside a word"
        yield Finding(WARNING, len(places), fact, places, "is a letter missing, or one too many?")


def _leaks(files: Sequence[Examined]) -> Iterator[Finding]:
    """The same text in two files, however it is spaced and in whatever case."""
    for first, file in combinations(files, 2):
        learned = {text: document for document in first.documents if (text := same_text(document))}
        shared = [document for document in file.documents if same_text(document) in learned]
        if shared:
            share = len(shared) / len(file.documents)
            name = first.path.name
            places = tuple(f"{place(document)}: is {place(learned[same_text(document)])} too" for document in shared)
            fact = f"{_number(len(shared), 'text', 'texts')} of {file.path.name} ({share:.0%}) in {name} too"
            yield Finding(WARNING, len(shared), fact, places, f"with --fix left out of {name}")


def _divided_documents(files: Sequence[Examined]) -> Iterator[Finding]:
    """Sentences of one document in two files: who learned from its neighbours knows half of a sentence."""
    for first, file in combinations(files, 2):
        learned, measured = _named(first), _named(file)
        shared = [name for name in measured if name in learned]
        if shared and len(learned) >= FEWEST_DOCUMENTS:
            places = tuple(f"{place(measured[name])}: of {name}, as is {place(learned[name])}" for name in shared)
            fact = f"{_number(len(shared), 'document', 'documents')} of {file.path.name} begun in {first.path.name}"
            yield Finding(WARNING, len(shared), fact, places, "nerve train --split keeps documents whole")


def _named(file: Examined) -> dict[str, Document]:
    """The first sentence of each document that the file names. Documents that are only counted have no name."""
    found: dict[str, Document] = {}
    for document in file.documents:
        if document.group and not COUNTED.fullmatch(document.group):
            found.setdefault(document.group, document)
    return found


def _contradictions(files: Sequence[Examined]) -> Iterator[Finding]:
    """The same text with different spans."""
    seen: dict[str, Document] = {}
    places = []
    for document in (document for file in files for document in file.documents):
        text = key(document)
        first = seen.setdefault(text, document) if text else document
        if first is not document and marked(first) != marked(document):
            places.append(f"{place(document)}: {_difference(first, document)}; see {place(first)}")
    if places:
        fact = f"{_number(len(places), 'text was', 'texts were')} there before, with other names"
        yield Finding(WARNING, len(places), fact, tuple(places), "make them alike")


def _repeated(files: Sequence[Examined]) -> Iterator[Finding]:
    for file in files:
        seen: dict[tuple[str, frozenset[tuple[str, str]]], Document] = {}
        places = []
        for document in file.documents:
            if text := key(document):
                first = seen.setdefault((text, frozenset(marked(document))), document)
                if first is not document:
                    places.append(f"{place(document)}: is {place(first)} again")
        if places:
            fact = f"{_number(len(places), 'text', 'texts')} of {file.path.name} repeated"
            yield Finding(WARNING, len(places), fact, tuple(places), "with --fix kept once")


def _rare_labels(files: Sequence[Examined]) -> Iterator[Finding]:
    if not files or not files[0].labels:
        return
    rare = {label: count for label, count in files[0].labels.items() if count < _FEW_NAMES}
    if rare:
        places = tuple(
            f"{_first(files[0], label)}: {label} has {_times(count)}: {files[0].examples(label)}"
            for label, count in sorted(rare.items(), key=lambda pair: pair[1])
        )
        fact = f"{_number(len(rare), 'label has', 'labels have')} fewer than {_FEW_NAMES} names"
        yield Finding(WARNING, len(rare), fact, places, "annotate more, or map the label to another with --map")


def _unseen_labels(files: Sequence[Examined]) -> Iterator[Finding]:
    for file in files[1:]:
        unseen = sorted(file.labels.keys() - files[0].labels.keys())
        if unseen and files[0].labels:
            places = tuple(f"{_first(file, label)}: {label}: {file.examples(label)}" for label in unseen)
            fact = f"{_number(len(unseen), 'label', 'labels')} of {file.path.name} never occurs in the training file"
            yield Finding(WARNING, len(unseen), fact, places, "such names cannot be found")


def _tags_as_labels(files: Sequence[Examined]) -> Iterator[Finding]:
    """Labels such as B_PER and PER-B, which are tags of another spelling than B-PER."""
    for file in files:
        if file.labels and all(_TAG_LIKE.fullmatch(label) for label in file.labels):
            places = tuple(f"{_first(file, label)}: {label}: {file.examples(label)}" for label in file.labels)
            yield Finding(
                WARNING, len(places), f"all labels of {file.path.name} look like tags", places, "write tags as B-PER"
            )


def _alike_labels(files: Sequence[Examined]) -> Iterator[Finding]:
    labels = sum((file.labels for file in files), Counter[str]())
    places = []
    for rare, count in labels.items():
        for usual, more in labels.most_common():
            same = _bare(rare) == _bare(usual) != "" and (more, -len(usual), usual) > (count, -len(rare), rare)
            near = count <= more / 10 and min(len(rare), len(usual)) >= 3 and _one_edit(rare, usual)
            if rare != usual and (same or near):
                file = next(file for file in files if rare in file.labels)
                alike = f"{rare} ({_times(count)}) looks like {usual} ({_times(more)})"
                alike += f": --map {shlex.quote(f'{rare}={usual}')}"
                places.append(f"{_first(file, rare)}: {alike}")
                break
    if places:
        fact = f"{_number(len(places), 'label looks', 'labels look')} like another"
        yield Finding(WARNING, len(places), fact, tuple(places))


def _long(files: Sequence[Examined]) -> Iterator[Finding]:
    sentences, names = [], []
    for file in files:
        for where, sentence in file.sentences:
            if len(sentence.tokens) > _LONG_SENTENCE:
                sentences.append(f"{where}: {len(sentence.tokens):,} tokens")
            names += [
                f"{where}: {span.label} {' '.join(sentence.tokens[span.start : span.start + 6])} …"
                for span in spans_of(sentence.tags)
                if span.end - span.start > _LONG_NAME
            ]
    if sentences:
        fact = f"{_number(len(sentences), 'sentence has', 'sentences have')} more than {_LONG_SENTENCE} tokens"
        yield Finding(WARNING, len(sentences), fact, tuple(sentences), "are blank lines between sentences missing?")
    if names:
        fact = f"{_number(len(names), 'name has', 'names have')} more than {_LONG_NAME} tokens"
        yield Finding(WARNING, len(names), fact, tuple(names))


_RULES: tuple[Callable[[Sequence[Examined]], Iterator[Finding]], ...] = (
    _unreadable,
    _misread,
    _faults,
    _without_names,
    _numbers,
    _cut_words,
    _leaks,
    _divided_documents,
    _contradictions,
    _repeated,
    _rare_labels,
    _unseen_labels,
    _tags_as_labels,
    _alike_labels,
    _long,
)


def marked(document: Document) -> set[tuple[str, str]]:
    """The names of a document as text and label."""
    return {
        ("".join(sentence.tokens[span.start : span.end]), span.label)
        for sentence in document.sentences()
        for span in spans_of(sentence.tags)
    }


def _difference(first: Document, second: Document) -> str:
    differing = sorted(marked(first) ^ marked(second))
    return ", ".join(f"{text[:30]} {label}" for text, label in differing[:3])


def _first(file: Examined, label: str) -> str:
    """Where a label first occurs."""
    return next(where for where, sentence in file.sentences if any(tag[2:] == label for tag in sentence.tags))


def _bare(label: str) -> str:
    return re.sub(r"[\W_]", "", label.casefold())


def _one_edit(one: str, other: str) -> bool:
    """Whether one letter more, less or other, or two exchanged, make one string of the other."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    exchanged = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return exchanged or one[start + 1 :] == other[start + 1 :]


def _times(count: int) -> str:
    return "1 name" if count == 1 else f"{count:,} names"


def _number(count: int, one: str, more: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {more}"
