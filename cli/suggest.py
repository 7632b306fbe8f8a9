"""`nerve suggest`: chooses the texts to annotate next, and writes them as tasks of an annotation tool."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from nerve import ArchiveError, streams
from nerve.bulk import inputs, records
from nerve.bulk.annotate import chunks
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.record import Record
from nerve.cli.progress import Progress
from nerve.cli.suggest_options import PROGRAM, parse
from nerve.cli.tag import STATUS_BAD_LINES
from nerve.model.archive import load
from nerve.model.files import WriteError, write_whole
from nerve.model.recognizer import Recognizer
from nerve.model.tokenizer import sentences
from nerve.tagger import Tagger
from nerve.training.data import detokenize
from nerve.training.data.formats import FormatError
from nerve.training.data.formats import load as read_annotated
from nerve.training.data.formats.document import group_of
from nerve.training.measure.probability import crf_of
from nerve.training.suggest.selection import Candidate, Selection, fingerprint
from nerve.training.suggest.tasks import TOOLS, Task
from nerve.training.suggest.uncertainty import uncertainties

# The texts of a chunk are scored in batches of similar length; a chunk has 65,536 characters, whatever this says.
CHUNK_TEXTS = 1_024


def main(arguments: Sequence[str]) -> int:
    """Run `nerve suggest` and return its exit status."""
    chosen = parse(arguments)
    torch.set_num_threads(1)
    try:
        return _suggest(chosen)
    except (ArchiveError, BulkError, FormatError, WriteError) as error:
        streams.complain(f"{PROGRAM}: {error}")
        return 1


class _Outcome(NamedTuple):
    """What became of the texts."""

    best: list[Candidate]
    texts: int
    faults: int
    first_fault: str


def _suggest(chosen: argparse.Namespace) -> int:
    """Write the tasks and return the exit status. Raises the errors that `main` names."""
    recognizer = Recognizer(load(chosen.archive, chosen.device))
    outcome = _read(recognizer, chosen)
    if not outcome.best:
        raise BulkError(
            f"there is nothing to choose among {outcome.texts:,} texts: none is new and read by the model"
        )
    results = Tagger([recognizer]).pipe((one.text for one in outcome.best), min_score=chosen.min_score)
    tasks = [Task(one, result) for one, result in zip(outcome.best, results, strict=True)]
    content = TOOLS[chosen.to](tasks, recognizer.name)
    if chosen.output is None:
        sys.stdout.buffer.write(content.encode())
    else:
        write_whole(chosen.output, content.encode())
    most, least = outcome.best[0].uncertainty, min(one.uncertainty for one in outcome.best)
    streams.complain(
        f"{PROGRAM}: {len(tasks):,} of {outcome.texts:,} texts, of uncertainty {most:.3f} to {least:.3f}; "
        f"correct them in the tool, then `nerve train` reads its export"
    )
    if outcome.faults:
        lines = "1 line" if outcome.faults == 1 else f"{outcome.faults:,} lines"
        streams.complain(f"{PROGRAM}: {lines} could not be read; the first: {outcome.first_fault}")
        return STATUS_BAD_LINES
    return 0


def _read(recognizer: Recognizer, chosen: argparse.Namespace) -> _Outcome:
    """Read all texts, and keep the best of them. Raises BulkError and FormatError."""
    crf = crf_of(recognizer.archive)
    annotated = {mark for path in chosen.annotated for mark in _fingerprints(path)}
    files, _ = inputs.find(chosen.texts, chosen.source)
    selection = Selection(chosen.limit)
    count, faults, first_fault = 0, 0, ""
    with Progress(sum(file.size for file in files), shown=sys.stderr.isatty() and not chosen.quiet) as progress:
        read = _records(files, chosen.unit, chosen.text_field, progress.read)
        for chunk in chunks(read, CHUNK_TEXTS):
            bad = [record.error for record in chunk if record.error]
            good = [record for record in chunk if not record.error]
            texts = [_text(record) for record in good]
            cut = [sentences(text) for text in texts]
            for record, text, uncertainty in zip(good, texts, uncertainties(recognizer, crf, cut), strict=True):
                # Of a text without a sentence that the model reads it says nothing.
                if uncertainty > 0 and fingerprint(text) not in annotated:
                    fields = dict(record.fields)  # not a row, which keeps those that were read with it
                    selection.add(Candidate(text, uncertainty, group_of(fields), fields))
            count, faults, first_fault = count + len(texts), faults + len(bad), first_fault or next(iter(bad), "")
            progress.tagged(len(texts), sum(len(sentence) for of_text in cut for sentence in of_text))
    return _Outcome(selection.best(), count, faults, first_fault)


def _fingerprints(path: Path) -> Iterator[bytes]:
    """Those of the texts of an annotated file. Raises FormatError."""
    return (fingerprint(document.as_text().text) for document in read_annotated(path).documents)


def _records(files: Sequence[Input], unit: str, text_field: str, count: Callable[[int], None]) -> Iterator[Record]:
    """The records of all files. Of several plain texts, each is the document of what is in it. Raises BulkError."""
    for file in files:
        is_document = len(files) > 1 and file.form == "text" and unit != "file"
        for record in records.read(Slice(file), unit, text_field, count):
            yield replace(record, fields={"doc_id": file.name}) if is_document else record


def _text(record: Record) -> str:
    """The text of a record; that of tokens is written by rules."""
    return record.source if isinstance(record.source, str) else detokenize.join(record.source)[0]
