"""How the benchmarks of one thread take time: in turns, several rounds of them, and the median of each."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeVar

Key = TypeVar("Key")


def seconds(works: Mapping[Key, Callable[[], object]], rounds: int) -> dict[Key, float]:
    """Seconds that each of these works takes: the median of `rounds` rounds in which all take turns, after one that
    does not count. They are this thread's CPU time, which another program on the machine lengthens little; it shares
    the caches all the same, so that ratios within a run say more than figures of two runs."""
    taken: dict[Key, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            begun = time.thread_time()
            work()
            if number:
                taken[name].append(time.thread_time() - begun)
    return {name: median(times) for name, times in taken.items()}
