"""Parquet files, and folders that the library `datasets` saved to disk: rows of tokens and tags.

Needs pyarrow (the extra `parquet`), which is imported when such a file is met.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerve.training.data.formats.document import Document, Reading
from nerve.training.data.formats.extras import required
from nerve.training.data.formats.lines import FormatError
from nerve.training.data.formats.tokenized import names_of, of_rows

PARQUET = b"PAR1"


def is_dataset(path: Path) -> bool:
    """Whether a folder is one that `datasets` saved to disk, with one split or several."""
    return any((path / name).is_file() for name in ("state.json", "dataset_dict.json"))


def parquet(path: Path, reading: Reading) -> Iterator[Document]:
    """The rows of a Parquet file; the line of each is its number.

    Raises:
        FormatError: pyarrow is not installed, or the file is damaged or has no tokens.
    """
    library = required(path, "pyarrow.parquet", "parquet", "a Parquet file")
    try:
        table = library.read_table(path)
    except (OSError, ValueError, NotImplementedError) as error:
        raise FormatError(path, 1, f"the Parquet file cannot be read: {_first_line(error)}") from None
    return _documents(path, table, reading)


def saved(path: Path, reading: Reading) -> Iterator[Document]:
    """The rows of a folder with one split.

    Raises:
        FormatError: pyarrow is not installed, a file is damaged, or the folder has several splits.
    """
    if (path / "dataset_dict.json").is_file():
        splits = ", ".join(sorted(one.name for one in path.iterdir() if (one / "state.json").is_file()))
        raise FormatError(path, 1, f"a dataset with the splits {splits}: name the folder of one of them")
    library = required(path, "pyarrow", "parquet", "a dataset of the library datasets")
    try:
        files = [path / one["filename"] for one in json.loads((path / "state.json").read_text())["_data_files"]]
        table = library.concat_tables([library.ipc.open_stream(file.read_bytes()).read_all() for file in files])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(path, 1, f"the dataset cannot be read: {_first_line(error)}") from None
    return _documents(path, table, reading)


def _documents(path: Path, table: Any, reading: Reading) -> Iterator[Document]:
    stored = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(stored).get("info", {}).get("features")
    except (ValueError, AttributeError):
        features = None
    if "tokens" not in table.column_names:
        raise FormatError(path, 1, f"no column `tokens`; the columns are {', '.join(table.column_names)}")
    return of_rows(path, list(enumerate(table.to_pylist(), start=1)), names_of(features), reading)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
