"""Files of tokens or texts with their gold names, in the formats that people have.

`load` finds out a file's format by what it holds, and gives its documents with all that is wrong in them. `read`
gives sentences of valid BIO, or refuses the file with file and line. `WRITERS` write each format. `datasets.py` calls
the reader of each public corpus by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nerve.model.annotation import Sentence
from nerve.training.data.formats.columns import read_columns, read_iob2, write_columns
from nerve.training.data.formats.copies import write_copy, written_as
from nerve.training.data.formats.document import Document, Fault, Reading, Text, faultless, lengths
from nerve.training.data.formats.lines import FormatError, refuse_empty
from nerve.training.data.formats.misread import Misreading, misreading
from nerve.training.data.formats.recognize import recognize
from nerve.training.data.formats.spans import read_spans
from nerve.training.data.formats.writers import WRITERS

__all__ = [
    "WRITERS",
    "Document",
    "Fault",
    "FormatError",
    "Loaded",
    "Misreading",
    "Reading",
    "Text",
    "load",
    "read",
    "read_columns",
    "read_iob2",
    "read_spans",
    "write_columns",
    "write_copy",
    "written_as",
]


@dataclass(frozen=True)
class Loaded:
    """What a file holds."""

    path: Path
    format: str
    documents: tuple[Document, ...]
    misreading: Misreading | None
    """what seems wrong with the offsets of the whole file"""

    @property
    def lengths(self) -> list[int]:
        """How many sentences each of its texts has, in order, as `document.lengths` counts them."""
        return lengths(self.documents)

    def faultless(self) -> Sequence[Document]:
        """The documents.

        Raises:
            FormatError: The offsets seem to count something else, at the first fault, or there is no sentence.
        """
        if self.misreading is not None and self.misreading.units:
            raise FormatError(self.misreading.path, self.misreading.line, self.misreading.fact)
        documents = list(faultless(self.documents))
        if self.misreading is not None:
            raise FormatError(self.misreading.path, self.misreading.line, self.misreading.fact)
        return documents


def load(path: Path, reading: Reading | None = None) -> Loaded:
    """The documents of a file or folder in any of the formats.

    Raises:
        FormatError: Its format is not known, or it is damaged so that nothing behind the fault can be read.
    """
    reading = reading or Reading()
    recognized = recognize(path)
    documents = tuple(recognized.read(reading))
    found = misreading(documents, lambda units: recognized.read(replace(reading, offsets=units)), reading.offsets)
    return Loaded(path, recognized.name, documents, found)


def read(path: Path, reading: Reading | None = None) -> list[Sentence]:
    """The sentences of a user's own file, whatever its format.

    Args:
        path: The file, or a folder of files in one format, of brat, or of the library datasets.
        reading: How to read what the file does not say of itself.

    Raises:
        FormatError: At the first fault.
    """
    documents = load(path, reading).faultless()
    sentences = [sentence for document in documents for sentence in document.sentences()]
    refuse_empty(path, sentences)
    return sentences
