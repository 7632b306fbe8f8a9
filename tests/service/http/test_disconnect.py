"""The work for a client that disconnects, by the server's extension and by ASGI's own message."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from nerve.service.http.disconnect import EXTENSION, Disconnect, cancelled_on_disconnect

pytestmark = pytest.mark.anyio


class Client:
    """A client that disconnects when the test says so."""

    def __init__(self, *, extension: bool) -> None:
        self._extension = Disconnect() if extension else None
        self._left = asyncio.Event()
        self.messages: list[Message] = []

    @property
    def scope(self) -> dict[str, Any]:
        extensions = {EXTENSION: {"client": self._extension}} if self._extension else None
        return {"type": "http", "extensions": extensions}

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}

    def disconnect(self) -> None:
        self._left.set()
        if self._extension:
            self._extension.notify()


@pytest.fixture(params=[True, False], ids=["by the extension", "by ASGI"])
def make_client(request: pytest.FixtureRequest) -> Callable[[], Client]:
    return lambda: Client(extension=request.param)


async def working(client: Client) -> None:
    async with cancelled_on_disconnect(client.scope, client.receive):
        await asyncio.Event().wait()


async def begun(client: Client) -> asyncio.Task[None]:
    task = asyncio.create_task(working(client))
    await asyncio.sleep(0)
    return task


async def test_it_ends_when_the_client_disconnects(make_client: Callable[[], Client]) -> None:
    client = make_client()
    task = await begun(client)
    client.disconnect()
    with pytest.raises(ClientDisconnect):
        await task


async def test_it_does_not_begin_when_the_client_has_disconnected() -> None:
    client = Client(extension=True)
    client.disconnect()
    with pytest.raises(ClientDisconnect):
        await working(client)


async def test_a_message_that_is_no_disconnect_ends_nothing() -> None:
    client = Client(extension=False)
    client.messages.append({"type": "http.request", "body": b"", "more_body": False})
    task = await begun(client)
    await asyncio.sleep(0)
    assert not task.done()
    client.disconnect()
    with pytest.raises(ClientDisconnect):
        await task


async def test_a_cancellation_from_elsewhere_goes_on() -> None:
    client = Client(extension=True)
    task = await begun(client)
    client.disconnect()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_has_ended_is_left_alone(make_client: Callable[[], Client]) -> None:
    client = make_client()
    async with cancelled_on_disconnect(client.scope, client.receive):
        pass
    client.disconnect()
    await asyncio.sleep(0)
