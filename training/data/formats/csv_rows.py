"""CSV with a token in each row, below a row that names the columns; between them commas, semicolons or tabs."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nerve.training.data.formats.document import Document, Fault, Reading
from nerve.training.data.formats.lines import FormatError, Row
from nerve.training.data.formats.token_rows import documents_of, width_fault

_TOKEN_NAMES = ("token", "tokens", "word", "words")
_TAG_NAMES = ("ner", "ner_tag", "ner_tags", "tag", "tags", "label", "labels", "entity")
_TEXT_NAMES = ("text", "sentence", "sentences", "content")
_SENTENCE_NAMES = ("sentence", "sentence #", "sentence_id", "sentence_idx", "sent_id", "sentid", "sentence id")


def documents(path: Path, text: str, reading: Reading) -> Iterator[Document]:
    """The sentences of a CSV file with a token a row.

    Raises:
        FormatError: It does not say where sentences end, or is not CSV.
    """
    dialect = dialect_of(text)
    assert dialect is not None
    table = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    header = [name.strip().lower() for name in next(table)]
    token, tag = dialect.token, dialect.tag
    sentence = next((header.index(name) for name in _SENTENCE_NAMES if name in header), -1)
    found: list[tuple[str, list[Row | Fault]]] = []
    rows: list[Row | Fault] = []
    before, blank = "", False
    try:
        for cells in table:
            line = table.line_num
            number = cells[sentence].strip() if 0 <= sentence < len(cells) else ""
            ends = not any(cell.strip() for cell in cells)
            blank = blank or ends
            if rows and (ends or (number and number != before)):
                found.append(("", rows))
                rows = []
            before = number or before
            if len(cells) != len(header) and not ends:
                rows.append(width_fault(line, len(cells), f"the row of names has {len(header)}"))
            elif not ends:
                rows.append((line, [cells[token], cells[tag]]))
    except csv.Error as error:
        raise FormatError(path, table.line_num, f"not CSV: {error}") from None
    if rows:
        found.append(("", rows))
    if sentence < 0 and not blank:
        names = " or ".join(_SENTENCE_NAMES[:3:2])
        raise FormatError(path, 1, f"nothing says where a sentence ends: add a column {names}, or empty rows")
    return documents_of(path, found, reading)


class Dialect(NamedTuple):
    """The delimiter of a CSV file with a token a row, and its columns of tokens and tags."""

    delimiter: str
    token: int
    tag: int


def dialect_of(text: str) -> Dialect | None:
    """How a file has tokens in rows below names of columns; None if it has not."""
    for delimiter, names in _headers(text):
        token = next((names.index(name) for name in _TOKEN_NAMES if name in names), -1)
        tag = next((names.index(name) for name in _TAG_NAMES if name in names), -1)
        if token >= 0 and tag >= 0:
            return Dialect(delimiter, token, tag)
    return None


def columns_of_texts(text: str) -> list[str]:
    """The names of the columns of a CSV file with a text in each row; empty if it does not look like one."""
    for _, names in _headers(text):
        if len(names) > 1 and not set(_TEXT_NAMES).isdisjoint(names):
            return names
    return []


def _headers(text: str) -> Iterator[tuple[str, list[str]]]:
    """What the names of columns are, with each delimiter, if the first line holds them."""
    first = text.partition("\n")[0].rstrip("\r")
    for delimiter in ",;\t":
        with suppress(csv.Error):
            yield delimiter, [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])]
