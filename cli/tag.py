"""`nerve tag`: find the names in a file or a stream, in this process and without a server.

Texts are read, tagged in batches and written as they come; only a batch of them is held at a time.
"""

import argparse
import os
import signal
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nerve.cli import records, writers
from nerve.cli.archives import find
from nerve.cli.errors import CommandError
from nerve.cli.progress import Progress
from nerve.cli.records import Record
from nerve.model.annotation import Entity

if TYPE_CHECKING:
    from nerve.model.recognizer import Recognizer

# Enough for the batches to be full and alike in length; a text that is longer is alone.
CHUNK_TOKENS = 16_384
CHUNK_TEXTS = 1_024

EXAMPLES = """\
examples:
  nerve tag letters.txt                               in colour on a terminal, else as JSON lines
  nerve tag --unit paragraph book.txt --to inline     a text is what stands between blank lines
  nerve tag posts.jsonl --text-field body --to jsonl  other fields are kept
  nerve tag tokens.conll --to conll                   the tokens as they are
  tail -f log | nerve tag - --line-buffered           every line at once
  nerve tag letters.txt --labels PER,ORG --min-score 0.8 | jq -r '.ents[].text' | sort | uniq -c
"""


def main(arguments: Sequence[str]) -> int:
    # Whoever reads from us may stop, as head does: that ends us too, without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = parse(arguments)
    try:
        tag(options)
    except CommandError as error:
        print(f"nerve tag: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line when it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="nerve tag",
        description="Find the names in a file or a stream. What is read and written is UTF-8; offsets count code "
        "points.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", nargs="?", default="-", metavar="FILE", help="what to read; - or nothing is standard input")
    add(
        "--from",
        dest="source",
        choices=records.FORMATS,
        help="what it holds (by default, what its name says, or text)",
    )
    add("--to", choices=writers.FORMATS, help="what to write (inline on a terminal, jsonl elsewhere)")
    add("--unit", choices=records.UNITS, default="line", help="what makes one text of plain text (line)")
    add("--text-field", default="text", metavar="NAME", help="where a JSON object has its text (text)")
    add("--model", default="en", help="an archive, or the name of one that comes along (en)")
    add("--labels", type=_names, metavar="A,B,…", help="find these only")
    add("--min-score", type=_probability, default=0.0, metavar="P", help="leave out what is less probable (0)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute (auto)")
    add("--threads", type=_positive, default=1, metavar="N", help="CPU threads (1)")
    add("--color", choices=("auto", "always", "never"), default="auto", help="for inline (auto: on a terminal)")
    add("--line-buffered", action="store_true", help="write each text before the next is read; slower")
    add("--quiet", action="store_true", help="no progress")
    return parser.parse_args(arguments)


def tag(options: argparse.Namespace) -> None:
    """Raises CommandError."""
    archive = find(options.model)
    with _opened(options.file) as (file, name):
        recognizer = _recognizer(archive, options)
        for label in options.labels or ():
            if label not in recognizer.labels:
                raise CommandError(f"--labels: {label} is none of the model's: {', '.join(recognizer.labels)}")
        wanted = frozenset(options.labels or recognizer.labels)
        on_terminal = sys.stdout.isatty()
        form = options.source or records.format_of(name)
        write = writers.writer(
            options.to or ("inline" if on_terminal else "jsonl"),
            recognizer.labels,
            colour=coloured(options.color),
            gap=form == "text" and options.unit == "paragraph",
        )
        # Where the names themselves run down the terminal they tell enough.
        shown = sys.stderr.isatty() and not on_terminal and not options.quiet
        at_once = options.line_buffered or (file.isatty() and options.unit == "line")
        with Progress(_size(file), shown=shown) as progress:
            read = records.reader(form, options.unit, options.text_field)(_counted(file, name, progress), name)
            for chunk in _chunks(read, at_once=at_once):
                found = recognizer.annotate([one.text for one in chunk], [one.sentences for one in chunk])
                kept = ([one for one in of_text if _suits(one, wanted, options.min_score)] for of_text in found)
                _write("".join(map(write, chunk, kept)))
                progress.tagged(len(chunk), sum(map(_tokens, chunk)))


def coloured(wanted: str) -> bool:
    """Whether to write colours: as asked, or on a terminal that knows them, unless NO_COLOR (no-color.org) is set."""
    if wanted != "auto":
        return wanted == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, str]]:
    """The input, and its name for messages."""
    if file == "-":
        yield sys.stdin.buffer, "standard input"
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115, closed below: an error that comes later is not this one
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {error.strerror}") from None
    with opened:
        yield opened, file


def _size(file: BinaryIO) -> int:
    """In bytes; 0 for what has none, such as a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _recognizer(archive: Path, options: argparse.Namespace) -> "Recognizer":
    # Not at the top: what is wrong with the command is said before torch's seconds.
    import torch

    from nerve.model.archive import ArchiveError, load
    from nerve.model.recognizer import Recognizer

    torch.set_num_threads(options.threads)
    try:
        return Recognizer(load(archive, options.device))
    except ArchiveError as error:
        raise CommandError(str(error)) from None


def _counted(file: BinaryIO, name: str, progress: Progress) -> Iterator[bytes]:
    try:
        for line in file:
            progress.read(len(line))
            yield line
    except OSError as error:
        raise CommandError(f"{name}: cannot be read: {error.strerror}") from None


def _chunks(read: Iterable[Record], *, at_once: bool) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    tokens = 0
    for record in read:
        chunk.append(record)
        tokens += _tokens(record)
        if at_once or tokens >= CHUNK_TOKENS or len(chunk) >= CHUNK_TEXTS:
            yield chunk
            chunk, tokens = [], 0
    if chunk:
        yield chunk


def _suits(entity: Entity, labels: frozenset[str], min_score: float) -> bool:
    return entity.label in labels and entity.score >= min_score


def _write(text: str) -> None:
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except OSError as error:
        # What could not be written is still held, and would be tried, and complained of, once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"standard output cannot be written: {error.strerror}") from None


def _tokens(record: Record) -> int:
    return sum(map(len, record.sentences))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not all(names):
        raise ValueError(text)
    return names


def _probability(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise ValueError(text)
    return float(text)


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)
