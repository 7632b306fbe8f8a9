"""The files of a run, from the files, folders and globs that a user names, and the lines in them.

A file that is plain and whose records end at an end of line can be cut into slices of bytes, and so can Parquet; any
other is read whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from nerve.bulk import compression, storage
from nerve.bulk.errors import BulkError

FORMATS = ("text", "jsonl", "csv", "conll", "parquet")

SUFFIXES = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".parquet": "parquet",
}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Input:
    """A file, what it holds, and how it is compressed."""

    name: str
    """its path or URL, as the user gave it or below the folder that they gave"""
    form: str
    """one of `FORMATS`"""
    size: int
    """bytes as it is stored; 0 if its server does not say"""

    @property
    def compressed(self) -> str:
        """What `compression.suffix_of` says."""
        return compression.suffix_of(storage.path_of(self.name))


@dataclass(frozen=True)
class Slice:
    """A part of a file: the lines, or the rows of Parquet, that begin at its bytes from `begin` to `end`."""

    input: Input
    begin: int = 0
    end: int | None = None
    """None for a file that is read whole"""

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return (self.input.size if self.end is None else self.end) - self.begin

    def place(self, position: int) -> str:
        """Where a record is: the number of its line in a whole file, or the byte at which it begins; or its row."""
        if self.input.form == "parquet":
            return f"{self.input.name}, row {position}"
        return f"{self.input.name}:{position}" if self.end is None else f"{self.input.name}, byte {position}"


def format_of(name: str) -> str | None:
    """The format that the end of a name stands for, before that of its compression; None if it says nothing."""
    path = storage.path_of(name)
    return SUFFIXES.get(PurePath(path.lower().removesuffix(compression.suffix_of(path))).suffix)


def find(names: Iterable[str], form: str | None, leave_out: Sequence[str] = ()) -> tuple[list[Input], int]:
    """Find the files that are meant.

    Args:
        names: files, folders, and globs, in which `**` means any folders; paths or URLs. A folder stands for the
            files in it and below, sorted, but for hidden ones and, where `form` is None, those whose names say no
            format.
        form: the format of all of them; None means what their names say, and plain text if those say nothing.
        leave_out: files, and folders with all that is in them, which are no inputs: those of the output.

    Returns:
        The files, in the order of `names`, and how many files in folders were left out because of their names.

    Raises:
        BulkError: a name stands for no file, a file cannot be read, or all are left out.
    """

    def is_output(path: str) -> bool:
        return any(storage.is_within(path, one) for one in leave_out)

    inputs, unknown = [], 0
    for name in map(storage.local, names):
        if any(storage.is_same(name, one) for one in leave_out):  # a shell that expands `*` names the output, too
            continue
        if storage.is_folder(name):
            paths = [path for path in storage.below(name) if not is_output(path)]
            known = [path for path in paths if form or format_of(path)]
            unknown += len(paths) - len(known)
            inputs += [_input(path, form) for path in known]
            if not known:
                raise BulkError(f"{name}: no file in this folder has a name that says its format; --from says it")
        elif (matching := storage.matching(name)) is not None:
            if not matching:
                raise BulkError(f"{name}: no file has such a name")
            inputs += [_input(path, form) for path in matching if not is_output(path)]
        else:
            inputs.append(_input(name, form))
    if not inputs:
        raise BulkError(f"{leave_out[0]}: this is the output, and there is no input beside it")
    return inputs, unknown


def lines(part: Slice, read: Callable[[int], None], unit: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a slice, each with its position as `Slice.place` takes it.

    Where records are separated by empty lines, a slice begins behind the first empty line in it, and ends with the
    first empty line behind it, so that every record is in one slice whole.

    Args:
        part: the slice.
        read: is told of bytes that have been read from the disk.
        unit: one of `records.UNITS`.

    Raises:
        BulkError: the file cannot be read.
        compression.CorruptError: it is damaged.
    """
    with storage.opened(part.input.name, seekable=part.end is not None) as file:
        if part.end is None:
            yield from whole(file, part.input.compressed, read)
        else:
            yield from _cut(file, part, read, blocks=in_blocks(part.input.form, unit))


def whole(file: BinaryIO, compressed: str, read: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """All lines of an open file with their numbers, without a byte order mark."""
    reached = 0
    for number, line in enumerate(compression.lines(file, compressed), start=1):
        if compressed:
            reached, before = file.tell(), reached
            read(reached - before)
        else:
            read(len(line))
        yield number, line.removeprefix(_BOM) if number == 1 else line


def can_be_cut(file: Input, unit: str) -> bool:
    """Whether slices of a file can be read on their own. In CSV, a line end may be in the middle of a record."""
    if file.form == "parquet":
        return True
    streamed = file.compressed or storage.is_web(file.name)
    return not streamed and file.form != "csv" and not (file.form == "text" and unit == "file")


def in_blocks(form: str, unit: str) -> bool:
    """Whether empty lines separate the records of a format."""
    return form == "conll" or (form == "text" and unit == "paragraph")


def _input(name: str, form: str | None) -> Input:
    return Input(name, form or format_of(name) or "text", storage.size(name))


def _cut(file: BinaryIO, part: Slice, read: Callable[[int], None], *, blocks: bool) -> Iterator[tuple[int, bytes]]:
    begin, end = part.begin, part.begin + part.size
    # The byte before: a line that begins exactly at `begin` is ours, the rest of another is not.
    file.seek(max(0, begin - 1))
    position = file.tell() + (len(file.readline()) if begin else 0)
    ours = not (blocks and begin)
    for line in file:
        empty = blocks and not line.strip()
        if position >= end and not blocks:
            return
        if ours:
            read(len(line))
            yield position, line.removeprefix(_BOM) if position == 0 else line
        if empty and position >= end:
            return
        ours = ours or empty
        position += len(line)
