"""Stops the work for a client that has left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect
from starlette.types import Receive


@asynccontextmanager
async def cancelled_on_hangup(receive: Receive) -> AsyncIterator[None]:
    """Cancels the block when the client disconnects, and then raises ClientDisconnect.

    To be entered when the body has been read: the next message is then the disconnect.
    """
    work = asyncio.current_task()
    assert work is not None
    left = False

    async def watch() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        work.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        # A cancellation that came from elsewhere as well, as at shutdown, must go on.
        if left and work.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        watcher.cancel()
