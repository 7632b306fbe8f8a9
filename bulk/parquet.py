"""Parquet in and out, through pyarrow (the extra `parquet`): rows as records, and a column of entities beside others.

Rows that are read keep their columns and types when they are written. A slice is a range of rows: those that would
begin at its bytes if all rows of a row group were of one length. So slices need not follow row groups, of which many
a file has only one.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate, groupby
from typing import Any, BinaryIO, Self

from nerve import Result
from nerve.bulk import storage
from nerve.bulk.arrow import check_text, pyarrow
from nerve.bulk.columns import Columns
from nerve.bulk.compression import CorruptError
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Slice
from nerve.bulk.record import Record

# Rows that are decoded at a time, and bytes of a column that are read at a time.
_BATCH_ROWS = 1024
_BUFFER_BYTES = 1 << 20

# A row group of the output: large enough for its readers, small enough to be held.
_GROUP_BYTES = 1 << 24


class Row(Mapping[str, Any]):
    """A row of a table, whose values become Python's when somebody asks for them.

    Attributes:
        batch: the rows that it was read with, a `pyarrow.RecordBatch`.
        index: its place among them.
    """

    __slots__ = ("batch", "index")

    def __init__(self, batch: Any, index: int) -> None:
        self.batch, self.index = batch, index

    def __getitem__(self, name: str) -> Any:
        value = self.batch.column(name)[self.index]
        try:
            return value.as_py()
        except ValueError:  # nanoseconds, for which Python has no type
            return value.cast("string").as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self.batch.schema.names)

    def __len__(self) -> int:
        return len(self.batch.schema.names)


def schema(name: str) -> Any:
    """The `pyarrow.Schema` of a file. Raises BulkError."""
    try:
        with storage.opened(name) as opened:
            return _file(opened).schema_arrow
    except CorruptError as error:
        raise BulkError(f"{name}: {error}") from None


def check(name: str, text_column: str, columns: Columns) -> None:
    """Raise BulkError if a file has no such column of texts, or not the columns of a table that is written."""
    _check(name, schema(name), text_column, columns)


def rows(part: Slice, text_column: str, count: Callable[[int], None], columns: Columns | None) -> Iterator[Record]:
    """The rows of a slice, each with all its columns as the fields of a record.

    Args:
        part: the slice.
        text_column: the column of the texts.
        count: is told of bytes that have been read.
        columns: those of a table that the rows are written to, if they are.

    Raises:
        BulkError: the file cannot be read, or has no such column of texts, or not those columns.
        CorruptError: it is damaged.
    """
    with storage.opened(part.input.name) as opened:
        file = _file(opened)
        _check(part.input.name, file.schema_arrow, text_column, columns)
        for first, batch, length in _batches(file, part):
            for index, text in enumerate(batch.column(text_column).to_pylist()):
                row = Row(batch, index)
                fact = f"{part.place(first + index + 1)}: {text_column} is null" if text is None else ""
                yield Record("" if text is None else text, row, fact)
            count(length)


class Table:
    """Writes records and their results as rows of Parquet.

    Args:
        file: is written to.
        columns: those of the table.
    """

    def __init__(self, file: BinaryIO, columns: Columns) -> None:
        self._columns = columns
        self._writer = _writer(file, columns)
        self._held: list[tuple[Record, Result | None]] = []
        self._batches: list[Any] = []

    def add(self, record: Record, result: Result | None) -> None:
        """Write one record, or hold it back until there are more."""
        self._held.append((record, result))
        if len(self._held) >= _BATCH_ROWS:
            self._convert()
            if sum(batch.nbytes for batch in self._batches) >= _GROUP_BYTES:
                self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what is held back, if there was no error, and the end of the file."""
        with self._writer:
            if kind is None:
                self._convert()
                self._write()

    def _convert(self) -> None:
        """Make columns of the records that are held, which are much smaller."""
        for batch, pairs in groupby(self._held, key=_batch_of):
            records, results = zip(*pairs, strict=True)
            if batch is None:
                self._batches.append(self._columns.of_records(records, results))
            else:
                piece = batch.slice(records[0].fields.index, len(records))
                self._batches.append(self._columns.of_table(piece, results))
        self._held = []

    def _write(self) -> None:
        if self._batches:
            self._writer.write_table(pyarrow().Table.from_batches(self._batches))
        self._batches = []


