"""A file system of so many bytes, in memory, to fill; to mount one takes root."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.faults.sigterm import exit_on_sigterm, held_back


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int], None]]:
    """Mount a file system of `size` bytes on an empty folder for the block, SIGTERM included.

    Yields:
        What gives it another size, in bytes.

    Raises:
        PermissionError: This process may not mount one.
    """
    with exit_on_sigterm(), ExitStack() as stack:
        with held_back():
            if os.geteuid() != 0 or not _ran("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
                raise PermissionError("a file system can be mounted by root alone")
            stack.callback(_ran, "umount", "--lazy", str(folder))
        yield partial(_resize, folder)


def _resize(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def _ran(*words: str) -> bool:
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0
