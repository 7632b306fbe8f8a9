"""The process above the workers: it starts, watches, replaces and ends them, and answers nothing itself.

It waits for the first worker before it starts the others, so that an archive that cannot be served is reported once.
Until all are ready for the first time, a worker that fails ends the service. Later, nothing does but a signal: a
worker that dies or hangs is replaced, and one that cannot start is tried again after a growing pause.

SIGTERM and SIGINT end all workers, those that do not obey with SIGKILL. SIGHUP makes each read the API keys, and one
of them look at the archives (`nerve.service.server.rollout`).
"""

import logging
import math
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Protocol

from nerve.service.engine.snapshot import Snapshot
from nerve.service.server.channel import Kind, Message
from nerve.service.server.child import Child
from nerve.service.server.heartbeat import BEAT_SECONDS
from nerve.service.server.rollout import Rollout
from nerve.service.server.worker import Worker
from nerve.service.settings import Settings

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
# After grace and drain. A worker that finishes in time needs some of it to write its log and exit.
KILL_SECONDS = 1.0

log = logging.getLogger(__name__)


class Archives(Protocol):
    """The archives that workers start with."""

    @property
    def snapshots(self) -> list[Snapshot]:
        """In the order of the settings."""
        ...

    def replace(self, snapshot: Snapshot) -> None:
        """Keep this in place of the snapshot of the same archive."""
        ...


