"""A line on stderr that tells how far a long command is. On a terminal only: nothing else wants to read it."""

import sys
import time

# Often enough for an eye.
SECONDS = 0.2
WIDTH = 24


class Progress:
    """`size` is the number of bytes to read, 0 where nobody knows. Silent unless `shown`."""

    def __init__(self, size: int, *, shown: bool) -> None:
        self._size = size
        self._shown = shown
        self._begun = time.monotonic()
        self._drawn = 0.0
        self._bytes = self._texts = self._tokens = 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def read(self, size: int) -> None:
        self._bytes += size

    def tagged(self, texts: int, tokens: int) -> None:
        self._texts += texts
        self._tokens += tokens
        now = time.monotonic()
        if self._shown and now - self._drawn >= SECONDS:
            self._drawn = now
            print(f"\r{self.line(now - self._begun)}\033[K", end="", file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """What is drawn after so many seconds."""
        speed = self._tokens / seconds if seconds > 0 else 0.0
        counts = f"{self._texts:,} texts  {self._tokens:,} tokens  {speed:,.0f} tokens/s"
        if not self._size:
            return counts
        share = min(1.0, self._bytes / self._size)
        done = round(share * WIDTH)
        return f"[{'#' * done}{' ' * (WIDTH - done)}] {share:4.0%}  {counts}"
