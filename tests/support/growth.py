"""How time grows with the size of the work: on any machine, however slow and however busy."""

import gc
import time
from collections.abc import Callable

ATTEMPTS = 3
"""Whatever else runs may make one of two measurements longer, but seldom the same one each time."""


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """Whether `work` of four times `size` takes about four times as long; a square would take sixteen times."""
    return any(_seconds(work, 4 * size) < 8 * _seconds(work, size) for _ in range(ATTEMPTS))


def _seconds(work: Callable[[int], object], size: int) -> float:
    """The CPU time of this process, so that other programs do not count, nor the garbage of other tests."""
    gc.disable()
    try:
        begun = time.process_time()
        work(size)
        return time.process_time() - begun
    finally:
        gc.enable()
