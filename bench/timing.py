"""How the benchmarks of one thread measure time: all works take turns, for several rounds, and medians count."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeVar

Key = TypeVar("Key")


def seconds(works: Mapping[Key, Callable[[], object]], rounds: int) -> dict[Key, float]:
    """Seconds that each of these works takes, the median of `rounds` rounds after a first one that does not count.

    All works take turns within a round. Seconds are this thread's CPU time, which other programs on the machine
    change little; but they share its caches, so that ratios within a run say more than figures of two runs.
    """
    taken: dict[Key, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            begun = time.thread_time()
            work()
            if number:
                taken[name].append(time.thread_time() - begun)
    return {name: median(times) for name, times in taken.items()}
