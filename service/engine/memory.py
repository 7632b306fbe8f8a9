"""Python's garbage collector, kept from holding up requests.

The models are millions of objects that stay. To walk them takes a tenth of a second, and by default that happens
again and again: a quarter of all the time that requests took (docs/performance.md).
"""

import gc


def freeze_garbage_collector() -> None:
    """Exempt all objects that exist now from collections.

    To be called when the packages that processes share have been imported, and when the models have been loaded. What
    was exempt before is not walked: a process that was forked shares it, and a walk would copy it.
    """
    gc.collect()
    gc.freeze()
    # Nearly all objects of a request are freed without the collector, so it may wait until there are many.
    gc.set_threshold(50_000, 5, 5)


def free_replaced() -> None:
    """Free what nobody has any more, although it was exempt: to be called when a model has replaced another."""
    gc.unfreeze()
    freeze_garbage_collector()


class GarbageCollectorPause:
    """A block in which the collector does not run; blocks may overlap.

    It is for long texts: the collector would walk their hundreds of thousands of tokens again and again, and every
    other request would wait a tenth of a second each time. The tokens are freed without it.
    """

    def __init__(self) -> None:
        self._blocks = 0

    def __enter__(self) -> None:
        self._blocks += 1
        gc.disable()

    def __exit__(self, *_: object) -> None:
        self._blocks -= 1
        if not self._blocks:
            gc.enable()
