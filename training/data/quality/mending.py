"""Cleaned copies of annotated files, and a report of every change."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from nerve.training.data.formats import Document, FormatError, Loaded, Reading, load, write_copy, written_as
from nerve.training.data.quality.examined import Examined, key, place, same_text
from nerve.training.data.quality.findings import marked


class Cleaned(NamedTuple):
    """A cleaned copy."""

    path: Path
    format: str
    report: Path
    changes: tuple[str, ...]
    """`FILE:LINE: what was wrong: what was done`"""


def clean(files: Sequence[Examined], reading: Reading) -> list[Cleaned]:
    """Write a cleaned copy of each file in which something can be mended, `NAME.clean.…`, with a report beside it.

    A fault is mended as its reader says; offsets are read in the units that fit; a text that is there twice is kept
    once, and in the last of the files that have it. Labels and contradictions are left to people.

    Raises:
        FormatError: A package that the format needs is missing.
        ValueError: A token cannot stand in the format.
    """
    cleaned = []
    for number, file in enumerate(files, start=1):
        if file.loaded is None:
            continue
        held_out = {text for other in files[number:] for one in other.documents if (text := same_text(one))}
        documents, changes = _documents(file, reading)
        kept: list[Document] = []
        seen: dict[tuple[str, frozenset[tuple[str, str]]], Document] = {}
        for document in documents:
            text = key(document)
            changes += [f"{document.path}:{fault.line}: {fault.fact}: {fault.repair}" for fault in document.faults]
            first = seen.setdefault((text, frozenset(marked(document))), document) if text else document
            if first is not document:
                changes.append(f"{place(document)}: is {place(first)} again: it is left out")
            elif same_text(document) in held_out:
                changes.append(f"{place(document)}: is held out too: it is left out")
            elif document.content is not None:
                kept.append(replace(document, faults=()))
        if changes:
            cleaned.append(_written(file.loaded, kept, changes))
    return cleaned


def _documents(file: Examined, reading: Reading) -> tuple[Sequence[Document], list[str]]:
    """The documents of a file, read in the units of offsets that fit, and that as a change."""
    misreading = file.loaded.misreading if file.loaded else None
    if misreading is None or not misreading.units:
        return file.documents, []
    again = load(file.path, replace(reading, offsets=misreading.units))
    return again.documents, [f"{misreading.path}:{misreading.line}: {misreading.fact}: it is read so"]


def _written(source: Loaded, documents: Sequence[Document], changes: list[str]) -> Cleaned:
    path = source.path
    if not documents:
        raise FormatError(path, 1, "nothing is left to write")
    output = write_copy(path, source.format, documents, path.with_name(f"{path.stem}.clean"))
    report = path.with_name(f"{path.stem}.clean.txt")
    report.write_text("".join(f"{change}\n" for change in changes), encoding="utf-8")
    return Cleaned(output, written_as(source.format), report, tuple(changes))
