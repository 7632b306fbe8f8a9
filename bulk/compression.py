"""Reads and writes files that are plain or compressed, as the end of their names says."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from nerve import DISTRIBUTION
from nerve.bulk.errors import BulkError


class CorruptError(Exception):
    """A compressed file is damaged, or its end is missing. The lines before the damage have been read."""


def suffix_of(name: str) -> str:
    """The end of a name that says how the file is compressed, such as `.gz`; empty if it is not."""
    end = Path(name).suffix.lower()
    return end if end in SUFFIXES else ""


def lines(raw: BinaryIO, suffix: str) -> Iterator[bytes]:
    """The lines that an open file holds, decompressed.

    Args:
        raw: the file, at its start.
        suffix: what `suffix_of` says of its name.

    Raises:
        BulkError: the package for zstd is not installed.
        CorruptError: the data are damaged, or end too early.
        OSError: the file cannot be read.
    """
    if not suffix:
        yield from raw
        return
    damaged: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
    if suffix == ".zst":
        damaged = (*damaged, _zstd().ZstdError)
    try:
        # Not through io.BufferedReader, which would lose up to a buffer of what came before the damage.
        yield from _OPENERS[suffix](raw)
    except damaged:
        raise CorruptError("the compressed data are damaged or end too early") from None
    except OSError as error:
        if error.errno is None:  # the only sign that bz2 gives of damaged data
            raise CorruptError("the compressed data are damaged") from None
        raise


@contextmanager
def writing(raw: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """A file that compresses into another one, which stays open. Equal content gets equal bytes.

    What is written is a whole member of its format (a stream of xz, a frame of zstd), so several of them, one after
    the other, are a file, too.

    Args:
        raw: the file that is written to.
        suffix: what `suffix_of` says of its name.

    Raises:
        BulkError: the package for zstd is not installed.
    """
    if not suffix:
        yield raw
        return
    with _WRITERS[suffix](raw) as file:
        yield file


def _zstd() -> Any:
    """The module of Python 3.14, or the package that brings it to older versions."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise BulkError(f"for zstd, install a package more: pip install '{DISTRIBUTION}[zstd]'") from None
    return zstd


_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw, mode="rb"),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": lambda raw: _zstd().ZstdFile(raw),
}
_WRITERS: dict[str, Callable[[BinaryIO], Any]] = {
    # Without name and time, which the header would have.
    ".gz": lambda raw: gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0),
    ".bz2": lambda raw: bz2.BZ2File(raw, "wb"),
    ".xz": lambda raw: lzma.LZMAFile(raw, "wb"),  # noqa: SIM115
    ".zst": lambda raw: _zstd().ZstdFile(raw, "wb"),
}
SUFFIXES = tuple(_OPENERS)
