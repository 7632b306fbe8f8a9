"""The records of a JSON file, each with the number of the line where it begins: JSON lines, or one JSON array."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerve.training.data.formats.lines import FormatError, decode, numbered_lines, read_bytes

_DECODER = json.JSONDecoder()


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """Each record of the file with its line. Blank lines between records are skipped.

    Raises:
        FormatError: Not UTF-8 or not JSON; a record may be any JSON value.
    """
    text = decode(path, read_bytes(path))
    # JSON lines hold objects. What begins with a bracket is the export of Label Studio: an array of them.
    return _array(path, text) if text.lstrip().startswith("[") else _lines(path, text)


def _lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in numbered_lines(text):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FormatError(path, number, _fact(error)) from None


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
        return f"not JSON: {error.msg} at column {error.colno}"
    if isinstance(error, RecursionError):
        return "not JSON that can be read: it is nested too deeply"
    return "not JSON that can be read: a number is too long"  # the only ValueError of its own that int() raises


def _skip_blanks(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\t", "\n", "\r"):
        position += 1
    return position
