"""Log lines on their way to stderr, which is written to only as far as somebody reads it.

It is mostly a pipe to a collector of logs. When the collector stands still, the pipe is full after some hundred
lines, and a write would wait for as long as it does: on the event loop, so that no request and no probe would be
answered either. So one line waits until it can be written, further ones are dropped, and then a line says how many:
docs/decisions/log-lines.md.
"""

import fcntl
import logging
import os
import select
from contextlib import suppress
from contextvars import Context
from typing import TextIO

# As much as Linux lets anybody have, some thousand lines: a collector may be late now and then.
PIPE_BYTES = 2**20


class UnblockedHandler(logging.Handler):
    """Writes each record as a line to `stream`, a file with a descriptor, and never waits for its reader.

    Workers may share a pipe: one that can be written to takes PIPE_BUF bytes at least, a dozen lines.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._descriptor = stream.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)
        self._rest = b""  # what is still to be written of the last line that was not dropped
        self._dropped = 0
        with suppress(OSError, AttributeError):  # no pipe, too many of them, or not Linux
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            self._write()
            if self._rest:
                self._dropped += 1
                return
            if self._dropped:
                line = f"{self._notice()}\n{line}"
                self._dropped = 0
            self._rest = f"{line}\n".encode(errors="backslashreplace")
            self._write()
        except OSError:
            self._rest = b""  # nobody will ever read it
        except Exception:
            self.handleError(record)

    def _write(self) -> None:
        while self._rest and self._poll.poll(0):
            written = os.write(self._descriptor, self._rest[: select.PIPE_BUF])
            self._rest = self._rest[written:]

    def _notice(self) -> str:
        message = f"nobody read the log: {self._dropped:,} lines were dropped"
        record = logging.LogRecord(__name__, logging.WARNING, "", 0, message, (), None)
        return Context().run(self.format, record)  # it is not about the request that is being answered
