"""What `nerve tag` reads, a text at a time: lines or paragraphs of plain text, JSON lines, or CoNLL columns.

Nothing is held but the text being read, so an input may be of any length.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nerve.cli.errors import CommandError
from nerve.model.annotation import Token
from nerve.model.tokenizer import joined, sentences

FORMATS = ("text", "jsonl", "conll")
UNITS = ("line", "paragraph", "file")

# What begins a document in CoNLL-2003's files.
DOCUMENT_START = "-DOCSTART-"

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Record:
    """A text, its sentences, and the fields that it came with."""

    text: str
    sentences: list[list[Token]]
    fields: dict[str, Any] = field(default_factory=dict)


def reader(form: str, unit: str, text_field: str) -> Callable[[Iterable[bytes], str], Iterator[Record]]:
    """The function from an input's lines and its name to its records.

    Args:
        unit: what makes one text of plain text.
        text_field: where a JSON object has its text.
    """
    if form == "jsonl":
        return partial(_json_lines, text_field=text_field)
    if form == "conll":
        return _columns
    return partial(_plain, unit=unit)


def format_of(name: str) -> str:
    """What a file holds, by the end of its name; `text` if that says nothing."""
    suffix = name.lower().rpartition(".")[2]
    return {"jsonl": "jsonl", "ndjson": "jsonl", "conll": "conll", "bio": "conll", "iob": "conll"}.get(suffix, "text")


def _plain(lines: Iterable[bytes], name: str, unit: str) -> Iterator[Record]:
    part: list[str] = []
    for _, line in _decoded(lines, name):
        if unit == "line":
            yield _record(line)
        elif unit == "paragraph" and not line.strip():
            if part:
                yield _record("\n".join(part))
            part = []
        else:
            part.append(line)
    if part:
        yield _record("\n".join(part))


def _json_lines(lines: Iterable[bytes], name: str, text_field: str) -> Iterator[Record]:
    for number, line in _decoded(lines, name):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            # Only the fact: the line itself may be private, and long.
            fact = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
            raise CommandError(f"{name}:{number}: not JSON: {fact}") from None
        except RecursionError:
            raise CommandError(f"{name}:{number}: not JSON: nested too deeply") from None
        if not isinstance(value, dict) or not isinstance(value.get(text_field), str):
            raise CommandError(f"{name}:{number}: not an object with a string as its {text_field}")
        text = value.pop(text_field)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CommandError(f"{name}:{number}: {text_field} has a lone surrogate") from None
        yield _record(text, value)


def _columns(lines: Iterable[bytes], name: str) -> Iterator[Record]:
    words: list[str] = []
    for number, line in _decoded(lines, name):
        columns = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or columns[0] == DOCUMENT_START:
            if words:
                yield _sentence(words)
            words = []
        elif not columns[0].strip():
            raise CommandError(f"{name}:{number}: the token is empty")
        else:
            words.append(columns[0])
    if words:
        yield _sentence(words)


def _record(text: str, fields: dict[str, Any] | None = None) -> Record:
    return Record(text, sentences(text), fields or {})


def _sentence(words: list[str]) -> Record:
    text, tokens = joined(words)
    return Record(text, [tokens])


def _decoded(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, without its end. Only LF and CR LF end one."""
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(_BOM)
        try:
            yield number, line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise CommandError(f"{name}:{number}: byte 0x{line[error.start]:02x} is not UTF-8") from None
