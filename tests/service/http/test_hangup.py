"""The work of a client that leaves."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from nerve.service.http.disconnect import EXTENSION, HANGUP, Hangup, cancelled_on_hangup

pytestmark = pytest.mark.anyio


async def working(hangup: Hangup) -> None:
    async with cancelled_on_hangup({"extensions": {EXTENSION: {HANGUP: hangup}}}):
        await asyncio.Event().wait()


async def test_it_ends_when_the_client_leaves() -> None:
    hangup = Hangup()
    task = asyncio.create_task(working(hangup))
    await asyncio.sleep(0)
    hangup.happen()
    with pytest.raises(ClientDisconnect):
        await task


async def test_it_does_not_begin_when_the_client_has_left() -> None:
    hangup = Hangup()
    hangup.happen()
    with pytest.raises(ClientDisconnect):
        await working(hangup)


async def test_a_cancellation_from_elsewhere_goes_on() -> None:
    hangup = Hangup()
    task = asyncio.create_task(working(hangup))
    await asyncio.sleep(0)
    hangup.happen()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_has_ended_is_left_alone() -> None:
    hangup = Hangup()
    async with cancelled_on_hangup({"extensions": {EXTENSION: {HANGUP: hangup}}}):
        pass
    hangup.happen()
    await asyncio.sleep(0)
