"""The one thread in which torch runs. The batcher gives it batches; nothing else calls a recognizer's `tag`.

There is only one because OpenMP keeps a pool of threads for each thread that calls it. By default torch computes in
this thread alone: a second core is worth more to a second process than to a batch of sentences (docs/performance.md).
"""

import asyncio
import os
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.thread import BrokenThreadPool
from typing import TYPE_CHECKING

from nerve.service.engine.batcher import EngineStoppedError
from nerve.service.engine.registry import Recognizer

if TYPE_CHECKING:
    from nerve.model.recognizer import Tagging, Window

# Batches of these shapes (windows, tokens each) run before the service is ready, because the first calls of a
# scripted module, and the first of each shape, are slow.
WARM_UP_SHAPES = ((1, 1), (1, 8), (1, 25), (1, 60), (4, 25), (16, 25), (32, 25), (16, 60), (64, 25))

# oneDNN makes a kernel for each shape of its inputs. So many of them are kept by oneDNN, and as many by torch. Their
# default is 1,024 each, 100 MB and more, and batches come in even more shapes. A training would be slower with so
# few.
KEPT_KERNELS = 128


def limit_kernels(environment: MutableMapping[str, str] = os.environ) -> None:
    """Bound the memory of cached kernels, unless the environment does so already.

    To be called before torch makes the first.
    """
    for variable in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        environment.setdefault(variable, str(KEPT_KERNELS))


def limit_threads(threads: int = 1) -> None:
    """Set the number of threads that the tensor operations of the calling thread use, itself included.

    Args:
        threads: 0 leaves it to torch, which takes one for each core in the process's affinity. A control group's
            quota is not looked at: threads that share a core are many times slower than one.
    """
    import torch  # not at the top, so that a wrong setting is reported before torch's two seconds

    if threads:
        torch.set_num_threads(threads)


class Engine:
    """Runs batches, one after another.

    Args:
        prepare: runs first in the engine's thread.
    """

    def __init__(self, prepare: Callable[[], None] = limit_threads) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine", initializer=prepare)
        self._closed = False

    def warm_up(self, recognizer: Recognizer, self_check: Callable[[], None]) -> None:
        """Check a recognizer in the engine's thread, warm it up, and wait for both.

        That happens in steps. Between them, the engine runs the batches of a service that already answers.

        Args:
            recognizer: is to be served next.
            self_check: raises if the recognizer does not work; its errors are raised here.
        """
        self._thread.submit(self_check).result()
        for count, length in WARM_UP_SHAPES:
            windows = recognizer.windows(" ".join(["word"] * length))[:1]
            # Twice: the profiling executor records the first run and optimises the second.
            for _ in range(2):
                self._thread.submit(recognizer.tag, list(windows) * count).result()

    async def run(self, recognizer: Recognizer, windows: "Sequence[Window]") -> "list[Tagging]":
        """Tag the windows of one batch.

        Returns:
            Their taggings, in their order.

        Raises:
            EngineStoppedError: after `close`, or when the thread could not start.
            Exception: what the recognizer raised. What is not an `Exception`, such as `SystemExit`, would end the
                process and print its message, so it is the cause of a RuntimeError instead.
        """
        if self._closed:
            raise EngineStoppedError("the engine is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _tag, recognizer, windows)
        except BrokenThreadPool as error:
            raise EngineStoppedError("the engine's thread could not start") from error

    def submit(self, call: Callable[[], None]) -> Future[None]:
        """Run a short call in the engine's thread, after the batch that is running.

        Raises:
            RuntimeError: after `close`, or when the thread could not start.
        """
        return self._thread.submit(call)

    def close(self) -> None:
        """Run no further batch. The one that is running ends by itself."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)


def _tag(recognizer: Recognizer, windows: "Sequence[Window]") -> "list[Tagging]":
    try:
        return recognizer.tag(windows)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError("the recognizer tried to end the process") from error
