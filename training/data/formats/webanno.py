"""WebAnno TSV 3, which WebAnno and INCEpTION export: a token a row, its annotations in columns that a header names.

A name over several tokens has a number in brackets, `PER[1]`; a token may have several, `PER[1]|LOC`. Offsets are in
the rows, too, but count UTF-16 units, and are not needed: names are made of tokens.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import tags_from
from nerve.training.data.formats.document import Document, Fault, Reading, unreadable
from nerve.training.data.formats.lines import FormatError, numbered_lines

BEGINNING = "#FORMAT=WebAnno TSV "
LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_LAYER = re.compile(r"#(T_SP|T_RL|T_CH)=([^|\s]+)(?:\|(.*))?")
# Layers of single words, whose values are no names.
_GRAMMAR = (".POS", ".Lemma", ".Stem", ".MorphologicalFeatures", ".SurfaceForm")
_TOKEN = re.compile(r"\d+-\d+")
_VALUE = re.compile(r"(.*?)(?:\[(\d+)\])?", re.DOTALL)
_ESCAPED = re.compile(r"\\([\[\]|_;\->*\\])")
_SEPARATOR = re.compile(r"(?<!\\)\|")


def documents(path: Path, text: str, _: Reading) -> Iterator[Document]:
    """The sentences of a file.

    Raises:
        FormatError: It is of another version, or has no layer of names.
    """
    first = text.partition("\n")[0].strip()
    if not first.startswith(f"{BEGINNING}3"):
        version = first.removeprefix(BEGINNING) or "1"
        raise FormatError(path, 1, f"WebAnno TSV {version}: export WebAnno TSV v3 instead")
    column = _column(path, text)
    rows: list[tuple[int, list[str]]] = []
    for number, line in numbered_lines(text + "\n"):
        columns = line.split("\t")
        if _TOKEN.fullmatch(columns[0]):
            rows.append((number, columns))
        elif "." in columns[0] and _TOKEN.fullmatch(columns[0].partition(".")[0]) and rows:
            rows.append((number, columns))  # part of the token before it
        elif rows:
            yield _document(path, rows, column)
            rows = []


def _column(path: Path, text: str) -> int:
    """The column of the names' labels.

    That of the first feature `value` of a layer of spans, or of a layer that is called after entities; or else of the
    only feature of the only layer of spans.
    """
    column, layers, alone = 3, [], []
    for line in text.splitlines():
        if not (match := _LAYER.fullmatch(line.strip())):
            continue
        kind, layer, features = match[1], match[2], (match[3] or "").split("|")
        layers.append(layer)
        named = layer.lower().endswith(("namedentity", "ner", "entity"))
        other = layer.endswith(_GRAMMAR)
        if kind == "T_SP" and not other and ("value" in features or named):
            return column + (features.index("value") if "value" in features else 0)
        if kind == "T_SP" and not other:
            alone += [column + place for place, name in enumerate(features) if name != "identifier"]
        column += len(features) + (kind == "T_RL")
    if len(alone) == 1:
        return alone[0]
    held = f"its layers are {', '.join(layers)}" if layers else "it has no layers"
    raise FormatError(path, 1, f"WebAnno TSV without a layer of names that has a feature `value`; {held}")


def _document(path: Path, rows: Sequence[tuple[int, list[str]]], column: int) -> Document:
    tokens: list[str] = []
    found: dict[tuple[str, str], list[int]] = {}
    faults: list[Fault] = []
    for line, columns in rows:
        if len(columns) <= column:
            return unreadable(path, line, f"{len(columns)} columns; the label was to be in column {column + 1}")
        part = "." in columns[0]
        if not part:
            tokens.append(columns[2])
        if columns[column] in ("_", ""):
            continue
        if part:
            fact = f"{columns[column]} is on part of the token {tokens[-1]!r}"
            faults.append(Fault(line, "names of part of a token", fact, "the whole token is marked"))
        for value in _SEPARATOR.split(columns[column]):
            label, number = _VALUE.fullmatch(value).groups()  # type: ignore[union-attr]
            label = _ESCAPED.sub(r"\1", label)
            if label == "*":
                fact = f"the name {tokens[-1]!r} has no label"
                faults.append(Fault(line, "names without a label", fact, "the span is left out"))
                continue
            key = (label, number) if number else (label, f"at {len(tokens)} {line}")
            found.setdefault(key, []).append(len(tokens) - 1)
    line = rows[0][0]
    spans: list[Span] = []
    for (label, _), places in found.items():
        span = Span(places[0], places[-1] + 1, label)
        if any(span.start < other.end and other.start < span.end for other in spans):
            name = " ".join(tokens[span.start : span.end])
            fact = f"the name {name[:40]!r} {label} overlaps another"
            faults.append(Fault(rows[0][0], "spans that overlap", fact, "the first one is kept"))
        else:
            spans.append(span)
    return Document(path, line, Sentence(tuple(tokens), tags_from(spans, len(tokens))), "", tuple(faults))
