"""Corpora with a token a line, its tag in a column beside it, and a blank line between sentences.

`read_columns` is for CoNLL files of two to four columns, `read_iob2` for the five-column files of UNER;
`write_columns` writes the two-column form.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from nerve.model.annotation import Sentence
from nerve.model.tags import OUTSIDE, TagError
from nerve.training.data.formats.lines import FormatError, Row, decode, numbered_lines, read_bytes, refuse_empty
from nerve.training.data.formats.schemes import detect, to_bio

DOCUMENT_START = "-DOCSTART-"

# The share of sentences from which on a file as a whole is taken to be of a kind.
_MOSTLY = 0.9


def read_columns(path: Path, scheme: str, *, tag_column: int = -1, mend: bool = False) -> list[Sentence]:
    """The sentences of a CoNLL file: two to four columns, the token in the first, the tag in the last.

    Columns are separated by tabs if the first line with content has one, otherwise by spaces. `-DOCSTART-` lines
    separate sentences and are dropped.

    Args:
        path: The file.
        scheme: `bio`, `iob1`, `bioes`, `bmes`, or `auto` for the first of these that the file is valid in.
        tag_column: Index of the column with the tag.
        mend: Read a published corpus with known faults (see `schemes.to_bio`); spaces in its tokens become `_`.

    Raises:
        FormatError: Not UTF-8, no sentence, a wrong number of columns, a first column that counts, an empty token or
            an invalid tag sequence.
    """
    text = decode(path, read_bytes(path))
    blocks = list(blocks_of(path, text, tag_column))
    _refuse_counting(path, blocks)
    if scheme == "auto":
        scheme = detect([tag for _, (_, tag) in rows] for rows in blocks)
    sentences = [sentence_of(path, rows, scheme, mend) for rows in blocks]
    refuse_empty(path, sentences)
    return sentences


def read_iob2(path: Path, *, drop: Collection[str] = (), characters: bool = False) -> list[Sentence]:
    """The sentences of a UNER file: index, token, tag, and two columns about the annotator, which may be absent.

    Lines that begin with `#` are comments. A stray `B-O` or `I-O` means `O`.

    Args:
        path: The file.
        drop: Labels whose names are read as `O`.
        characters: Split each word into its characters, as the Chinese sets need.

    Raises:
        FormatError: As `read_columns`.
    """
    sentences = []
    for rows in _blocks(_iob2_rows(path, decode(path, read_bytes(path)))):
        plain = [(number, [columns[1], _plain(columns[2], drop)]) for number, columns in rows]
        sentence = sentence_of(path, plain, "bio")
        sentences.append(_in_characters(sentence) if characters else sentence)
    refuse_empty(path, sentences)
    return sentences


def blocks_of(path: Path, text: str, tag_column: int = -1) -> Iterator[list[Row]]:
    """The pairs of token and tag of each sentence. `text` is that of `path`, or of a file packed in it.

    Raises:
        FormatError: A wrong number of columns.
    """
    for rows in _blocks(_rows(path, text)):
        if not -len(rows[0][1]) <= tag_column < len(rows[0][1]):
            raise FormatError(
                path, rows[0][0], f"{_count(len(rows[0][1]))}; the tag was to be in column {tag_column + 1}"
            )
        yield [(number, [columns[0], columns[tag_column]]) for number, columns in rows]


def sentence_of(path: Path, rows: list[Row], scheme: str, mend: bool = False) -> Sentence:
    """The sentence whose rows are pairs of token and tag.

    Raises:
        FormatError: A token is empty, or the tag sequence is invalid.
    """
    tokens = [without_blanks(token) if mend else token for _, (token, _) in rows]
    for (number, _), token in zip(rows, tokens, strict=True):
        if not token.strip():
            raise FormatError(path, number, "the token is empty")
    try:
        tags = to_bio([tag for _, (_, tag) in rows], scheme, mend)
    except TagError as error:
        raise FormatError(path, rows[error.position][0], str(error)) from None
    return Sentence(tuple(tokens), tags)


def without_blanks(token: str) -> str:
    """The token with `_` for each space, or for an empty token; our own tokenizer makes neither.

    broad_twitter has tokens like "MH17 " and "re y", and empty ones where an emoji was lost.
    """
    return "".join("_" if character.isspace() else character for character in token) or "_"


def write_columns(path: Path, sentences: Iterable[Sentence]) -> None:
    """Write `token<TAB>tag` lines, a blank line after each sentence. The file appears whole or not at all.

    Raises:
        ValueError: A token is blank, or it or its tag holds a tab or a line break: it could not be read back.
    """
    lines = []
    for sentence in sentences:
        check_cells(sentence)
        lines += [f"{token}\t{tag}\n" for token, tag in zip(sentence.tokens, sentence.tags, strict=True)]
        lines.append("\n")
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text("".join(lines), encoding="utf-8", newline="")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_cells(sentence: Sentence) -> None:
    """Check that a sentence can stand in columns.

    Raises:
        ValueError: A token is blank, or it or its tag holds a tab or a line break: it could not be read back.
    """
    for token, tag in zip(sentence.tokens, sentence.tags, strict=True):
        if not token.strip() or any(character in token + tag for character in "\t\n\r"):
            raise ValueError(f"{token!r} with tag {tag!r} cannot stand in columns")


def _refuse_counting(path: Path, blocks: list[list[Row]]) -> None:
    """Check that the first column holds tokens, not numbers, as in WikiNEuRal (from 0) and GermEval (from 1)."""
    longer = [[columns[0] for _, columns in rows] for rows in blocks if len(rows) > 1]
    counting = sum(first in (_count_from(0, first), _count_from(1, first)) for first in longer)
    if longer and counting >= _MOSTLY * len(longer):
        raise FormatError(
            path,
            blocks[0][0][0],
            f"the first column counts the tokens of a sentence ({', '.join(longer[0][:3])}), and should hold the "
            "token: remove it, so that the token is first and the tag last",
        )


def _count_from(start: int, column: list[str]) -> list[str]:
    return [str(n) for n in range(start, start + len(column))]


def _rows(path: Path, text: str) -> Iterator[Row]:
    separator, width, first = "", 0, 0
    for number, line in numbered_lines(text):
        # In some corpora (train of wnut17) the line between sentences holds a tab.
        if not line.strip(" \t") or line.split(maxsplit=1)[:1] == [DOCUMENT_START]:
            yield number, []
            continue
        if not separator:
            separator = "\t" if "\t" in line else " "
        columns = line.split("\t") if separator == "\t" else [column for column in line.split(" ") if column]
        if not width:
            width, first = len(columns), number
        if not 2 <= len(columns) <= 4:
            raise FormatError(path, number, f"{_count(len(columns))}; a token's line has 2 to 4")
        if len(columns) != width:
            raise FormatError(path, number, f"{_count(len(columns))}; line {first} has {width}")
        yield number, columns


def _iob2_rows(path: Path, text: str) -> Iterator[Row]:
    for number, line in numbered_lines(text):
        columns = line.split("\t")
        if not line.strip():
            yield number, []
        # UNER's English train leaves the annotator's columns out where the tag is O.
        elif not line.startswith("#") and len(columns) not in (3, 5):
            raise FormatError(path, number, f"{_count(len(columns))}; a token's line has 3 or 5, separated by tabs")
        elif not line.startswith("#"):
            yield number, columns


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of each sentence; rows without columns stand between sentences."""
    for filled, block in groupby(rows, key=lambda row: bool(row[1])):
        if filled:
            yield list(block)


def _plain(tag: str, drop: Collection[str]) -> str:
    label = tag.partition("-")[2]
    return OUTSIDE if label == OUTSIDE or label in drop else tag


def _in_characters(sentence: Sentence) -> Sentence:
    pairs = [
        (character, f"I{tag[1:]}" if position and tag != OUTSIDE else tag)
        for token, tag in zip(sentence.tokens, sentence.tags, strict=True)
        for position, character in enumerate(token)
    ]
    return Sentence(tuple(token for token, _ in pairs), tuple(tag for _, tag in pairs))


def _count(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"
