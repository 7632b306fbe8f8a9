"""What `nerve tag` writes, one text at a time: JSON lines, CoNLL columns, or the text with its entities marked."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nerve import Result

FORMATS = ("jsonl", "conll", "inline")

# ANSI codes of blue, green, yellow, magenta, cyan and red: one for each label, and again from the first.
_COLOURS = (34, 32, 33, 35, 36, 31)

Writer = Callable[[Result, Mapping[str, Any]], str]


def writer(form: str, labels: Sequence[str], *, colour: bool, gap: bool) -> Writer:
    """Choose the function that turns a result, and the other fields of its record, into what is written.

    Args:
        form: one of `FORMATS`.
        labels: the labels of the model.
        colour: whether `inline` marks entities with colours. Otherwise it puts them in brackets.
        gap: whether `inline` writes an empty line behind each text.
    """
    if form == "jsonl":
        return json_line
    if form == "conll":
        return columns
    end = "\n\n" if gap else "\n"
    if not colour:
        return lambda result, _: f"{result}{end}"
    codes = {label: _COLOURS[position % len(_COLOURS)] for position, label in enumerate(labels)}
    return lambda result, _: f"{_coloured(result, codes)}{end}"


def json_line(result: Result, fields: Mapping[str, Any]) -> str:
    """Write the object that the text came in, with `text` and `ents` as in an answer of the service."""
    line = json.dumps({**fields, **result.to_json()}, ensure_ascii=False)
    # Only the other fields may have a lone surrogate. UTF-8 has none, so it is written as an escape.
    return line.encode("utf-8", "backslashreplace").decode() + "\n"


def columns(result: Result, _fields: Mapping[str, Any]) -> str:
    """Write a line for each token, with its BIO tag behind a tab, and an empty line after each sentence."""
    tags = iter(result.tags)
    sentences = ([f"{token.text}\t{next(tags)}\n" for token in sentence] for sentence in result.sentences)
    return "".join("".join(lines) + "\n" for lines in sentences)


def _coloured(result: Result, codes: Mapping[str, int]) -> str:
    parts: list[str] = []
    reached = 0
    for entity in result:
        code = codes[entity.label]
        parts.append(result.text[reached : entity.start])
        parts.append(f"\033[1;{code}m{entity.text}\033[0m \033[2;{code}m{entity.label}\033[0m")
        reached = entity.end
    return "".join([*parts, result.text[reached:]])
