"""`nerve tag`: finds the entities in files or a stream, in its own processes and without a server.

To the standard output, records are read, tagged and written as they come, in one process. To a folder, several
processes write parts of it, and the same command goes on after an interruption.
"""

import argparse
import os
import signal
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
from nerve.bulk.record import Record
from nerve.bulk.settings import Settings
from nerve.bulk.storage import Folder, local
from nerve.cli import options
from nerve.cli.progress import Progress
from nerve.model.annotation import MIN_SCORE
from nerve.patterns import NAMES, REGIONS
from nerve.tagger import BATCH_SIZE, DEVICES

STANDARD_INPUT = "-"
ENGINES = ("local", "ray")

STATUS_BAD_LINES = 3
"""The exit status where all was tagged but for lines that could not be read."""

EXAMPLES = """\
examples:
  nerve tag letters.txt                               in colour on a terminal, otherwise as JSON lines
  nerve tag --unit paragraph book.txt --to inline     one text is a paragraph
  nerve tag posts.jsonl --text-field body --to jsonl  the other fields are kept
  nerve tag posts.csv.gz --text-column body           a row becomes a JSON line
  nerve tag tokens.conll --to conll                   the tokens of the file are tagged as they are
  tail -f log | nerve tag - --line-buffered           each line is written before the next is read
  nerve tag letters.txt --labels PER,ORG --min-score 0.8 | jq -r '.ents[].text' | sort | uniq -c
  nerve tag corpus/ --output tagged/                  on all cores; the same command goes on after an interruption
  nerve tag corpus/ --output tagged/ --shard 1/2      half of it; another machine does --shard 2/2
  nerve tag posts/ --output tagged/ --to parquet      other columns keep their types
"""


def main(arguments: Sequence[str]) -> int:
    """Run `nerve tag` and return its exit status."""
    try:
        chosen = parse(arguments)
        bad = _to_folder(chosen) if chosen.output else _to_stdout(chosen)
    except (BulkError, ArchiveError) as error:
        streams.complain(f"nerve tag: {error}")
        return 1
    if bad:
        lines = "1 line" if bad == 1 else f"{bad:,} lines"
        streams.complain(f"nerve tag: {lines} could not be read; the output has the reason in place of each")
        return STATUS_BAD_LINES
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="nerve tag",
        description="Find the entities in files or a stream. Input and output are UTF-8; offsets count code points.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_input(parser.add_argument_group("input").add_argument)
    _add_tagging(parser.add_argument_group("tagging").add_argument)
    _add_output(parser.add_argument_group("output").add_argument)
    _add_folder(parser.add_argument_group("a folder of parts").add_argument)
    chosen = parser.parse_args(arguments)
    if chosen.source == "parquet" and STANDARD_INPUT in chosen.files:
        parser.error("--from parquet: standard input cannot be read from its end; name files or folders")
    if chosen.output:
        if STANDARD_INPUT in chosen.files:
            parser.error("--output: standard input cannot be cut into parts; name files or folders")
        if chosen.to == "inline" or chosen.line_buffered:
            parser.error(
                f"--output: a folder has no {'inline format' if chosen.to == 'inline' else '--line-buffered'}"
            )
    elif chosen.to == "parquet":
        parser.error("--to parquet needs --output")
    elif unused := [name for name in ("jobs", "engine", "shard", "part_bytes") if getattr(chosen, name) is not None]:
        parser.error(f"--{unused[0].replace('_', '-')} needs --output")
    return chosen


def _add_input(add: options.Add) -> None:
    add(
        "files",
        nargs="*",
        default=[STANDARD_INPUT],
        metavar="FILE",
        help="files, folders, globs or URLs to read, also compressed (.gz, .bz2, .xz, .zst); "
        "- (the default) is standard input",
    )
    options.add_reading(add)
    add(
        "--strict",
        action="store_true",
        help="end at the first line that cannot be read (default: write an error line in its place)",
    )


