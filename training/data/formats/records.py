"""The records of a JSON file, each with the number of its line: JSON lines, one JSON array, or a single object."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerve.training.data.formats.lines import FormatError, decode, numbered_lines, read_bytes

_DECODER = json.JSONDecoder()


class Broken(str):
    """In place of a record that is not JSON: what is wrong with it."""


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """Each record of the file with its line. Blank lines between records are skipped.

    Raises:
        FormatError: Not UTF-8 or not JSON; a record may be any JSON value.
    """
    for line, record in records_of(path, decode(path, read_bytes(path))):
        if isinstance(record, Broken):
            raise FormatError(path, line, record)
        yield line, record


def records_of(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """Each record of a text with its line; `Broken` in place of a line that is not JSON.

    A text that begins with a bracket is one array of records, as Label Studio exports them. One that begins with a
    brace has an object a line or, if its first line is not one, is a single object.

    Raises:
        FormatError: An array, or a single object, is not JSON: what is behind the fault cannot be read.
    """
    if text.lstrip().startswith("["):
        return _array(path, text)
    first = next((line for _, line in numbered_lines(text) if line.strip()), "")
    if first.strip() == "{" or (first.lstrip().startswith("{") and _is_broken(first) and not _is_broken(text)):
        return _single(path, text)
    return _lines(text)


def _is_broken(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    return False


def _single(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    try:
        yield 1, json.loads(text)
    except (ValueError, RecursionError) as error:
        at = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise FormatError(path, at, _fact(error)) from None


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in numbered_lines(text):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                record = Broken(_fact(error))
            yield number, record


def _array(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    # Record by record, so that the line of each is known.
    position = text.index("[") + 1
    separator = ""
    line, counted = 1, 0
    while True:
        position = _skip_blanks(text, position)
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] == "]" and separator != ",":
            break
        try:
            record, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            at = error.lineno if isinstance(error, json.JSONDecodeError) else line
            raise FormatError(path, at, _fact(error)) from None
        yield line, record
        position = _skip_blanks(text, position)
        separator = text[position : position + 1]
        if separator == ",":
            position += 1
        elif separator != "]":
            line += text.count("\n", counted, position)
            raise FormatError(path, line, "not JSON: expected a comma or the end of the array")
    if text[position + 1 :].strip():
        line += text.count("\n", counted, _skip_blanks(text, position + 1))
        raise FormatError(path, line, "something stands behind the JSON array")


def _fact(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        if error.doc[error.pos : error.pos + 1] == "'":
            return "not JSON but a printed dict of Python: write it with json.dumps"
        cut = ", where it ends too early" if error.pos >= len(error.doc.rstrip()) else ""
        return f"not JSON: {error.msg.removesuffix(' at')} at column {error.colno}{cut}"
    if isinstance(error, RecursionError):
        return "not JSON that can be read: it is nested too deeply"
    return "not JSON that can be read: a number is too long"  # the only ValueError of its own that int() raises


def _skip_blanks(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\t", "\n", "\r"):
        position += 1
    return position
