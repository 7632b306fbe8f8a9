"""Whether a worker still lives: counters that it raises and its supervisor looks at.

They are in memory that both share, so a beat costs no system call, and a supervisor that is late misses none. The
event loop and the engine's thread have a counter each, because one can hang without the other.
"""

import mmap
from enum import IntEnum
from typing import Final

BEAT_SECONDS: Final = 1.0
"""How often a worker beats, and how often its supervisor looks."""

# A batch is slower than this only on a machine that cannot serve: the slowest cell computes 50 times as many.
SLOWEST_TOKENS_A_SECOND = 200


class Part(IntEnum):
    """What beats."""

    LOOP = 0
    ENGINE = 1


NAMES = {Part.LOOP: "event loop", Part.ENGINE: "engine"}


class Heartbeat:
    """The counters of one worker. It has to be made before the worker is forked."""

    def __init__(self) -> None:
        self._counters = memoryview(mmap.mmap(-1, 8 * len(Part))).cast("Q")

    def beat(self, part: Part) -> None:
        """Raise a counter; to be called by one thread only for each part."""
        self._counters[part] += 1

    def count(self, part: Part) -> int:
        """How often a part has beaten."""
        return self._counters[part]


class Watch:
    """Notices that a part of a worker has stopped.

    Time is counted in looks, not by the clock: a supervisor that was stopped together with its workers, as in a
    frozen container, must not find all of them hung when it goes on.

    Args:
        heartbeat: of the worker.
        hang_seconds: the longest time without a beat of the event loop.
        batch_tokens: the largest batch. The engine has `hang_seconds`, and the time of the slowest such batch.
    """

    def __init__(self, heartbeat: Heartbeat, hang_seconds: float, batch_tokens: int) -> None:
        self._heartbeat = heartbeat
        self._limits = {
            Part.LOOP: hang_seconds,
            Part.ENGINE: hang_seconds + batch_tokens / SLOWEST_TOKENS_A_SECOND,
        }
        self._counts = dict.fromkeys(Part, -1)
        self._silent = dict.fromkeys(Part, 0.0)

    def look(self) -> str:
        """Look again, BEAT_SECONDS after the last time; return what hangs, or an empty string."""
        for part in Part:
            count = self._heartbeat.count(part)
            self._silent[part] = 0.0 if count != self._counts[part] else self._silent[part] + BEAT_SECONDS
            self._counts[part] = count
            if self._silent[part] > self._limits[part]:
                return NAMES[part]
        return ""
