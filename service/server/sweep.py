"""One timer for all time limits of all connections; a timer for each request would cost 5 µs a request."""

import asyncio
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Protocol

SECONDS_BETWEEN_SWEEPS = 1.0
# Thousands of connections may end in one sweep, each with an answer and a line of the log.
CHECKED_AT_ONCE = 10


class Limited(Protocol):
    """A connection with time limits."""

    def check(self, now: float) -> None:
        """End what has run out of time; `now` is a time of the event loop."""
        ...


class Sweep:
    """Checks all connections once a second, as long as there are any."""

    def __init__(self, seconds: float = SECONDS_BETWEEN_SWEEPS) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop, connections: Collection[Limited]) -> None:
        """Start, if it does not run already."""
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._run, loop, connections)

    def _run(self, loop: asyncio.AbstractEventLoop, connections: Collection[Limited]) -> None:
        self._check(loop, connections, iter(list(connections)))

    def _check(
        self, loop: asyncio.AbstractEventLoop, connections: Collection[Limited], left: Iterator[Limited]
    ) -> None:
        """Check some of those that are left, then let others run."""
        some = [*islice(left, CHECKED_AT_ONCE)]
        for connection in some:
            if connection in connections:  # it may have ended meanwhile
                connection.check(loop.time())
        if some:
            loop.call_soon(self._check, loop, connections, left)
            return
        self._timer = None
        if connections:
            self.start(loop, connections)
