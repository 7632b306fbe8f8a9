"""Lets a command that is terminated leave its blocks in order, so that nothing of it stays behind."""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Within the block, SIGTERM raises SystemExit, so that the blocks around the code that runs are left in order.

    By default it ends the process at once: the processes that it has started go on, and what it has mounted stays.
    SIGINT raises KeyboardInterrupt without our doing. In another thread than the main one nothing changes, because
    only the main thread gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def run_until_sigterm(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine as `asyncio.run` does, which SIGTERM cancels, as SIGINT does; then raise SystemExit.

    For coroutines that start processes. An error out of a signal handler could come while asyncio starts one, and
    nobody would end it; when it is cancelled, asyncio does.
    """

    async def cancelled_by_sigterm() -> Result:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await coroutine

    try:
        return asyncio.run(cancelled_by_sigterm())
    except asyncio.CancelledError:
        _exit(signal.SIGTERM, None)