def _add_tagging(add: options.Add) -> None:
    add(
        "--model",
        default="en",
        help=f"{options.MODEL}, or auto: the bundled model for the language of each text (default: %(default)s)",
    )
    add(
        "--weights-only",
        action="store_true",
        help="read the model as data and run no program in it: for a model that you do not trust",
    )
    add("--labels", type=options.labels, metavar="A,B,…", help="write only entities with these labels")
    add(
        "--min-score",
        type=options.min_score,
        default=MIN_SCORE,
        metavar="P",
        help="write only entities with at least this score, or with that of their label, as in PER=0.7,ORG=0.4; "
        "0 for all (default: %(default)s)",
    )
    add(
        "--patterns",
        type=options.patterns,
        default=(),
        metavar="A,B,…",
        help=f"find addresses and numbers as well: all, or some of {','.join(NAMES)} (default: none)",
    )
    add(
        "--phone-regions",
        type=options.phone_regions,
        default=REGIONS,
        metavar="A,B,…",
        help=f"whose telephone numbers are found without a country code (default: {','.join(REGIONS)})",
    )
    add(
        "--no-context",
        dest="context",
        action="store_false",
        help="tag each sentence as if it were alone (default: the sentences of a text share what they say of a word)",
    )
    add("--device", choices=DEVICES, default="auto", help="where the model runs (default: %(default)s)")
    add(
        "--threads",
        type=options.positive,
        default=1,
        metavar="N",
        help="CPU threads of each process (default: %(default)s)",
    )


def _add_output(add: options.Add) -> None:
    add("--to", choices=writers.FORMATS, help="format of the output (default: inline on a terminal, otherwise jsonl)")
    add(
        "--ents-field",
        default="ents",
        metavar="NAME",
        help="field of a JSON object, or column of Parquet, that the entities are written to (default: %(default)s)",
    )
    add(
        "--color",
        choices=options.COLOURS,
        default="auto",
        help="colours in inline output (default: auto, which means on a terminal)",
    )
    add("--line-buffered", action="store_true", help="write each text before the next is read; this is slower")
    add("--quiet", action="store_true", help="do not show the progress")


def _add_folder(add: options.Add) -> None:
    add(
        "--output",
        type=local,
        metavar="FOLDER",
        help="write parts into this folder, a path or URL; those that are there are not made again",
    )
    add("--jobs", type=options.positive, metavar="N", help="processes (default: a process for each core)")
    add(
        "--engine",
        choices=ENGINES,
        help="who runs the processes: nerve itself (default), or Ray, here or on a cluster",
    )
    add(
        "--shard",
        type=options.shard,
        metavar="I/N",
        help="make only every N-th part from the I-th on; other machines make the others",
    )
    add(
        "--part-bytes",
        type=options.positive,
        metavar="N",
        help=f"bytes of input in a part (default: {parts.PART_BYTES})",
    )


def _to_folder(chosen: argparse.Namespace) -> int:
    """Tag into a folder. Returns how many lines could not be read. Raises BulkError and ArchiveError."""
    files = _files(chosen, chosen.files)
    settings = _settings(chosen, chosen.to or "jsonl")
    prepared = run.prepare(
        files, Folder(chosen.output), settings, chosen.part_bytes or parts.PART_BYTES, chosen.shard or (1, 1)
    )
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
        labels=chosen.labels,
        min_score=chosen.min_score,
        patterns=chosen.patterns,
        phone_regions=chosen.phone_regions,
        context=chosen.context,
        strict=chosen.strict,
    )


def _files(chosen: argparse.Namespace, names: Sequence[str]) -> list[Input]:
    """The files that are meant. Raises BulkError."""
    files, unknown = inputs.find(names, chosen.source, chosen.output)
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
        # End without a message when the reader of our output stops, as head does. Only here, because the connection
        # of a URL or of a cluster may close as well.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.raise_signal(signal.SIGPIPE)
    except OSError as error:
        # Python would write the rest of the buffer once more when it exits, and report the same error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise BulkError(f"standard output cannot be written: {error.strerror}") from None
