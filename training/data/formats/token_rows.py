"""Files with a token in each row, in the layouts that people have.

    columns            token … tag: two columns or more, tabs or spaces between them, as CoNLL's shared tasks
    index-first        index, token, tag, …: WikiNEuRal counts from 0, GermEval from 1, Universal NER has five columns
    conllu             CoNLL-U, ten columns, the tag in the last as NER=B-PER

Between sentences there is a blank line. Lines that begin with `#` before a sentence are comments. `-DOCSTART-` and
`# newdoc` begin a document.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nerve.model.tags import OUTSIDE
from nerve.training.data.formats.columns import DOCUMENT_START
from nerve.training.data.formats.document import Document, Fault, Reading, tagged, unreadable
from nerve.training.data.formats.lines import FormatError, Row, numbered_lines
from nerve.training.data.formats.schemes import LETTERS, detect

# The share from which on a file as a whole is taken to be of a kind.
_MOSTLY = 0.9
# So many sentences show how a file is laid out.
_SAMPLE = 400
_TAG = re.compile(rf"O|[{''.join(sorted(LETTERS))}]-\S.*")
_BARE = re.compile(r"[^\W\d_][\w.&/ -]*")
_BRACKETS = re.compile(r"\(?[\w-]*\*\)?|\([\w-]+\)?|\)")
_COUNTER = re.compile(r"\d+(?:[-.]\d+)?")
_NEW_DOCUMENT = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(.+))?")
_ADDRESS = re.compile(r"#\s*(https?://\S+)")
_NER_KEYS = ("ner", "ne", "name")


class Layout(NamedTuple):
    """Where a row has its token and its tag."""

    name: str
    separator: str
    """a tab, or a space for any number of them"""
    width: int
    token: int
    tag: int


class _Block(NamedTuple):
    rows: list[Row]
    comments: list[str]
    starts_document: bool


def layout_of(path: Path, text: str) -> Layout:
    """The layout of a file without names of columns.

    Raises:
        FormatError: It holds no rows, or none whose tags can be found; the message says what it looks like.
    """
    separator = _separator(text)
    blocks = [block for block, _ in zip(_blocks(text, separator, 0), range(_SAMPLE), strict=False) if block.rows]
    rows = [row for block in blocks for row in block.rows]
    if not rows:
        raise FormatError(path, 1, "the file holds no sentence")
    width = Counter(len(columns) for _, columns in rows).most_common(1)[0][0]
    first = rows[0][0]
    if width == 10 and separator == "\t" and _counts(blocks, conllu=True):
        return Layout("conllu", separator, width, 1, 9)
    if _counts(blocks, conllu=False):
        if width == 2:
            shown = ", ".join(columns[0] for _, columns in rows[:2])
            fact = f"the first column counts the tokens of a sentence ({shown}), and there is no column of tokens"
            raise FormatError(path, first, fact)
        return _index_first(path, first, rows, separator, width)
    if width == 1:
        comma = "; it looks like CSV without names of columns" if any("," in row[1][0] for row in rows) else ""
        raise FormatError(path, first, f"1 column; a token's line has its token first and its tag last{comma}")
    if not _holds_tags(rows, width, width - 1):
        raise FormatError(path, first, _without_tags(rows, width))
    return Layout("columns", separator, width, 0, width - 1)


def documents(path: Path, text: str, layout: Layout, reading: Reading) -> Iterator[Document]:
    """The sentences of a file.

    Raises:
        FormatError: It is CoNLL-U without names.
    """
    tag_of = _tag_of_misc(path, text) if layout.name == "conllu" else None
    found = []
    for block, group in _grouped(_blocks(text, layout.separator, layout.width)):
        if block.rows:
            found.append((group, _cells(block.rows, layout, tag_of)))
    return documents_of(path, found, reading)


def documents_of(path: Path, blocks: Sequence[tuple[str, list[Row | Fault]]], reading: Reading) -> Iterator[Document]:
    """A document for each block of rows with token and tag; a fault in place of a row makes the block unreadable.

    Args:
        path: The file.
        blocks: The name of each block's document, or an empty one, and its rows.
        reading: The scheme of the tags.
    """
    scheme = reading.scheme
    if scheme == "auto":
        scheme = detect([row[1][1] for row in rows if not isinstance(row, Fault)] for _, rows in blocks)
    for group, rows in blocks:
        faults = tuple(row for row in rows if isinstance(row, Fault))
        if faults:
            yield Document(path, faults[0].line, None, group, faults)
        else:
            yield _document(path, [row for row in rows if not isinstance(row, Fault)], scheme, group)


def _document(path: Path, rows: list[Row], scheme: str, group: str) -> Document:
    for number, (token, _) in rows:
        if not token.strip():
            return unreadable(path, number, "the token is empty", "tokens that are empty")
    tokens, tags = tuple(token for _, (token, _) in rows), [tag for _, (_, tag) in rows]
    return tagged(path, [number for number, _ in rows], tokens, tags, scheme, group)


def _separator(text: str) -> str:
    for _, line in numbered_lines(text):
        if line.strip() and not line.startswith("#") and not line.startswith(DOCUMENT_START):
            return "\t" if "\t" in line else " "
    return " "


def _split(line: str, separator: str) -> list[str]:
    return line.split("\t") if separator == "\t" else [column for column in line.split(" ") if column]


def _blocks(text: str, separator: str, width: int) -> Iterator[_Block]:
    """The rows of each sentence with the comments before it. `width` is 0 where it is not known yet."""
    rows: list[Row] = []
    comments: list[str] = []
    starts = False
    for number, line in numbered_lines(text):
        # In some corpora (train of wnut17) the line between sentences holds a tab.
        blank, begins = not line.strip(" \t"), line.split(maxsplit=1)[:1] == [DOCUMENT_START]
        if (blank or begins) and rows:
            yield _Block(rows, comments, starts)
            rows, comments, starts = [], [], False
        starts = starts or begins
        if blank or begins:
            continue
        columns = _split(line, separator)
        if not rows and line.startswith("#") and not _is_row(columns, width):
            comments.append(line)
        else:
            rows.append((number, columns))
    if rows or comments:
        yield _Block(rows, comments, starts)


def _is_row(columns: list[str], width: int) -> bool:
    """Whether a line that begins with # is a token's, such as `#` or `#jazz`, rather than a comment."""
    if len(columns) < 2 or (width and len(columns) != width):
        return False
    return _TAG.fullmatch(columns[-1]) is not None or (
        not columns[0].startswith("# ") and columns[0].strip("#") != ""
    )


