"""How long a connection waits for its client: for a request, its head, its body, and for its answer to be taken."""

import asyncio
import fcntl
import sys
import termios
from typing import Any

from nerve.service.settings import Settings

# What a connection waits for. A stream is a body in which the client may wait for the answer to a line before it
# sends the next. An answer is waited for by the client.
REQUEST, HEAD, BODY, STREAM, ANSWER, END_OF_CLIENT = range(6)

# The slowest body, except for streams.
MIN_BYTES_PER_SECOND = 1024

# Of a client that goes on sending after the answer.
LINGER_BYTES_PER_SECOND = 128 * 1024
LINGER_SECONDS = 5.0


class TimeLimits:
    """The time limits of one connection, in seconds of the event loop's clock.

    Attributes:
        awaited: What the connection waits for.
    """

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the first request."""
        self.awaited = REQUEST
        self._settings = settings
        self._loop = loop
        self._deadline = loop.time() + settings.head_seconds
        self._unsent = 0
        self._unsent_since = 0.0

    def wait_for(self, awaited: int) -> None:
        """Wait for this from now on; the limit of a head or a body counts from its first part."""
        if awaited == self.awaited and awaited not in (REQUEST, STREAM):
            return
        self.awaited = awaited
        if awaited != ANSWER:
            self._deadline = self._loop.time() + self._seconds(awaited)

    def received(self, size: int) -> None:
        """Note that the client goes on sending: it gets the time that so many bytes may take."""
        if self.awaited == BODY:
            self._deadline += size / MIN_BYTES_PER_SECOND
        elif self.awaited == STREAM:
            self.wait_for(STREAM)
        elif self.awaited == END_OF_CLIENT:
            self._deadline += size / LINGER_BYTES_PER_SECOND

    def exceeded(self, now: float, transport: asyncio.Transport) -> int | None:
        """Return what the client lets the connection wait for too long, ANSWER if it is to take one, or None."""
        unsent = transport.get_write_buffer_size()
        if unsent:
            # A slow client takes from the system's buffer for a long time before asyncio may write again.
            unsent += _undelivered(transport.get_extra_info("socket"))
            if unsent != self._unsent:
                self._unsent, self._unsent_since = unsent, now
            return ANSWER if now - self._unsent_since > self._settings.answer_seconds else None
        self._unsent = 0
        return None if self.awaited == ANSWER or now < self._deadline else self.awaited

    def _seconds(self, awaited: int) -> float:
        settings = self._settings
        if awaited == REQUEST:
            return settings.keep_alive_seconds
        if awaited == HEAD:
            return settings.head_seconds
        if awaited == END_OF_CLIENT:
            return LINGER_SECONDS
        return settings.body_seconds + (settings.deadline_seconds if awaited == STREAM else 0)


def _undelivered(connection: Any) -> int:
    """Return how many bytes the system has not delivered yet, as far as it says so."""
    try:
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0