def row_groups(opened: BinaryIO) -> Iterator[Any]:
    """The row groups of a file, each a `pyarrow.Table`. Raises CorruptError."""
    file = _file(opened)
    for number in range(file.metadata.num_row_groups):
        with _damage():
            group = file.read_row_group(number, use_threads=False)
        yield group


def write(groups: Iterable[Any], file: BinaryIO, columns: Columns) -> None:
    """Write tables with these columns into one file, each as a row group."""
    with _writer(file, columns) as writer:
        for group in groups:
            writer.write_table(group)


def _writer(file: BinaryIO, columns: Columns) -> Any:
    return pyarrow("pyarrow.parquet").ParquetWriter(file, columns.schema, compression="zstd")


def _batch_of(pair: tuple[Record, Result | None]) -> Any:
    fields = pair[0].fields
    return fields.batch if isinstance(fields, Row) else None


def _file(opened: BinaryIO) -> Any:
    """Raises CorruptError."""
    with _damage():
        # By default pyarrow reads a row group whole before its first row, and many a file is one row group.
        return pyarrow("pyarrow.parquet").ParquetFile(opened, buffer_size=_BUFFER_BYTES, pre_buffer=False)


def _check(name: str, schema: Any, text_column: str, columns: Columns | None) -> None:
    """Raise BulkError if a file has not the columns that it should have."""
    if len(set(schema.names)) < len(schema.names):
        raise BulkError(f"{name}: two columns have one name")
    if fault := check_text(schema, text_column):
        raise BulkError(f"{name}: {fault}; --text-column names the column of the texts")
    if columns is not None:
        theirs = {field.name: field.type for field in schema if field.name != columns.ents_field}
        ours = {field.name: field.type for field in columns.schema if field.name != columns.ents_field}
        different = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        if different:
            raise BulkError(f"{name}: column {different[0]} is not that of the first file, by its name or type")


def _batches(file: Any, part: Slice) -> Iterator[tuple[int, Any, int]]:
    """The rows of a slice in batches, with the number of the first of each, from 0, and a length in bytes."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    sizes = [max(1, sum(one.column(n).total_compressed_size for n in range(one.num_columns))) for one in groups]
    before, rows_before = [0, *accumulate(sizes)], [0, *accumulate(one.num_rows for one in groups)]
    begin, end = part.begin, part.begin + part.size
    for number, one in enumerate(groups):

        def position(row: int, number: int = number, count: int = one.num_rows) -> int:
            """Where a row of this group would begin, in bytes of the file."""
            reached = before[number] * count + row * sizes[number]
            return int(part.input.size * reached // (count * before[-1]))

        lower, upper = (
            (0, one.num_rows)
            if part.end is None
            else (bisect_left(range(one.num_rows), edge, key=position) for edge in (begin, end))
        )
        for first, batch in _rows_of_group(file, number, lower, upper):
            length = position(first + batch.num_rows) - position(first)
            yield rows_before[number] + first, batch, length


def _rows_of_group(file: Any, number: int, lower: int, upper: int) -> Iterator[tuple[int, Any]]:
    """The rows from `lower` to `upper` of a row group in batches, each with the place of its first in the group."""
    reached = 0
    batches = file.iter_batches(_BATCH_ROWS, row_groups=[number], use_threads=False) if lower < upper else iter(())
    while reached < upper:
        with _damage():
            batch = next(batches, None)
        if batch is None:
            return
        first, last = max(lower - reached, 0), min(upper - reached, batch.num_rows)
        if first < last:
            yield reached + first, batch.slice(first, last - first)
        reached += batch.num_rows


@contextmanager
def _damage() -> Iterator[None]:
    """Raise CorruptError for what pyarrow says of damaged data."""
    try:
        yield
    except (pyarrow().ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk
            raise
        raise CorruptError("the Parquet data are damaged") from None
