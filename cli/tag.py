"""`nerve tag`: finds the entities in files or a stream, in its own processes and without a server.

To the standard output, records are read, tagged and written as they come, in one process. To a folder or a file,
several processes write parts, and the same command goes on after an interruption.
"""

import argparse
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

from nerve import ArchiveError, cores, streams
from nerve.bulk import inputs, parts, ray, records, run, writers
from nerve.bulk.annotate import annotate
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.models import Models
from nerve.bulk.output import Output
from nerve.bulk.record import Record
from nerve.bulk.settings import Settings
from nerve.cli import options
from nerve.cli.progress import Progress
from nerve.cli.tag_options import STANDARD_INPUT, parse
from nerve.tagger import BATCH_SIZE

STATUS_BAD_LINES = 3
"""The exit status where all was tagged but for lines that could not be read."""


def main(arguments: Sequence[str]) -> int:
    """Run `nerve tag` and return its exit status."""
    try:
        chosen = parse(arguments)
        bad = _to_output(chosen, chosen.output) if chosen.output else _to_stdout(chosen)
    except (BulkError, ArchiveError) as error:
        streams.complain(f"nerve tag: {error}")
        return 1
    if bad:
        lines = "1 line" if bad == 1 else f"{bad:,} lines"
        reasons = "the output has the reason in place of each"
        if chosen.output:
            reasons = f"the reasons are in {chosen.output.listed}"
        streams.complain(f"nerve tag: {lines} could not be read; {reasons}")
        return STATUS_BAD_LINES
    return 0


def _to_output(chosen: argparse.Namespace, output: Output) -> int:
    """Tag into a folder or a file. Returns how many lines could not be read. Raises BulkError and ArchiveError."""
    files = _files(chosen, chosen.files)
    settings = _settings(chosen, chosen.to)
    prepared = run.prepare(files, output, settings, chosen.part_bytes or parts.PART_BYTES, chosen.shard or (1, 1))
    todo = prepared.missing()
    shown = sys.stderr.isatty() and not chosen.quiet
    with Progress(sum(part.size for part in todo), shown=shown) as progress:

        def report(size: int, texts: int, tokens: int) -> None:
            progress.read(size)
            progress.tagged(texts, tokens)

        if chosen.engine == "ray":
            ray.tag(prepared, chosen.jobs, report)
        else:
            run.tag(prepared, chosen.jobs or cores.available(), report)
        prepared.finish()
    return prepared.errors()


def _to_stdout(chosen: argparse.Namespace) -> int:
    """Tag to the standard output. Returns how many lines could not be read. Raises BulkError and ArchiveError."""
    files = [file for name in chosen.files for file in _named(chosen, name)]
    on_terminal = sys.stdout.isatty()
    settings = _settings(chosen, chosen.to or ("inline" if on_terminal else "jsonl"))
    models = Models(settings)
    write = writers.writer(
        settings.to,
        models.labels,
        settings.ents_field,
        colour=options.coloured(chosen.color),
        gap=settings.unit == "paragraph" and files[0].form == "text",
    )
    typed = STANDARD_INPUT in chosen.files and sys.stdin.isatty()
    at_once = chosen.line_buffered or (typed and chosen.unit == "line")
    # If the entities themselves run down the terminal, they show the progress well enough.
    shown = sys.stderr.isatty() and not on_terminal and not chosen.quiet
    bad = 0
    with Progress(sum(file.size for file in files), shown=shown) as progress, _flushed():
        read = chain.from_iterable(_records(file, settings, progress) for file in files)
        chunk_size = 1 if at_once else BATCH_SIZE
        for record, result in annotate(read, models, chunk_size=chunk_size, strict=settings.strict):
            _write(write(record, result), flush=at_once)
            progress.tagged(1, result.token_count if result is not None else 0)
            bad += result is None
    return bad


def _settings(chosen: argparse.Namespace, to: str) -> Settings:
    return Settings(
        model=chosen.model,
        device=chosen.device,
        threads=chosen.threads,
        weights_only=chosen.weights_only,
        unit=chosen.unit,
        text_field=chosen.text_field,
        ents_field=chosen.ents_field,
        to=to,
        compressed=chosen.output.compressed if chosen.output else "",
        labels=chosen.labels,
        min_score=chosen.min_score,
        patterns=chosen.patterns,
        phone_regions=chosen.phone_regions,
        context=chosen.context,
        strict=chosen.strict,
    )


def _files(chosen: argparse.Namespace, names: Sequence[str]) -> list[Input]:
    """The files that are meant. Raises BulkError."""
    files, unknown = inputs.find(names, chosen.source, chosen.output.places if chosen.output else ())
    if unknown and not chosen.quiet:
        count = "1 file is" if unknown == 1 else f"{unknown:,} files are"
        streams.complain(f"nerve tag: {count} left out, whose names say no format; --from says it")
    return files


def _named(chosen: argparse.Namespace, name: str) -> list[Input]:
    """The files of one name. Raises BulkError."""
    if name != STANDARD_INPUT:
        return _files(chosen, [name])
    status = os.fstat(sys.stdin.fileno())
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0  # a pipe has no size
    return [Input(STANDARD_INPUT, chosen.source or "text", size)]


def _records(file: Input, settings: Settings, progress: Progress) -> Iterator[Record]:
    """The records of a file, or of standard input. Raises BulkError."""
    if file.name != STANDARD_INPUT:
        yield from records.read(Slice(file), settings.unit, settings.text_field, progress.read)
        return
    place = Slice(replace(file, name="standard input")).place
    lines = inputs.whole(sys.stdin.buffer, "", progress.read)
    try:
        yield from records.reader(file.form, settings.unit, settings.text_field)(lines, place)
    except OSError as error:
        raise BulkError(f"standard input: cannot be read: {error.strerror}") from None


@contextmanager
def _flushed() -> Iterator[None]:
    """Write what is still buffered at the end, also after an error."""
    try:
        yield
    finally:
        _write("", flush=True)


def _write(text: str, *, flush: bool) -> None:
    try:
        sys.stdout.buffer.write(text.encode())
        if flush:
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Only here, because the connection of a URL or of a cluster may close as well.
        streams.end_without_reader()
    except OSError as error:
        # Python would write the rest of the buffer once more when it exits, and report the same error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise BulkError(f"standard output cannot be written: {error.strerror}") from None
