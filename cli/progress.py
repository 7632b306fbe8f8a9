"""A line on stderr that shows how far a long command is. It is for terminals only."""

import sys
import time

# Often enough for a person.
INTERVAL_SECONDS = 0.2
BAR_CHARACTERS = 24


class Progress:
    """Counts what has been read and tagged, and draws it if `shown`. A context: at its end the line is erased."""

    def __init__(self, size: int, *, shown: bool) -> None:
        """Start the clock. `size` is the length of the input in bytes, or 0 if it is not known."""
        self._size = size
        self._shown = shown
        self._started = time.monotonic()
        self._drawn = 0.0
        self._bytes = self._texts = self._tokens = 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def read(self, size: int) -> None:
        """Count `size` bytes of the input."""
        self._bytes += size

    def tagged(self, texts: int, tokens: int) -> None:
        """Count texts and their tokens, and draw the line if it is time to."""
        self._texts += texts
        self._tokens += tokens
        now = time.monotonic()
        if self._shown and now - self._drawn >= INTERVAL_SECONDS:
            self._drawn = now
            print(f"\r{self.line(now - self._started)}\033[K", end="", file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """The line as it is drawn so many seconds after the start."""
        speed = self._tokens / seconds if seconds > 0 else 0.0
        counts = f"{self._texts:,} texts  {self._tokens:,} tokens  {speed:,.0f} tokens/s"
        if not self._size:
            return counts
        share = min(1.0, self._bytes / self._size)
        done = round(share * BAR_CHARACTERS)
        left = f"  {_clock(seconds * (1 - share) / share)} left" if share else ""
        return f"[{'#' * done}{' ' * (BAR_CHARACTERS - done)}] {share:4.0%}  {counts}{left}"


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
