"""Some documents of a file, written as another file of the same format."""

from collections.abc import Sequence
from pathlib import Path

from nerve.training.data.formats.document import Document
from nerve.training.data.formats.writers import WRITERS

# What a format that is only read is written as.
_INSTEAD = {
    "index-first": "columns",
    "spacy": "doccano",
    "label-studio-min": "label-studio",
    "dataset": "parquet",
}


def written_as(form: str) -> str:
    """The format that documents of a format are written in: the same, or one that holds as much."""
    return _INSTEAD.get(form, form)


def write_copy(source: Path, form: str, documents: Sequence[Document], stem: Path) -> Path:
    """Write documents of `source`, and return the path of the new file.

    Args:
        source: The file or folder that they are from.
        form: Its format.
        documents: Some of its documents.
        stem: The new file's path without a suffix; it gets that of a file `source`.

    Raises:
        FormatError: A package that the format needs is missing.
        ValueError: A token cannot stand in the format.
    """
    writer = WRITERS[written_as(form)]
    suffix = source.suffix if writer.suffix and source.is_file() and source.suffix else writer.suffix
    path = stem.with_name(f"{stem.name}{suffix}")
    writer.write(path, documents)
    return path
