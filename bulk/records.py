"""The records of an input, one at a time: lines or paragraphs of text, JSON lines, rows of a table, CoNLL columns.

Only the record that is being read is held, so an input may be of any length. What cannot be read becomes a record
with an error, in its place.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from nerve.bulk import compression, inputs, parquet
from nerve.bulk.columns import Columns
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Slice
from nerve.bulk.record import Fields, Record

UNITS = ("line", "paragraph", "file")

# The line before each document in the files of CoNLL-2003.
DOCUMENT_START = "-DOCSTART-"

# A quotation mark that is never closed takes no more than this before it becomes an error.
_CELL_CHARACTERS = 1 << 24

Lines = Iterable[tuple[int, bytes]]
"""Lines, each with its position in the input."""

Place = Callable[[int], str]
"""Says where a position is, for messages."""

Reader = Callable[[Lines, Place], Iterator[Record]]

Check = Callable[[Fields], str]
"""Says what is wrong with the fields of a record; empty if nothing is."""


def read(
    part: Slice, unit: str, text_field: str, count: Callable[[int], None], columns: Columns | None = None
) -> Iterator[Record]:
    """The records of a slice.

    Args:
        part: the slice.
        unit: one of `UNITS`: how much of plain text is one text.
        text_field: the field of a JSON object, or the column of a table, that holds the text.
        count: is told of bytes that have been read from the disk.
        columns: those of a table that is written. A record whose other fields do not fit has an error.

    Raises:
        BulkError: the file cannot be read, or is a table without such a column.
    """
    separator = "\t" if ".tsv" in part.input.name.lower() else ","
    try:
        if part.input.form == "parquet":
            yield from parquet.rows(part, text_field, count, columns)
            return
        read_lines = reader(part.input.form, unit, text_field, separator, columns.misfit if columns else _fitting)
        yield from read_lines(inputs.lines(part, count, unit), part.place)
    except compression.CorruptError as error:
        yield Record("", error=f"{part.input.name}: {error}")


def _fitting(_: Fields) -> str:
    return ""


def reader(form: str, unit: str, text_field: str, separator: str = ",", check: Check = _fitting) -> Reader:
    """Choose the function that turns lines into records.

    Args:
        form: one of `inputs.FORMATS` that has lines.
        unit: one of `UNITS`: how much of plain text is one text.
        text_field: the field of a JSON object, or the column of a CSV file, that holds the text.
        separator: what is between the cells of a CSV file.
        check: what else the fields of a record have to satisfy.
    """
    if form == "jsonl":
        return partial(_json_lines, text_field=text_field, check=check)
    if form == "csv":
        return partial(_rows, text_field=text_field, separator=separator, check=check)
    if form == "conll":
        return _sentences
    return _text_lines if unit == "line" else partial(_texts, paragraphs=unit == "paragraph")


def _text_lines(lines: Lines, place: Place) -> Iterator[Record]:
    for position, line in lines:
        text, fact = _decoded(line)
        yield Record(text, error=f"{place(position)}: {fact}" if fact else "")


def _texts(lines: Lines, place: Place, paragraphs: bool) -> Iterator[Record]:
    text: list[str] = []
    error = ""
    for position, line in lines:
        content, fact = _decoded(line)
        if paragraphs and not fact and not content.strip():
            if text:
                yield Record("" if error else "\n".join(text), error=error)
            text, error = [], ""
        else:
            text.append(content)
            error = error or (f"{place(position)}: {fact}" if fact else "")
    if text:
        yield Record("" if error else "\n".join(text), error=error)


def _json_lines(lines: Lines, place: Place, text_field: str, check: Check) -> Iterator[Record]:
    for position, line in lines:
        text, fact = _decoded(line)
        if fact:
            yield Record("", error=f"{place(position)}: {fact}")
        elif text.strip():
            record = _json_record(text, text_field)
            fact = record.error or check(record.fields)
            yield Record("", record.fields, f"{place(position)}: {fact}") if fact else record


def _json_record(line: str, text_field: str) -> Record:
    try:
        value = json.loads(line)
    except ValueError as error:
        # The message does not quote the line, which may be private, and long.
        fact = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        return Record("", error=f"not JSON: {fact}")
    except RecursionError:
        return Record("", error="not JSON: nested too deeply")
    fields = value if isinstance(value, dict) else {}
    text = fields.get(text_field)
    if not isinstance(text, str):
        return Record("", fields, f"not an object whose field {text_field} is a string")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Record("", fields, f"{text_field} has a lone surrogate")
    return Record(text, fields)


def _rows(lines: Lines, place: Place, text_field: str, separator: str, check: Check) -> Iterator[Record]:
    header: list[str] = []
    for position, row, fault in _parsed(lines, separator):
        if not header:
            header = _header(row, place(position), fault, text_field)
            continue
        fact = fault or _row_fault(row, header)
        fields = {} if fact else dict(zip(header, row, strict=True))
        fact = fact or check(fields)
        yield Record("", error=f"{place(position)}: {fact}") if fact else Record(fields[text_field], fields)


def _parsed(lines: Lines, separator: str) -> Iterator[tuple[int, list[str], str]]:
    """Where each row begins, for it may have several lines, with its cells and what is wrong with it."""
    csv.field_size_limit(_CELL_CHARACTERS)
    begun: list[int] = []

    def decoded() -> Iterator[str]:
        for position, line in lines:
            begun.append(position)
            yield line.decode(errors="surrogateescape")

    rows = csv.reader(decoded(), delimiter=separator, strict=True)
    while True:
        begun.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield begun[0], [], f"not CSV: {error}"
        else:
            if row:
                yield begun[0], row, ""


def _header(row: list[str], place: str, fault: str, text_field: str) -> list[str]:
    """The names of the columns, which are checked. Raises BulkError."""
    if fault:
        raise BulkError(f"{place}: {fault}")
    if text_field not in row:
        raise BulkError(f"{place}: there is no column {text_field}; --text-column names the column of the texts")
    if len(set(row)) < len(row):
        raise BulkError(f"{place}: two columns have one name")
    return row


def _row_fault(row: list[str], header: list[str]) -> str:
    if len(row) != len(header):
        return f"the row has {len(row)} cells, the first line {len(header)}"
    try:
        "".join(row).encode()
    except UnicodeEncodeError as error:
        return f"byte 0x{ord(error.object[error.start]) - 0xDC00:02x} is not UTF-8"
    return ""


def _sentences(lines: Lines, place: Place) -> Iterator[Record]:
    tokens: list[str] = []
    error = ""
    for position, line in lines:
        text, fact = _decoded(line)
        columns = text.split("\t") if "\t" in text else text.split()
        if not fact and (not text.strip() or columns[0] == DOCUMENT_START):
            if tokens:
                yield Record([] if error else tokens, error=error)
            tokens, error = [], ""
            continue
        if not fact and not columns[0].strip():
            fact = "the token is empty"
        tokens.append(columns[0] if columns else "")
        error = error or (f"{place(position)}: {fact}" if fact else "")
    if tokens:
        yield Record([] if error else tokens, error=error)


def _decoded(line: bytes) -> tuple[str, str]:
    """A line without its end, and what is wrong with it. Only LF and CR LF end a line."""
    content = line.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return content.decode(), ""
    except UnicodeDecodeError as error:
        return "", f"byte 0x{content[error.start]:02x} is not UTF-8"
