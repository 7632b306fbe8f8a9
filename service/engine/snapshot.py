"""The bytes of an archive as they were at one moment, in memory without a name.

Several workers load the same model from one snapshot, whatever happens to the file meanwhile. The memory is counted
once for all of them, and the system frees it when the last process has closed it.
"""

import fcntl
import os
import tempfile
from pathlib import Path
from typing import Self

from nerve.service.engine.registry import Stamp
from nerve.service.settings import StartError

CHUNK_BYTES = 1 << 20


class Snapshot:
    """A copy of an archive. `close` frees it in this process.

    Args:
        stamp: of the archive when it was copied.
        descriptor: of the open copy, which belongs to this object from here on.
    """

    def __init__(self, stamp: Stamp, descriptor: int) -> None:
        self.stamp = stamp
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self:
        """Copy the archive at this path.

        Raises:
            StartError: if it cannot be read, or there is no memory for the copy.
        """
        # Taken before the archive is read, so that a change meanwhile counts as one.
        stamp = Stamp.of(path)
        try:
            with path.open("rb") as archive:
                descriptor = _nameless_file()
                try:
                    while chunk := archive.read(CHUNK_BYTES):
                        os.write(descriptor, chunk)
                    _seal(descriptor)
                except OSError:
                    os.close(descriptor)
                    raise
        except FileNotFoundError:
            raise StartError(f"{path}: no such file") from None
        except OSError as error:
            raise StartError(f"{path}: cannot be read: {error.strerror}") from None
        return cls(stamp, descriptor)

    @property
    def path(self) -> Path:
        """Where the archive was."""
        return self.stamp.path

    @property
    def content(self) -> Path:
        """A path under which this process can read the copy."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)  # not every system opens this path anew
        return Path(f"/dev/fd/{self.descriptor}")

    def close(self) -> None:
        """Let go of the memory."""
        os.close(self.descriptor)


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):  # Linux
        return os.memfd_create("nerve-archive", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _seal(descriptor: int) -> None:
    """Forbid every change of the copy from here on, where the system can."""
    if hasattr(os, "memfd_create"):
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
