"""What a worker has of its supervisor: the archives to load, a channel to talk over, and a heart that beats."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from nerve.service.engine.reloader import Reloader
from nerve.service.engine.snapshot import Snapshot
from nerve.service.observability.failures import log_failure
from nerve.service.server.channel import Channel, Kind, Message
from nerve.service.server.heartbeat import Heartbeat
from nerve.service.settings import Settings, StartError


@dataclass(frozen=True)
class Worker:
    """Made before the fork, used after it.

    Attributes:
        channel: The worker's end.
        heartbeat: Which the supervisor watches.
        snapshots: Of the archives to serve; to be closed when they are loaded.
        supervisor: Its process id.
    """

    channel: Channel
    heartbeat: Heartbeat
    snapshots: list[Snapshot]
    supervisor: int

    @property
    def orphaned(self) -> bool:
        """Whether the supervisor was killed: then nobody else ends this process."""
        return os.getppid() != self.supervisor


Work = Callable[[Settings, socket.socket, Worker], int]
"""Runs in a worker, and returns the exit status."""


class Link:
    """The channel in the event loop of a worker. To the reloader, it is the other workers.

    Args:
        channel: the worker's end.
        reloader: does what the supervisor asks for.
    """

    def __init__(self, channel: Channel, reloader: Reloader) -> None:
        self._channel = channel
        self._reloader = reloader
        self._turn: asyncio.Future[None] | None = None
        self._verdict: asyncio.Future[str] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Say that this worker answers, and listen to the supervisor."""
        asyncio.get_running_loop().add_reader(self._channel.fileno(), self._receive)
        self._send(Message(Kind.READY))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A block that one worker at a time is in."""
        self._turn = asyncio.get_running_loop().create_future()
        self._send(Message(Kind.ASK))
        try:
            await self._turn
            yield
        finally:
            self._send(Message(Kind.DONE))

    async def load(self, snapshot: Snapshot) -> None:
        """Wait until all other workers have loaded a snapshot and serve it.

        Raises:
            StartError: if one of them cannot; then none serves it.
        """
        self._verdict = asyncio.get_running_loop().create_future()
        self._send(Message(Kind.OFFER, snapshot=snapshot))
        if refusal := await self._verdict:
            raise StartError(refusal)

    def _receive(self) -> None:
        message = self._channel.receive()
        if message is None:  # the supervisor has gone, and this process is about to end
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            return
        match message:
            case Message(Kind.TURN) if self._turn is not None:
                self._turn.set_result(None)
            case Message(Kind.ACCEPTED | Kind.REJECTED, reason) if self._verdict is not None:
                self._verdict.set_result(reason)
            case Message(Kind.PREPARE, _, Snapshot() as snapshot):
                self._run(self._prepare(snapshot))
            case Message(Kind.COMMIT):
                self._reloader.commit()
            case Message(Kind.ABORT):
                self._reloader.abort()
            case Message(Kind.LOOK):
                self._run(self._look())

    async def _prepare(self, snapshot: Snapshot) -> None:
        try:
            await self._reloader.prepare(snapshot)
        except StartError as error:
            self._send(Message(Kind.REFUSED, str(error)))
        except Exception as error:
            log_failure(error, "the reload")
            self._send(Message(Kind.REFUSED, "a worker failed while it loaded the archive; the log has the error"))
        else:
            self._send(Message(Kind.PREPARED))
        finally:
            snapshot.close()

    async def _look(self) -> None:
        try:
            await self._reloader.all_models()
        except Exception as error:
            log_failure(error, "the reload")

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, message: Message) -> None:
        with suppress(OSError):  # the supervisor has gone, and this process is about to end
            self._channel.send(message)
