"""Stops the work for a client that has left.

The protocol knows that first (`service/protocol.py`), and puts a `Hangup` into the scope of each request, as an
extension of ASGI. To wait for ASGI's own message would take a further task in each request, 20 µs.
"""

import asyncio
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Scope

EXTENSION = "nerve"
HANGUP = "hangup"


class Hangup:
    """The end of a connection, and whose work ends with it."""

    def __init__(self) -> None:
        self.happened = False
        self.tasks: set[asyncio.Task[object]] = set()

    def happen(self) -> None:
        self.happened = True
        for task in self.tasks:
            task.cancel()


class cancelled_on_hangup:  # noqa: N801, as contextlib's own
    """Cancels the block when the client of this request disconnects, and then raises ClientDisconnect."""

    def __init__(self, scope: Scope) -> None:
        self._hangup: Hangup = scope["extensions"][EXTENSION][HANGUP]

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._hangup.happened:
            raise ClientDisconnect
        self._task = task
        self._hangup.tasks.add(task)

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _frames: TracebackType | None
    ) -> None:
        self._hangup.tasks.discard(self._task)
        # A cancellation that came from elsewhere as well, as at shutdown, must go on.
        if kind is asyncio.CancelledError and self._hangup.happened and self._task.uncancel() == 0:
            raise ClientDisconnect from None
