"""Lets a command that is terminated leave its blocks in order, so that nothing of it stays behind."""

import asyncio
import signal
import subprocess
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

STOP_SECONDS = 30

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


@contextmanager
def held_back() -> Iterator[None]:
    """Within the block, SIGTERM and SIGINT wait for its end.

    For what has no block around it yet: an error out of a signal handler, raised while a process starts or a disk is
    mounted, would leave it behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


@contextmanager
def started(
    words: Sequence[str], *, stop_seconds: float = STOP_SECONDS, **options: Any
) -> Iterator["subprocess.Popen[Any]"]:
    """Start a process, and stop it after the block if it still runs, SIGTERM included.

    Args:
        words: The command.
        stop_seconds: From SIGTERM to SIGKILL.
        options: Of `subprocess.Popen`.
    """
    with exit_on_sigterm(), ExitStack() as stack:
        with held_back():
            process = stack.enter_context(subprocess.Popen(words, **options))
            stack.callback(_stop, process, stop_seconds)
        yield process


def _stop(process: "subprocess.Popen[Any]", stop_seconds: float) -> None:
    process.terminate()
    try:
        process.wait(stop_seconds)
    except subprocess.TimeoutExpired:
        process.kill()


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
