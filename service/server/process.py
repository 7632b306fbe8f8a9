"""One process that answers: models, application and uvicorn around them, from the first signal to the last answer.

SIGTERM turns readiness off at once, and whoever sends requests gets the time to notice before the port is closed.
What has been accepted by then is answered. SIGHUP reloads what has changed on disk.
"""

import asyncio
import math
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI

from nerve.service.app import create_app
from nerve.service.engine import memory as heap
from nerve.service.engine.engine import Engine, limit_kernels, limit_threads
from nerve.service.engine.loader import load_models
from nerve.service.reloader import Reloader
from nerve.service.server.listener import cannot_listen
from nerve.service.server.protocol import protocol_of
from nerve.service.server.turns import take_turns
from nerve.service.settings import Settings
from nerve.service.state import Service


def run(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Load the models and answer on `listener`, a bound socket, until a signal says to stop; call `ready` as soon as
    it listens. Raises StartError."""
    take_turns()
    limit_kernels()
    engine = Engine(partial(limit_threads, settings.threads))
    try:
        # What is signalled while the archives are being read may come too late for them: it is kept.
        hangup = _Hangup()
        app = create_app(settings, load_models(settings, engine), engine)
        heap.settle()
        _Server(app, hangup, ready).run(sockets=[listener])
    finally:
        engine.close()


class _Hangup:
    """Whether a SIGHUP has come that nobody has taken yet."""

    def __init__(self) -> None:
        self._came = False
        signal.signal(signal.SIGHUP, self._note)

    def take(self) -> bool:
        came, self._came = self._came, False
        return came

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self._came = True


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI, hangup: _Hangup, ready: Callable[[], None]) -> None:
        self._service: Service = app.state.service
        self._reloader: Reloader = app.state.reloader
        settings = self._service.settings
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol_of(self._service),
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.drain_seconds,
            )
        )
        self._settings = settings
        self._hangup = hangup
        self._ready = ready
        self._parent = os.getppid()
        self._closing_time = math.inf
        self._reloading: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except OSError as error:
            # Two processes may both be bound to a port as long as neither listens.
            await self.lifespan.shutdown()
            raise cannot_listen(self._settings, error) from None
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.closing = True
        self._service.stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first = not self._service.draining
        self._service.draining = True
        super().handle_exit(sig, frame)
        # Whoever presses Ctrl+C, or asks twice, does not want to wait.
        if first and sig == signal.SIGTERM:
            self.should_exit = False
            self._closing_time = time.monotonic() + self._settings.drain_grace_seconds

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        if time.monotonic() >= self._closing_time:
            self.should_exit = True
        if self._settings.workers > 1 and not self._service.draining and os.getppid() != self._parent:
            signal.raise_signal(signal.SIGTERM)  # the supervisor was killed: nobody else would end this process
        if self._hangup.take():
            task = asyncio.create_task(self._reloader.everything())
            self._reloading.add(task)
            task.add_done_callback(self._reloading.discard)
        return await super().on_tick(counter)