class Supervisor:
    """Runs the workers.

    Args:
        settings: the number of workers, and the limits on their time.
        archives: that they serve.
        run: runs in each worker, and returns an exit status.
        all_ready: is called once, when all workers are ready for the first time.
        forget: is called with the process id of each worker that has ended.
        close: is called when the service stops and its grace is over, before a worker closes its socket.
    """

    def __init__(
        self,
        settings: Settings,
        archives: Archives,
        run: Callable[[Worker], int],
        all_ready: Callable[[], None],
        forget: Callable[[int], None],
        close: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._archives = archives
        self._run = run
        self._all_ready = all_ready
        self._forget = forget
        self._close = close
        self._workers: dict[int, Child] = {}
        self._rollout = Rollout(self._send, self._keep)
        self._selector = selectors.DefaultSelector()
        self._announced = False
        self._wanted = 1  # until the first is ready
        self._pause = 0.0
        self._next_start = 0.0
        self._next_look = 0.0
        self._status: int | None = None
        self._closing_time = math.inf
        self._kill_time = math.inf

    def run(self) -> int:
        """Run until every worker has ended, and return the exit status of the whole."""
        signals, wakeup = socket.socketpair()
        wakeup.setblocking(False)
        signal.set_wakeup_fd(wakeup.fileno())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, _leave_to_run)
        self._selector.register(signals, selectors.EVENT_READ)
        try:
            while self._status is None or self._workers:
                now = time.monotonic()
                self._tend(now)
                for key, _ in self._selector.select(min(BEAT_SECONDS / 4, self._closing_time - now)):
                    if key.fileobj is signals:
                        for byte in signals.recv(4_096):
                            self._signalled(byte)
                    else:
                        self._receive(key.data)
        finally:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            signals.close()
            wakeup.close()
        return self._status

    def _tend(self, now: float) -> None:
        """Do what is due at this time."""
        if self._status is not None:
            self._close_in_time(now)
            if now >= self._kill_time:
                self._kill_time = math.inf
                for pid in self._workers:
                    log.error("worker %d has not ended in time: it is killed", pid)
                self._tell_all(signal.SIGKILL)
            return
        while self._status is None and len(self._workers) < self._wanted and now >= self._next_start:
            self._start(now)
        if now >= self._next_look:
            self._next_look = now + BEAT_SECONDS
            for worker in self._workers.values():
                if what := worker.look(limited_start=self._announced):
                    log.error("worker %d hangs (%s): it is killed", worker.pid, what)
                    worker.kill()

    def _start(self, now: float) -> None:
        try:
            worker = Child.fork(self._settings, self._archives.snapshots, self._run, self._leave)
        except OSError as error:
            self._failed(now, f"no worker can be started: {error.strerror}")
            return
        self._workers[worker.pid] = worker
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)

    def _leave(self) -> None:
        """Close, in a new worker, what is the supervisor's."""
        self._selector.close()
        for other in self._workers.values():
            other.channel.close()

    def _receive(self, worker: Child) -> None:
        if worker.pid not in self._workers:  # its end, in the same round, came before what it has said
            return
        message = worker.channel.receive()
        match message:
            case None:  # it is about to end
                self._selector.unregister(worker.channel)
            case Message(Kind.READY):
                self._became_ready(worker)
            case Message(Kind.ASK):
                self._rollout.asked(worker.pid)
            case Message(Kind.OFFER, _, Snapshot() as snapshot):
                self._rollout.offered(worker.pid, snapshot)
            case Message(Kind.PREPARED):
                self._rollout.heard(worker.pid)
            case Message(Kind.REFUSED, reason):
                self._rollout.heard(worker.pid, reason)
            case Message(Kind.DONE):
                self._rollout.done(worker.pid)

    def _became_ready(self, worker: Child) -> None:
        if worker.outdated:  # it is being killed
            return
        worker.ready = True
        self._pause = 0.0
        self._wanted = self._settings.workers
        self._rollout.joined(worker.pid)
        if not self._announced and self._count_ready() == self._wanted and self._status is None:
            self._announced = True
            self._all_ready()

    def _count_ready(self) -> int:
        return sum(worker.ready for worker in self._workers.values())

    def _signalled(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number == signal.SIGHUP:
            self._reload()
        else:
            self._stop(130 if number == signal.SIGINT else 0, grace=number == signal.SIGTERM)

    def _reload(self) -> None:
        self._tell_all(signal.SIGHUP)
        for pid in [worker.pid for worker in self._workers.values() if worker.ready][:1]:
            self._send(pid, Message(Kind.LOOK))

    def _reap(self) -> None:
        while self._workers:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            worker = self._workers.pop(pid, None)
            if worker is None:  # an orphan, which the first process of a container inherits
                continue
            with suppress(KeyError):
                self._selector.unregister(worker.channel)
            worker.channel.close()
            self._forget(pid)
            self._rollout.ended(pid)
            if self._status is None:
                self._replace(worker, os.waitstatus_to_exitcode(ended))

    def _replace(self, worker: Child, status: int) -> None:
        """Say why a worker has ended. The next one is started in `_tend`."""
        if worker.outdated:
            return
        if worker.ready and self._announced:
            log.error("worker %d ended with %d; another takes its place", worker.pid, status)
        else:
            # With 1 a worker ends that has said why.
            said = "" if status == 1 else f"worker {worker.pid} ended with {status} before it was ready"
            self._failed(time.monotonic(), said)

    def _failed(self, now: float, reason: str) -> None:
        """A worker could not start: the first time that ends the service."""
        if reason:
            log.error("%s", reason)
        if not self._announced:
            self._stop(1, grace=False)
            return
        self._pause = min(2 * self._pause or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._next_start = now + self._pause
        log.error(
            "%d of %d workers answer; the next is started in %d s",
            self._count_ready(),
            self._settings.workers,
            self._pause,
        )

    def _stop(self, status: int, *, grace: bool) -> None:
        now = time.monotonic()
        seconds = self._settings.drain_grace_seconds if grace and self._status is None else 0.0
        if self._status is None:
            self._status = status
        self._closing_time = min(self._closing_time, now + seconds)
        self._kill_time = min(self._kill_time, now + seconds + self._settings.drain_seconds + KILL_SECONDS)
        self._close_in_time(now)  # before any worker empties its queue
        self._tell_all(signal.SIGTERM)

    def _close_in_time(self, now: float) -> None:
        if now >= self._closing_time:
            self._closing_time = math.inf
            self._close()

    def _tell_all(self, number: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, number)

    def _send(self, pid: int, message: Message) -> None:
        try:
            self._workers[pid].channel.send(message)
        except OSError:
            # It has ended, or has not read for so long that it hangs. It must not miss what others are told.
            self._workers[pid].kill()

    def _keep(self, snapshot: Snapshot) -> None:
        """From now on, workers serve this: those that are starting with its predecessor start again."""
        self._archives.replace(snapshot)
        for worker in self._workers.values():
            if not worker.ready:
                worker.outdated = True
                worker.kill()


def _leave_to_run(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number is in the socket that `run` reads."""
