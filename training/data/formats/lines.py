"""The lines of a text file, and the error that every reader raises: what is wrong, in which file and line.

The readers of this package get their text here, so that bad UTF-8 and a missing file are refused alike.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

# A token in a file: the number of its line, and the columns of that line.
Row = tuple[int, list[str]]


class FormatError(ValueError):
    """An input file is malformed; the message is one line, `FILE:LINE: the fact`."""

    def __init__(self, path: Path, line: int, fact: str) -> None:
        super().__init__(f"{path}:{line}: {fact}")
        self.path = path
        self.line = line
        self.fact = fact


def read_bytes(path: Path) -> bytes:
    """The file's content.

    Raises:
        FormatError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(path, 1, f"cannot be read: {error.strerror or error}") from None


def decode(path: Path, content: bytes, encoding: str = "utf-8") -> str:
    """The text of the content of `path`, without a byte order mark.

    Raises:
        FormatError: A byte is not text in this encoding; the line is that of the byte.
    """
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fact = f"byte 0x{content[error.start]:02x} is not {encoding.upper()}: save the file as UTF-8"
        raise FormatError(path, line, fact) from None
    return text.removeprefix("\ufeff")


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its number. Only LF and CR LF end a line: U+2028 and its like occur inside tokens."""
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.removesuffix("\r")


def refuse_empty(path: Path, sentences: Sequence[object]) -> None:
    """Check that a file gave any sentences.

    Raises:
        FormatError: It did not.
    """
    if not sentences:
        raise FormatError(path, 1, "the file holds no sentence")
