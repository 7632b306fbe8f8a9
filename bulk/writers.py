"""What is written of a record: JSON lines, CoNLL columns, or the text with its entities marked."""

import base64
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from nerve import Result
from nerve.bulk.record import Record

FORMATS = ("jsonl", "conll", "inline", "parquet")
"""What a run can write. Parquet has no lines: `nerve.bulk.parquet` writes it."""

# ANSI codes of blue, green, yellow, magenta, cyan and red: one for each label, and again from the first.
_COLOURS = (34, 32, 33, 35, 36, 31)

Writer = Callable[[Record, Result | None], str]
"""From a record and its result to lines. The result is None for a record that could not be read."""


class Lines:
    """Writes what a `Writer` makes of records into a file."""

    def __init__(self, file: BinaryIO, write: Writer) -> None:
        self._file, self._write = file, write

    def add(self, record: Record, result: Result | None) -> None:
        """Write one record."""
        self._file.write(self._write(record, result).encode())


def writer(
    form: str, labels: Sequence[str] = (), ents_field: str = "ents", *, colour: bool = False, gap: bool = False
) -> Writer:
    """Choose the function that turns a record and its result into what is written.

    Args:
        form: one of `FORMATS` that has lines.
        labels: the labels of the model.
        ents_field: the field of a JSON object that the entities are written to.
        colour: whether `inline` marks entities with colours. Otherwise it puts them in brackets.
        gap: whether `inline` writes an empty line behind each text.
    """
    if form == "jsonl":
        return lambda record, result: _json_line(record, result, ents_field)
    if form == "conll":
        return lambda record, result: _columns(result) if result is not None else _comment(record)
    end = "\n\n" if gap else "\n"
    codes = {label: _COLOURS[position % len(_COLOURS)] for position, label in enumerate(labels)}
    mark = (lambda result: _coloured(result, codes)) if colour else str
    return lambda record, result: f"{mark(result)}{end}" if result is not None else _comment(record)


def _json_line(record: Record, result: Result | None, ents_field: str) -> str:
    """The object that the text came in, with the entities, or an error in their place."""
    if result is None:
        value = {**record.fields, "error": record.error}
    else:
        found = result.to_json()
        value = {**(record.fields or {"text": result.text}), ents_field: found["ents"]}
    line = json.dumps(value, ensure_ascii=False, default=_plain)
    # Only the other fields may have a lone surrogate. UTF-8 has none, so it is written as an escape.
    return line.encode("utf-8", "backslashreplace").decode() + "\n"


def _plain(value: Any) -> str:
    """What JSON has no form for, and Parquet has: points in time, bytes, decimal numbers."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _columns(result: Result) -> str:
    """A line for each token, with its BIO tag behind a tab, and an empty line after each sentence."""
    tags = iter(result.tags)
    sentences = ([f"{token.text}\t{next(tags)}\n" for token in sentence] for sentence in result.sentences)
    return "".join("".join(lines) + "\n" for lines in sentences)


def _comment(record: Record) -> str:
    return f"# error: {record.error}\n\n"


def _coloured(result: Result, codes: Mapping[str, int]) -> str:
    parts: list[str] = []
    reached = 0
    for entity in result:
        code = codes[entity.label]
        parts.append(result.text[reached : entity.start])
        parts.append(f"\033[1;{code}m{entity.text}\033[0m \033[2;{code}m{entity.label}\033[0m")
        reached = entity.end
    return "".join([*parts, result.text[reached:]])
