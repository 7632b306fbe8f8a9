"""Stops the work for a client that has disconnected.

The server under the application may offer an ASGI extension with a `Disconnect`, which costs nothing to wait for
(`nerve.service.server.protocol` does). Under any other server a task waits for ASGI's own message, `http.disconnect`;
that task costs 20 µs a request.
"""

import asyncio
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

EXTENSION = "nerve.disconnect"


class Disconnect:
    """The end of a connection, and the tasks that end with it."""

    def __init__(self) -> None:
        self.happened = False
        self.tasks: set[asyncio.Task[object]] = set()

    def notify(self) -> None:
        """Say that the client has disconnected; the tasks are cancelled."""
        self.happened = True
        for task in self.tasks:
            task.cancel()


class cancelled_on_disconnect:  # noqa: N801, as contextlib's own
    """Cancels the block when the client disconnects, and raises ClientDisconnect after it.

    The body of the request must have been read before.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        extension = (scope.get("extensions") or {}).get(EXTENSION)
        self._disconnect: Disconnect = extension["client"] if extension else Disconnect()
        self._receive = None if extension else receive
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._disconnect.happened:
            raise ClientDisconnect
        self._task = task
        self._disconnect.tasks.add(task)
        if self._receive is not None:
            self._watcher = asyncio.create_task(_watch(self._receive, self._disconnect))

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _frames: TracebackType | None
    ) -> None:
        self._disconnect.tasks.discard(self._task)
        if self._watcher is not None:
            self._watcher.cancel()
        # A cancellation that also came from elsewhere, as at shutdown, must go on.
        if kind is asyncio.CancelledError and self._disconnect.happened and self._task.uncancel() == 0:
            raise ClientDisconnect from None


async def _watch(receive: Receive, disconnect: Disconnect) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    disconnect.notify()
