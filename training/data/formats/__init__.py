"""Files of tokens or texts with their gold names, read as sentences of valid BIO, or refused with file and line.

`read` is for a user's own files. `datasets.py` calls the reader of each public corpus by name.
"""

from pathlib import Path

from nerve.model.annotation import Sentence
from nerve.training.data.formats.columns import read_columns, read_iob2, write_columns
from nerve.training.data.formats.lines import FormatError, read_bytes
from nerve.training.data.formats.spans import read_spans

__all__ = ["FormatError", "read", "read_columns", "read_iob2", "read_spans", "write_columns"]

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")


def read(path: Path, scheme: str = "auto") -> list[Sentence]:
    """The sentences of a user's own file: JSON of an annotation tool, UNER's five columns, or CoNLL columns.

    A file is JSON if it is named .json, .jsonl or .ndjson, or begins as JSON does; it has UNER's columns if it is
    named .iob2; all others are CoNLL columns.

    Args:
        path: The file.
        scheme: Tagging scheme of a CoNLL file, as in `read_columns`; `auto` tries BIO, IOB1, BIOES and BMES.

    Raises:
        FormatError: At the first fault.
    """
    suffix = path.suffix.lower()
    if suffix in _JSON_SUFFIXES or _begins_as_json(path):
        return read_spans(path)
    if suffix == ".iob2":
        return read_iob2(path)
    return read_columns(path, scheme)


def _begins_as_json(path: Path) -> bool:
    # A line of columns may begin with a bracket or brace too, but as a token with a blank or tab behind it.
    first = read_bytes(path).removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].rstrip()
    return first in (b"[", b"{") or (first.startswith((b"[{", b'{"')) and b"\t" not in first)
