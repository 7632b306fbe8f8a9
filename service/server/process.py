"""One process that answers: it loads the models, builds the application, and runs uvicorn around it.

SIGTERM turns readiness off at once, and the port is closed some time later, so that load balancers can notice.
Requests that have been accepted by then are answered, and so are those of connections that the system has accepted
and this process has not. SIGHUP reads the API keys again, and reloads the archives that have changed on disk; of
several workers, the supervisor chooses one for the archives.
"""

import asyncio
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI

from nerve.service.app import create_app
from nerve.service.engine.engine import Engine, limit_kernels, limit_threads
from nerve.service.engine.loader import load_models
from nerve.service.engine.memory import freeze_garbage_collector
from nerve.service.engine.one_thread import OneThread, StillRunningError
from nerve.service.engine.reloader import Reloader
from nerve.service.http.keys import reread_keys
from nerve.service.observability.failures import log_failure
from nerve.service.server.heartbeat import BEAT_SECONDS, Heartbeat, Part
from nerve.service.server.listener import (
    ACCEPTED_AT_ONCE,
    BACKLOG,
    answer_last_connections,
    cannot_listen,
    raise_file_limit,
    report_refused_connections,
)
from nerve.service.server.protocol import protocol_of
from nerve.service.server.worker import Link, Worker
from nerve.service.settings import Settings
from nerve.service.state import Service

log = logging.getLogger(__name__)

# While a long text is read in its thread, the event loop needs the interpreter many times for each request, and by
# default would wait 5 ms each time.
SWITCH_SECONDS = 0.0005


def run(settings: Settings, listener: socket.socket, ready: Callable[[], None], worker: Worker | None = None) -> None:
    """Load the models and answer requests until a signal says to stop.

    Args:
        settings: of the service.
        listener: a bound socket.
        ready: is called as soon as the service listens.
        worker: if this process is one of several.

    Raises:
        StartError: if the service cannot start.
    """
    schedule_threads()
    raise_file_limit()
    limit_kernels()
    engine = Engine(partial(limit_threads, settings.threads))
    try:
        # A SIGHUP that comes while the archives are being read may be too late for them, so it is kept.
        reload_signal = _ReloadSignal()
        snapshots = worker.snapshots if worker else []
        app = create_app(settings, load_models(settings, engine, snapshots), engine)
        for snapshot in snapshots:
            snapshot.close()
        freeze_garbage_collector()
        _Server(app, engine, reload_signal, ready, worker).run(sockets=[listener])
    finally:
        engine.close()


def schedule_threads() -> None:
    """Let the threads of this process share a core well: the event loop, the engine, and the reader of long texts.

    To be called before there are other threads, which inherit the scheduling class.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    # With SCHED_BATCH a thread that wakes up waits for its turn. By default it would take the core from the running
    # one: under overload the event loop from the engine for each request, with what both have in the caches
    # (docs/performance.md).
    if hasattr(os, "SCHED_BATCH"):  # Linux
        with suppress(OSError):  # forbidden
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class _ReloadSignal:
    """Whether a SIGHUP has come since the last call of `take`."""

    def __init__(self) -> None:
        self._came = False
        signal.signal(signal.SIGHUP, self._note)

    def take(self) -> bool:
        came, self._came = self._came, False
        return came

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self._came = True


class _Server(uvicorn.Server):
    def __init__(
        self,
        app: FastAPI,
        engine: Engine,
        reload_signal: _ReloadSignal,
        ready: Callable[[], None],
        worker: Worker | None,
    ) -> None:
        self._service: Service = app.state.service
        self._reloader: Reloader = app.state.reloader
        settings = self._service.settings
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol_of(self._service),
                ws="none",
                backlog=ACCEPTED_AT_ONCE,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nothing depends on the client's address or scheme
                timeout_graceful_shutdown=settings.drain_seconds,
            )
        )
        self._settings = settings
        self._engine = engine
        self._reload_signal = reload_signal
        self._ready = ready
        self._worker = worker
        self._closing_time = math.inf
        self._tasks: set[asyncio.Task[None]] = set()
        self._key_reader = OneThread("reload API keys")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
            for listener in sockets or ():
                listener.listen(BACKLOG)  # uvicorn's `backlog` is also how many are accepted at once
        except OSError as error:
            # Two processes may both be bound to a port as long as neither listens.
            await self.lifespan.shutdown()
            raise cannot_listen(self._settings, error) from None
        report_refused_connections(asyncio.get_running_loop())
        if self._worker is not None:
            self._reloader.others = link = Link(self._worker.channel, self._reloader)
            link.start()
            self._run(self._beat(self._worker.heartbeat))
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.draining = True
        await answer_last_connections(sockets or [], self._settings.drain_seconds)
        self._service.closing = True
        self._service.stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first = not self._service.draining
        self._service.draining = True
        super().handle_exit(sig, frame)
        # With Ctrl+C, or a second signal, there is no grace.
        if first and sig == signal.SIGTERM:
            self.should_exit = False
            self._closing_time = time.monotonic() + self._settings.drain_grace_seconds

    async def on_tick(self, counter: int) -> bool:
        """Look after signals; uvicorn calls this ten times a second."""
        if time.monotonic() >= self._closing_time:
            self.should_exit = True
        if self._worker is not None and self._worker.orphaned and not self._service.draining:
            signal.raise_signal(signal.SIGTERM)
        if self._reload_signal.take():
            self._run(self._reload())
        return await super().on_tick(counter)

    async def _reload(self) -> None:
        # The keys first: a revoked key must not stay valid because an archive cannot be read.
        try:
            await self._reread_keys()
            if self._worker is None:
                await self._reloader.all_models()
        except Exception as error:
            log_failure(error, "the reload")

    async def _beat(self, heartbeat: Heartbeat) -> None:
        """Show the supervisor that the event loop lives, and the engine's thread, too."""
        in_engine: Future[None] | None = None
        while True:
            heartbeat.beat(Part.LOOP)
            # Without its batcher this worker answers nothing more, so that it must be replaced.
            if (in_engine is None or in_engine.done()) and (self._service.batcher.alive or self._service.draining):
                with suppress(RuntimeError):  # the engine has stopped
                    in_engine = self._engine.submit(partial(heartbeat.beat, Part.ENGINE))
            await asyncio.sleep(BEAT_SECONDS / 2)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reread_keys(self) -> None:
        keys, file = self._service.keys, self._settings.api_keys_file
        try:
            self._service.keys = await self._key_reader.run(
                lambda: reread_keys(keys, file), self._settings.reload_seconds
            )
        except StillRunningError as error:
            log.error("the API keys stay as they were: %s", error)
