"""A disk that is full, wherever the tests run."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.faults.small_disk import small_disk


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let the system refuse to write behind so many bytes of any file, as a full disk would.

    Python ignores the signal that comes with it, so a write fails half way, with an OSError.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def real_disk(folder: Path, size: int) -> Iterator[Path]:
    """A folder that is a file system of so many bytes; without the right to mount one the test is skipped."""
    disk = folder / "disk"
    disk.mkdir()
    try:
        with small_disk(disk, size):
            yield disk
    except PermissionError as error:
        pytest.skip(str(error))
