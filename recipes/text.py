"""Unlabelled text from files, plain or compressed."""

import lzma
from pathlib import Path


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; one named `.xz` is unpacked.

    Raises:
        OSError, LZMAError, UnicodeDecodeError: It cannot be read.
    """
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        return file.read()
