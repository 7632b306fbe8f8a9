"""A Unix socket in place of a port: bound to a path, with a mode that says who may connect, removed at the end."""

import os
import select
import socket
import stat
from contextlib import suppress
from pathlib import Path

from nerve.service.settings import StartError

# Of Linux: `sun_path` has 108 bytes, the last of which is 0.
MAX_PATH_BYTES = 107


class UnixSocket(socket.socket):
    """A socket that is bound to a path, which the process that made it removes.

    A file that is left of a service that was killed is replaced.

    Raises:
        StartError: The path is too long, or of something else, or of a socket on which a service listens; or the
            system refuses.
    """

    def __init__(self, path: str, mode: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path = Path(path).absolute()
        self._process = os.getpid()
        self._identity: tuple[int, int] | None = None
        try:
            self._bind(mode)
        except OSError as error:
            self.close()
            raise cannot_listen_on(path, str(error.strerror)) from None
        except StartError:
            self.close()
            raise

    def close(self) -> None:
        """Remove the path, as `unlink` does, and close the socket."""
        self.unlink()
        super().close()

    def _bind(self, mode: int) -> None:
        if len(bytes(self.path)) > MAX_PATH_BYTES:
            raise cannot_listen_on(str(self.path), f"the path is longer than {MAX_PATH_BYTES} bytes")
        with suppress(FileNotFoundError):
            _remove_left(self.path)
        # The mode has to be right from the beginning, and bind() gives what the mask leaves of 777.
        mask = os.umask(0o777 & ~mode)
        try:
            self.bind(str(self.path))
        finally:
            os.umask(mask)
        self._identity = _identity(self.path)

    def unlink(self) -> None:
        """Remove the path, unless it is another's by now, or this process is a fork of the one that made it.

        Afterwards nobody can connect. Connections that wait to be accepted are not touched.
        """
        with suppress(OSError):
            if self._identity and self._process == os.getpid() and _identity(self.path) == self._identity:
                self.path.unlink()
                self._identity = None  # another file may get the same number

    @property
    def has_waiting_connections(self) -> bool:
        """Whether connections wait to be accepted."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))


def cannot_listen_on(path: str, reason: str) -> StartError:
    """Return the error of a service that cannot listen on a path."""
    return StartError(f"cannot listen on {path}: {reason}; choose another path with --unix-socket")


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _remove_left(path: Path) -> None:
    """Remove a socket on which nobody listens."""
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise cannot_listen_on(str(path), "there is something else than a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:  # its queue is full
            pass
    raise cannot_listen_on(str(path), "another service listens there")