def _grouped(blocks: Iterator[_Block]) -> Iterator[tuple[_Block, str]]:
    """Each block with the name of its document; what stands before the first mark of a document is one, too."""
    group, number = "", 0
    before: list[_Block] = []
    for block in blocks:
        for comment in block.comments:
            if begun := _NEW_DOCUMENT.fullmatch(comment.strip()):
                number += 1
                group = begun[1] or f"document {number}"
            elif address := _ADDRESS.match(comment):
                group = address[1]
        if block.starts_document:
            number += 1
            group = f"document {number}"
        if group:
            yield from ((earlier, "document 0") for earlier in before)
            before = []
            yield block, group
        else:
            before.append(block)
    yield from ((block, "") for block in before)


def _cells(rows: list[Row], layout: Layout, tag_of: Callable[[str], str] | None) -> list[Row | Fault]:
    """Token and tag of each row."""
    cells: list[Row | Fault] = []
    for number, columns in rows:
        # UNER's English train leaves the annotator's columns out where the tag is O.
        enough = layout.name == "index-first" and len(columns) > layout.tag
        if len(columns) != layout.width and not enough:
            cells.append(width_fault(number, len(columns), f"most lines have {layout.width}"))
        elif layout.name == "conllu" and not columns[0].isdecimal():
            continue  # a word of several tokens, or a token that is not in the text
        elif layout.name == "index-first" and not columns[0].isdecimal():
            fact = f"{columns[0][:40]!r} does not count the tokens of its sentence"
            cells.append(Fault(number, "lines without a number", fact, "the sentence is left out"))
        else:
            tag = tag_of(columns[layout.tag]) if tag_of else columns[layout.tag]
            # A stray B-O or I-O, as in Universal NER.
            cells.append((number, [columns[layout.token], OUTSIDE if tag in ("B-O", "I-O") else tag]))
    return cells


