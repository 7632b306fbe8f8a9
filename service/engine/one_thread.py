"""A call that may never return, such as a read of a file system that has gone: waited for, but not for ever."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class StillRunningError(Exception):
    """A call has not returned in time; the message is one line."""


class OneThread:
    """Runs one call at a time, in a thread that does not keep the process from ending.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: Future[Any] | None = None

    async def run(self, call: Callable[[], T], seconds: float) -> T:
        """Return what `call` returns, or raise what it raises.

        Args:
            call: runs in the thread.
            seconds: to wait for it. Afterwards it goes on in vain: what it returns is dropped.

        Raises:
            StillRunningError: the call, or the one before, has not returned yet.
        """
        if self._running is not None and not self._running.done():
            raise StillRunningError("the file of the last attempt is still being read")
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._running = future
        threading.Thread(target=_fulfil, args=(future, call), name=self._name, daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise StillRunningError(f"the file was not read within {seconds:g} s") from None


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
