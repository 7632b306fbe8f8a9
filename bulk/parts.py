"""A part: slices of the input that are tagged together and written to one file of the output.

A part is what is shared out among processes and machines, and what is done again after a crash. Its bytes do not
depend on who tagged what before: its batches begin with it, and so does the table of words.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from nerve.bulk import inputs, records, writers
from nerve.bulk.annotate import annotate
from nerve.bulk.files import replacing
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.models import Models
from nerve.bulk.settings import Settings

PART_BYTES = 1 << 24
"""Bytes of input in a part: one to two minutes of work."""

FORMATS = ("jsonl", "conll")
"""What a folder can be written as."""

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

    def path(self, folder: Path, form: str) -> Path:
        """Its file in the folder of the output."""
        return folder / f"part-{self.number:06}.{form}"

    def errors_path(self, folder: Path) -> Path:
        """The file with a line for each record that could not be read. There is none without such records."""
        return folder / f"part-{self.number:06}.errors"


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


def write(part: Part, folder: Path, settings: Settings, models: Models, report: Report) -> None:
    """Tag a part and write its files. They are there whole, or not at all.

    Raises:
        BulkError: the input cannot be read, the output cannot be written, or, if `settings.strict`, a record is bad.
    """
    read = _Count()
    found: list[str] = []
    models.forget_words()
    write_record = writers.writer(settings.to, ents_field=settings.ents_field)
    with replacing(part.path(folder, settings.to)) as file:
        for lines, tokens, error in annotate(
            read_all(part.slices, settings, read.add), models, write_record, strict=settings.strict
        ):
            file.write(lines.encode())
            found += [error] if error else []
            report(read.taken(), 1, tokens)
        if found:
            # First, so that a part that is there has its errors, too.
            with replacing(part.errors_path(folder)) as errors:
                errors.write("".join(f"{one}\n" for one in found).encode())
    report(read.taken(), 0, 0)


def read_all(slices: Sequence[Slice], settings: Settings, count: Callable[[int], None]) -> Iterator[records.Record]:
    """The records of all slices, one slice after the other; see `records.read`."""
    return chain.from_iterable(records.read(piece, settings.unit, settings.text_field, count) for piece in slices)


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
