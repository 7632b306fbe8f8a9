"""brat's standoff: `NAME.txt` with the text, and `NAME.ann` beside it with a name a line.

    T1<TAB>PER 0 12<TAB>Ada Lovelace

Offsets count code points of the text and are half-open. Lines that begin with another letter (relations, events,
attributes, notes) are not of names. A name may be in several fragments, `PER 0 3;8 12`, which is a fault here.
"""

from collections.abc import Iterator
from pathlib import Path

from nerve.training.data.formats.document import Document, Fault, Reading, RecordError, unreadable
from nerve.training.data.formats.lines import decode, numbered_lines, read_bytes
from nerve.training.data.formats.marks import Mark, checked


def files_of(path: Path) -> list[Path]:
    """The .ann files that a path means: itself, the one beside a .txt, or all in a folder and below."""
    if path.is_dir():
        return sorted(path.rglob("*.ann"))
    beside = path.with_suffix(".ann")
    return [beside] if beside.is_file() else []


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """The texts of a folder, or the one of a file.

    Raises:
        FormatError: A file cannot be read.
    """
    for annotations in files_of(path):
        source = annotations.with_suffix(".txt")
        if not source.is_file():
            fact = f"brat's annotations without their text: there is no {source.name}"
            yield unreadable(annotations, 1, fact, "annotations without their text")
            continue
        # Line ends count as they are: brat's offsets are those of the file.
        text = decode(source, read_bytes(source))
        yield _document(annotations, text, decode(annotations, read_bytes(annotations)), reading)


def _document(path: Path, text: str, annotations: str, reading: Reading) -> Document:
    unix = text.replace("\r\n", "\n")
    if len(unix) < len(text) and _misquoted(unix, annotations, reading) < _misquoted(text, annotations, reading):
        text = unix  # a program such as Git gave it other line ends after it was annotated
    return _read(path, text, annotations, reading)


def _misquoted(text: str, annotations: str, reading: Reading) -> int:
    return len(_read(Path(), text, annotations, reading).faults)


def _read(path: Path, text: str, annotations: str, reading: Reading) -> Document:
    marks: list[Mark | str] = []
    faults = []
    for number, line in numbered_lines(annotations):
        if not line.startswith("T"):
            continue
        columns = line.split("\t")
        words = columns[1].split() if len(columns) > 1 else []
        if len(words) > 3 and ";" in columns[1]:
            fact = f"the name {columns[-1][:40]!r} {words[0]} is in fragments"
            faults.append(Fault(number, "names in fragments", fact, "the span is left out"))
        elif len(words) != 3 or not all(word.isdecimal() for word in words[1:]):
            faults.append(
                Fault(number, "lines that cannot be read", "not T1, label start end, text", "it is left out")
            )
        else:
            quoted = columns[2] if len(columns) > 2 else None
            document = _checked(path, number, text, [Mark(int(words[1]), int(words[2]), words[0], quoted)], reading)
            faults += document.faults
            if not document.faults:
                marks.append(Mark(int(words[1]), int(words[2]), words[0], quoted))
    document = _checked(path, 1, text, marks, reading)
    return Document(path, 1, document.content, path.stem, (*faults, *document.faults))


def _checked(path: Path, line: int, text: str, marks: list[Mark | str], reading: Reading) -> Document:
    try:
        return checked(path, line, text, marks, reading)
    except RecordError as error:
        return unreadable(path, line, str(error))
