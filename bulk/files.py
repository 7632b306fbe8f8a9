"""Writes files that are there whole or not at all, whatever happens to the program or the machine."""

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nerve.bulk.errors import BulkError

_TEMPORARY = ".tmp"
_RANDOM_CHARACTERS = 8  # that tempfile puts into a name


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the context ends without an error.

    It is written under a hidden name in the same folder, synced, and renamed. What others that were killed have left
    of the same file goes away with that.

    Raises:
        BulkError: on leaving, the file cannot be written, for example because the disk is full.
    """
    try:
        handle, name = _temporary(path)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            try:
                temporary.chmod(0o666 & ~_umask())
                temporary.replace(path)
            except FileNotFoundError:
                # Another process has just written the same file, and took this one for what a killed one has left.
                if not path.exists():
                    raise
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        for left in path.parent.glob(f".{glob.escape(path.name)}.{'?' * _RANDOM_CHARACTERS}{_TEMPORARY}"):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise BulkError(f"{path}: cannot be written: {error.strerror}") from None


def create(path: Path, content: bytes) -> bool:
    """Write a file unless there is one of this name; of several processes that do so at once, one writes it.

    Returns:
        Whether it was written here.

    Raises:
        BulkError: it cannot be written.
    """
    try:
        handle, name = _temporary(path)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            path.hardlink_to(temporary)  # which, unlike a renaming, replaces nothing
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise BulkError(f"{path}: cannot be written: {error.strerror}") from None
    return True


def _temporary(path: Path) -> tuple[int, str]:
    """A new hidden file beside another one, open for writing, and its name."""
    return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_TEMPORARY)


def _umask() -> int:
    """The permissions that new files lack. There is no other way to ask."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
