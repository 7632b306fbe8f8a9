"""Log lines on their way to stderr, in a thread that waits for their reader instead of the event loop.

stderr is mostly a pipe to a collector of logs. When the collector stands still, the pipe is full after some hundred
lines, and a write waits as long as the collector does. Here only the writing thread waits: lines are queued, and when
the queue is full, they are dropped and counted. See docs/decisions/log-lines.md.
"""

import logging
import os
import queue
import select
import threading
import time
from contextvars import Context
from logging.handlers import QueueHandler, QueueListener

from nerve.streams import encoded

# About six seconds of the service's peak rate, 2 MB.
QUEUE_LINES = 10_000

# The thread takes the lines of so many seconds at a time: to wake up for each line costs far more than to write it.
PAUSE_SECONDS = 0.1

# Docker kills ten seconds after its SIGTERM, and nine of them may have passed.
FLUSH_SECONDS = 0.5


class StderrHandler(QueueHandler):
    """Formats a record where it is logged, and queues the line.

    `logging.shutdown`, which Python calls when it exits, waits until what is queued is written, but not for long.

    Args:
        descriptor: of the file to write to.
        lines: the most lines that may be queued.
    """

    def __init__(self, descriptor: int, lines: int = QUEUE_LINES) -> None:
        self._lines: queue.Queue[str | threading.Event] = queue.Queue(lines)
        super().__init__(self._lines)
        self._dropped = 0
        self._writer = _Writer(descriptor, self._lines)
        self._writing = False

    def prepare(self, record: logging.LogRecord) -> str:
        """Format the record here: the request it belongs to is known to this context only."""
        return self.format(record)

    def enqueue(self, record: str) -> None:  # type: ignore[override]  # what `prepare` returns
        """Queue a line, or drop and count it when the queue is full."""
        line = f"{self._notice()}\n{record}" if self._dropped else record
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1
            return
        self._dropped = 0
        if not self._writing:
            # Not before: the thread is to inherit the process's scheduling class, and a process that forks should
            # have no thread if it can. It is a daemon, so Python's exit does not wait for its write.
            self._writing = True
            self._writer.start()

    def flush(self) -> None:
        """Wait until what is queued is written, for half a second at most."""
        if not self._writing:
            return
        deadline = time.monotonic() + FLUSH_SECONDS
        written = threading.Event()
        try:
            if self._dropped:
                self._lines.put(self._notice(), timeout=FLUSH_SECONDS)
                self._dropped = 0
            self._lines.put(written, timeout=max(0.0, deadline - time.monotonic()))
        except queue.Full:
            return
        written.wait(deadline - time.monotonic())

    def _notice(self) -> str:
        message = f"nobody read the log: {self._dropped:,} lines were dropped"
        record = logging.LogRecord(__name__, logging.WARNING, "", 0, message, (), None)
        return Context().run(self.format, record)  # it does not belong to the request that is being answered


class _Writer(QueueListener):
    """Writes lines in a thread of its own."""

    def __init__(self, descriptor: int, lines: "queue.Queue[str | threading.Event]") -> None:
        super().__init__(lines)
        self._lines = lines
        self._descriptor = descriptor
        self._pending = b""

    def handle(self, record: str | threading.Event) -> None:  # type: ignore[override]  # what is in the queue
        """Write a line with those that follow it, or set the event when all before it are written."""
        if isinstance(record, threading.Event):
            self._write()
            record.set()
            return
        line = encoded(f"{record}\n")
        # Workers share a pipe: so much is written in one piece.
        if len(self._pending) + len(line) > select.PIPE_BUF:
            self._write()
        self._pending += line
        if self._lines.empty():
            self._write()
            time.sleep(PAUSE_SECONDS)

    def _write(self) -> None:
        try:
            while self._pending:
                self._pending = self._pending[os.write(self._descriptor, self._pending) :]
        except OSError:
            self._pending = b""  # the reader has gone
