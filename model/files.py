"""Files that appear whole or not at all, whatever the disk or a kill does in between."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class WriteError(Exception):
    """A file cannot be written; the message is one line that names the file and, on a full disk, the space."""


@contextmanager
def replacing(path: Path, content: bytes) -> Iterator[Path]:
    """Write `content` beside `path`, and give it that name if the block ends without an error.

    The block gets the path of what was written, which is on the disk by then. If anything fails, nothing is left.

    Raises:
        WriteError: the disk is full, or refuses for another reason.
    """
    temporary = part_of(path)
    try:
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _refused(path, len(content), error) from None
        yield temporary
        try:
            temporary.replace(path)
        except OSError as error:
            raise _refused(path, len(content), error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` by this content, or leave it as it is.

    Raises:
        WriteError: the disk is full, or refuses for another reason.
    """
    with replacing(path, content):
        pass


def part_of(path: Path) -> Path:
    """Where a file is written before it gets its name: always the same, so the next run replaces what a kill left."""
    return path.with_name(f".{path.name}.part")


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of files that were to be named `path`."""
    # Earlier versions wrote to a name with the number of their process.
    numbered = re.compile(rf"\.{re.escape(path.name)}\.(part|\d+)")
    with suppress(OSError):
        for file in list(path.parent.iterdir()):
            if numbered.fullmatch(file.name) and file.is_file():
                file.unlink(missing_ok=True)


def _refused(path: Path, size: int, error: OSError) -> WriteError:
    fact = f"{path}: cannot be written: {error.strerror or error}"
    with suppress(OSError):
        free = shutil.disk_usage(path.parent).free
        fact += f" (it needs {size / 1e6:.1f} MB; {free / 1e6:.1f} MB are free)"
    return WriteError(fact)