def width_fault(line: int, width: int, others: str) -> Fault:
    """That a line has so many columns, and what the others have: `most lines have 4`."""
    columns = "1 column" if width == 1 else f"{width} columns"
    return Fault(line, "lines with another number of columns", f"{columns}; {others}", "the sentence is left out")


def _counts(blocks: Sequence[_Block], *, conllu: bool) -> bool:
    """Whether the first column counts the tokens of each sentence, from 0 or 1."""
    firsts = [[columns[0] for _, columns in block.rows] for block in blocks]
    if conllu:
        return all(_COUNTER.fullmatch(first) for column in firsts for first in column)
    longer = [column for column in firsts if len(column) > 1]
    if not longer and len(blocks[0].rows[0][1]) > 2:
        longer = firsts
    if not longer:
        return False
    counting = sum(column in (_count_from(0, column), _count_from(1, column)) for column in longer)
    return counting >= _MOSTLY * len(longer)


def _count_from(start: int, column: list[str]) -> list[str]:
    return [str(n) for n in range(start, start + len(column))]


def _index_first(path: Path, line: int, rows: list[Row], separator: str, width: int) -> Layout:
    for column in range(2, width):
        if _holds_tags(rows, width, column):
            return Layout("index-first", separator, width, 1, column)
    fact = "the first column counts the tokens of a sentence, and no column behind the second holds tags"
    raise FormatError(path, line, fact)


def _holds_tags(rows: list[Row], width: int, column: int) -> bool:
    values = [columns[column] for _, columns in rows if len(columns) == width]
    tags = sum(_TAG.fullmatch(value) is not None for value in values)
    if tags >= _MOSTLY * len(values):
        return True
    # Labels without letters: many tokens have none, and there are few different ones.
    return (
        values.count(OUTSIDE) >= 0.3 * len(values)
        and all(_BARE.fullmatch(value) for value in values)
        and len(set(values)) <= 50
    )


def _without_tags(rows: list[Row], width: int) -> str:
    values = [columns[width - 1] for _, columns in rows if len(columns) == width]
    shown = ", ".join(repr(value[:20]) for value in dict.fromkeys(values[:200]))[:80]
    fact = f"the last of {width} columns holds no tags of names, such as B-PER and O, but {shown}"
    if all(_BRACKETS.fullmatch(value) for value in values):
        return f"{fact}: it looks like CoNLL-2012's brackets; write a tag for each token instead"
    if "[" in values[0]:
        return f"{fact}: it looks like a sentence a row; write a token a row, or JSON lines with tokens and ner_tags"
    if others := [n + 1 for n in range(1, width - 1) if _holds_tags(rows, width, n)]:
        return f"{fact}: column {others[-1]} does; if those are the names, make it the last"
    return fact


def _tag_of_misc(path: Path, text: str) -> Callable[[str], str]:
    """What reads the tag from the last column of CoNLL-U: `NER=B-PER|SpaceAfter=No`.

    Raises:
        FormatError: No token has one.
    """
    found = re.search(rf"(?im)^\d+\t.*[\t|]({'|'.join(_NER_KEYS)})=(?:O|[{''.join(LETTERS)}]-)", text)
    if found is None:
        brackets = ", but the brackets of coreference (Entity=), which are not read" if "Entity=(" in text else ""
        fact = f"CoNLL-U without names: its last column has no NER=B-PER or NER=O{brackets}"
        raise FormatError(path, 1, fact)
    value = re.compile(rf"(?:^|\|){re.escape(found[1])}=([^|]*)")

    def tag(misc: str) -> str:
        match = value.search(misc)
        return match[1].strip() if match else OUTSIDE

    return tag
