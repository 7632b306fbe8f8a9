"""`nerve tag`: finds the entities in a file or a stream, in this process and without a server.

Texts are read, tagged and written as they come. Only one batch of them is held at a time.
"""

import argparse
import os
import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import tee
from pathlib import Path
from typing import Any, BinaryIO

import nerve
from nerve import streams
from nerve.cli import options, records, writers
from nerve.cli.errors import CommandError
from nerve.cli.progress import Progress
from nerve.cli.records import Record
from nerve.tagger import BATCH_SIZE, DEVICES

EXAMPLES = """\
examples:
  nerve tag letters.txt                               in colour on a terminal, otherwise as JSON lines
  nerve tag --unit paragraph book.txt --to inline     one text is a paragraph
  nerve tag posts.jsonl --text-field body --to jsonl  the other fields are kept
  nerve tag tokens.conll --to conll                   the tokens of the file are tagged as they are
  tail -f log | nerve tag - --line-buffered           each line is written before the next is read
  nerve tag letters.txt --labels PER,ORG --min-score 0.8 | jq -r '.ents[].text' | sort | uniq -c
"""


def main(arguments: Sequence[str]) -> int:
    """Run `nerve tag` and return its exit status."""
    signal.signal(
        signal.SIGPIPE, signal.SIG_DFL
    )  # end without a message when the reader of our output stops, as head
    try:
        tag(parse(arguments))
    except (CommandError, nerve.ArchiveError) as error:
        streams.complain(f"nerve tag: {error}")
        return 1
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="nerve tag",
        description="Find the entities in a file or a stream. Input and output are UTF-8; offsets count code points.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", nargs="?", default="-", metavar="FILE", help="the file to read; - (the default) is standard input")
    add(
        "--from",
        dest="source",
        choices=records.FORMATS,
        help="format of the input (default: what the file's name says, otherwise text)",
    )
    add(
        "--to",
        choices=writers.FORMATS,
        help="format of the output (default: inline on a terminal, otherwise jsonl)",
    )
    add(
        "--unit",
        choices=records.UNITS,
        default="line",
        help="how much of plain text is one text (default: %(default)s)",
    )
    add("--text-field", default="text", metavar="NAME", help="field of a JSON object that holds the text (text)")
    add("--model", default="en", help=f"{options.MODEL} (default: %(default)s)")
    add(
        "--weights-only",
        action="store_true",
        help="read the model as data and run no program in it: for a model that you do not trust",
    )
    add("--labels", type=options.labels, metavar="A,B,…", help="write only entities with these labels")
    add(
        "--min-score",
        type=options.probability,
        default=0.0,
        metavar="P",
        help="write only entities with at least this score (default: %(default)s)",
    )
    add("--device", choices=DEVICES, default="auto", help="where the model runs (default: %(default)s)")
    add("--threads", type=options.positive, default=1, metavar="N", help="CPU threads (default: %(default)s)")
    add(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours in inline output (default: auto, which means on a terminal)",
    )
    add("--line-buffered", action="store_true", help="write each text before the next is read; this is slower")
    add("--quiet", action="store_true", help="do not show the progress")
    return parser.parse_args(arguments)


def tag(settings: argparse.Namespace) -> None:
    """Do what the command line says. Raises CommandError and ArchiveError."""
    with _opened(settings.file) as (file, name):
        tagger = nerve.load(settings.model, settings.device, settings.threads, weights_only=settings.weights_only)
        form = settings.source or records.format_of(name)
        on_terminal = sys.stdout.isatty()
        write = writers.writer(
            settings.to or ("inline" if on_terminal else "jsonl"),
            tagger.labels,
            colour=coloured(settings.color),
            gap=form == "text" and settings.unit == "paragraph",
        )
        at_once = settings.line_buffered or (file.isatty() and settings.unit == "line")
        # If the entities themselves run down the terminal, they show the progress well enough.
        shown = sys.stderr.isatty() and not on_terminal and not settings.quiet
        with Progress(_size(file), shown=shown) as progress, _flushed():
            read = records.reader(form, settings.unit, settings.text_field)(_lines(file, name, progress), name)
            for result, record in _tagged(tagger, read, form, settings, at_once=at_once):
                _write(write(result, record.fields), flush=at_once)
                progress.tagged(1, result.token_count)


def coloured(choice: str) -> bool:
    """Whether to write colours. `auto` means on a terminal that knows them, if NO_COLOR (no-color.org) is not set."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _tagged(
    tagger: nerve.Tagger, read: Iterator[Record], form: str, settings: argparse.Namespace, *, at_once: bool
) -> Iterator[tuple[nerve.Result, Record]]:
    """Each record with its result. The results come first, for they are what reads a batch of records ahead."""
    ahead, kept = tee(read)
    sources: Any = (record.source for record in ahead)
    choice: dict[str, Any] = {"labels": settings.labels, "min_score": settings.min_score}
    choice["batch_size"] = 1 if at_once else BATCH_SIZE
    tokenized = form == "conll"
    try:
        results = tagger.pipe(tokens=sources, **choice) if tokenized else tagger.pipe(sources, **choice)
    except ValueError as error:
        raise CommandError(f"--labels: {error}") from None
    return zip(results, kept, strict=True)


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, str]]:
    """The input, and its name for messages."""
    if file == "-":
        yield sys.stdin.buffer, "standard input"
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115, closed below: a later OSError is not one of opening
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {error.strerror}") from None
    with opened:
        yield opened, file


def _size(file: BinaryIO) -> int:
    """In bytes; 0 for what has no size, such as a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _lines(file: BinaryIO, name: str, progress: Progress) -> Iterator[bytes]:
    try:
        for line in file:
            progress.read(len(line))
            yield line
    except OSError as error:
        raise CommandError(f"{name}: cannot be read: {error.strerror}") from None


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
    except OSError as error:
        # Python would write the rest of the buffer once more when it exits, and report the same error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"standard output cannot be written: {error.strerror}") from None
