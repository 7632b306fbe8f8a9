"""A part: slices of the input that are tagged together and written to one file of the output.

A part is what is shared out among processes and machines, and what is done again after a crash. Its bytes do not
depend on who tagged what before: its batches begin with it, and so does the table of words.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from nerve.bulk import compression, inputs, parquet, records, writers
from nerve.bulk.annotate import annotate
from nerve.bulk.columns import Columns
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.models import Models
from nerve.bulk.record import Record
from nerve.bulk.settings import Settings

PART_BYTES = 1 << 24
"""Bytes of input in a part: one to two minutes of work."""

Report = Callable[[int, int, int], None]
"""Is told of progress: bytes read, texts tagged, tokens in them."""


@dataclass(frozen=True)
class Part:
    """The slices of a part, and its number."""

    number: int
    slices: tuple[Slice, ...]

    @property
    def size(self) -> int:
        """Bytes of input on the disk."""
        return sum(piece.size for piece in self.slices)

    def name(self, suffix: str) -> str:
        """The name of its file in the folder of the output."""
        return f"part-{self.number:06}.{suffix}"

    @property
    def errors_name(self) -> str:
        """The file with a line for each record that could not be read. There is none without such records."""
        return self.name("errors")


def cut(files: Iterable[Input], part_bytes: int, unit: str) -> list[Part]:
    """Cut the inputs into parts of about equal size. Small files share a part, in their order."""
    parts: list[Part] = []
    held: list[Slice] = []
    for piece in chain.from_iterable(_slices(file, part_bytes, unit) for file in files):
        if held and sum(one.size for one in held) + piece.size > part_bytes:
            parts.append(Part(len(parts), tuple(held)))
            held = []
        held.append(piece)
    return [*parts, Part(len(parts), tuple(held))] if held else parts


def write(
    part: Part, file: BinaryIO, settings: Settings, columns: Columns | None, models: Models, report: Report
) -> list[str]:
    """Tag a part and write it into a file.

    Args:
        part: the part.
        file: is written to.
        settings: what is done to each record.
        columns: those of a table; None for other formats.
        models: they tag the records.
        report: is told of progress.

    Returns:
        Where each record is that could not be read, and why.

    Raises:
        BulkError: the input cannot be read, the output cannot be written, or, if `settings.strict`, a record is bad.
    """
    read = _Count()
    errors: list[str] = []
    models.forget_words()
    given = read_all(part.slices, settings, read.add, columns)
    with _table(file, settings, columns) as out:
        for record, result in annotate(given, models, strict=settings.strict):
            out.add(record, result)
            errors += [record.error] if record.error else []
            report(read.taken(), 1, result.token_count if result is not None else 0)
    report(read.taken(), 0, 0)
    return errors


def read_all(
    slices: Iterable[Slice], settings: Settings, count: Callable[[int], None], columns: Columns | None = None
) -> Iterator[Record]:
    """The records of all slices, one slice after the other; see `records.read`."""
    return chain.from_iterable(
        records.read(piece, settings.unit, settings.text_field, count, columns) for piece in slices
    )


@contextmanager
def _table(file: BinaryIO, settings: Settings, columns: Columns | None) -> Iterator[parquet.Table | writers.Lines]:
    """What writes records and results into a file."""
    if columns:
        with parquet.Table(file, columns) as table:
            yield table
    else:
        with compression.writing(file, settings.compressed) as plain:
            yield writers.Lines(plain, writers.writer(settings.to, ents_field=settings.ents_field))


def _slices(file: Input, part_bytes: int, unit: str) -> list[Slice]:
    if file.size <= part_bytes or not inputs.can_be_cut(file, unit):
        return [Slice(file)]
    return [Slice(file, begin, min(begin + part_bytes, file.size)) for begin in range(0, file.size, part_bytes)]


class _Count:
    """Bytes that have been read and not yet been reported."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, size: int) -> None:
        self._bytes += size

    def taken(self) -> int:
        size, self._bytes = self._bytes, 0
        return size
