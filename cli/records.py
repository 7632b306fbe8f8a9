"""What `nerve tag` reads, one text at a time: lines or paragraphs of plain text, JSON lines, or CoNLL columns.

Only the text that is being read is held, so an input may be of any length.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nerve.cli.errors import CommandError

FORMATS = ("text", "jsonl", "conll")
UNITS = ("line", "paragraph", "file")

# The line before each document in the files of CoNLL-2003.
DOCUMENT_START = "-DOCSTART-"

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Record:
    """A text, or the tokens of a sentence, with the other fields of its JSON object."""

    source: str | list[str]
    fields: dict[str, Any] = field(default_factory=dict)


Reader = Callable[[Iterable[bytes], str], Iterator[Record]]


def reader(form: str, unit: str, text_field: str) -> Reader:
    """Choose the function that turns the lines of an input, and its name, into records.

    Args:
        form: one of `FORMATS`.
        unit: one of `UNITS`: how much of plain text is one text.
        text_field: the field of a JSON object that holds the text.
    """
    if form == "jsonl":
        return partial(_json_lines, text_field=text_field)
    if form == "conll":
        return _sentences
    return partial(_plain, unit=unit)


def format_of(name: str) -> str:
    """Guess the format of a file from the end of its name: `text` if that says nothing."""
    suffix = name.lower().rpartition(".")[2]
    return {"jsonl": "jsonl", "ndjson": "jsonl", "conll": "conll", "bio": "conll", "iob": "conll"}.get(suffix, "text")


def _plain(lines: Iterable[bytes], name: str, unit: str) -> Iterator[Record]:
    part: list[str] = []
    for _, line in _decoded(lines, name):
        if unit == "line":
            yield Record(line)
        elif unit == "paragraph" and not line.strip():
            if part:
                yield Record("\n".join(part))
            part = []
        else:
            part.append(line)
    if part:
        yield Record("\n".join(part))


def _json_lines(lines: Iterable[bytes], name: str, text_field: str) -> Iterator[Record]:
    for number, line in _decoded(lines, name):
        if line.strip():
            yield _json_record(line, f"{name}:{number}", text_field)


def _json_record(line: str, place: str, text_field: str) -> Record:
    try:
        value = json.loads(line)
    except ValueError as error:
        # The message does not quote the line, which may be private, and long.
        fact = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise CommandError(f"{place}: not JSON: {fact}") from None
    except RecursionError:
        raise CommandError(f"{place}: not JSON: nested too deeply") from None
    if not isinstance(value, dict) or not isinstance(value.get(text_field), str):
        raise CommandError(f"{place}: not an object whose field {text_field} is a string")
    text = value.pop(text_field)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{place}: {text_field} has a lone surrogate") from None
    return Record(text, value)


def _sentences(lines: Iterable[bytes], name: str) -> Iterator[Record]:
    tokens: list[str] = []
    for number, line in _decoded(lines, name):
        columns = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or columns[0] == DOCUMENT_START:
            if tokens:
                yield Record(tokens)
            tokens = []
        elif not columns[0].strip():
            raise CommandError(f"{name}:{number}: the token is empty")
        else:
            tokens.append(columns[0])
    if tokens:
        yield Record(tokens)


def _decoded(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, without its end. Only LF and CR LF end a line."""
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(_BOM)
        try:
            yield number, line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise CommandError(f"{name}:{number}: byte 0x{line[error.start]:02x} is not UTF-8") from None
