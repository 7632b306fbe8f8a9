"""The one thread in which torch runs. The batcher hands it batches; nothing else calls a recognizer's `tag`.

It is one because OpenMP keeps a pool of threads for each that calls it. By default there is nothing in that pool:
a second core brings less to a batch of sentences than to a second process (docs/performance.md).
"""

import asyncio
import os
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.thread import BrokenThreadPool
from typing import TYPE_CHECKING

from nerve.service.engine.batcher import EngineStoppedError
from nerve.service.engine.cores import usable_cores
from nerve.service.engine.registry import Recognizer

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window

# Batches of these shapes (windows, tokens each) run before the service is ready: the first calls of a scripted
# module, and the first of a new shape, are the slow ones.
WARM_UP_SHAPES = ((1, 1), (1, 8), (1, 25), (1, 60), (4, 25), (16, 25), (32, 25), (16, 60), (64, 25))


# Of the kernels that are made for each shape of their inputs, how many oneDNN keeps, and torch for it. By default it
# is 1,024 each, 100 MB and more, and batches come in more shapes still. A training is slower with so few.
KEPT_KERNELS = 128


def limit_kernels(environment: MutableMapping[str, str] = os.environ) -> None:
    """Bound the memory that kernels take, unless the environment does. To be called before torch makes the first."""
    for variable in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        environment.setdefault(variable, str(KEPT_KERNELS))


def limit_threads(threads: int = 1) -> None:
    """Prepare the calling thread: its tensor operations use so many threads, itself one of them; 0 for one a core.
    Never more than there are cores to use: two threads that share one are many times slower than one."""
    import torch  # not at the top, so that a wrong setting is reported before torch's two seconds

    cores = usable_cores()
    torch.set_num_threads(min(threads or cores, cores))


class Engine:
    """`prepare` runs first in the engine's thread."""

    def __init__(self, prepare: Callable[[], None] = limit_threads) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine", initializer=prepare)
        self._closed = False

    def warm_up(self, recognizer: Recognizer, self_check: Callable[[], None]) -> None:
        """Check and warm the recognizer in the engine's thread, and wait for it. Raises what `self_check` does.

        In steps, between which the batches of a service that already answers take their turns.
        """
        self._thread.submit(self_check).result()
        for count, length in WARM_UP_SHAPES:
            windows = recognizer.windows(" ".join(["word"] * length))[:1]
            # Twice: the profiling executor records the first run and optimises the second.
            for _ in range(2):
                self._thread.submit(recognizer.tag, list(windows) * count).result()

    async def run(self, recognizer: Recognizer, windows: "Sequence[Window]") -> "list[Tagging]":
        """The taggings of one batch. Raises EngineStoppedError after `close` or when the thread could not start."""
        if self._closed:
            raise EngineStoppedError("the engine is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, recognizer.tag, windows)
        except BrokenThreadPool as error:
            raise EngineStoppedError("the engine's thread could not start") from error

    def close(self) -> None:
        """Run no further batch. The one in the thread is left to end by itself."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
