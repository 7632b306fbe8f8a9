"""Several processes that answer on one port, and this one above them, which starts them and answers nothing itself.

It forks before anything imports torch or the web framework, so each worker is a service of its own, with its own
threads. The first is waited for, so that an archive that cannot be served is refused once. A worker that dies after
that is replaced. Signals are passed on: SIGTERM and SIGINT end all, SIGHUP reloads in each.
"""

import logging
import os
import selectors
import shutil
import signal
import socket
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from nerve.service.observability import logs
from nerve.service.observability.folder import METRICS_FOLDER
from nerve.service.server.listener import bound_socket, ready_line
from nerve.service.settings import Settings, StartError

log = logging.getLogger(__name__)

# Memory that looks like files: nothing is written to a disk, and a read-only container has it too.
SHARED_MEMORY = Path("/dev/shm")

Ready = Callable[[], None]


def supervise(settings: Settings, work: Callable[[Settings, socket.socket, Ready], int]) -> int:
    """Run `settings.workers` processes until a signal says to stop, and give the exit status.

    `work` runs in each of them, with a socket of its own, and gives its exit status. Raises StartError.
    """
    # The first one finds out whether the port is anybody else's; the second keeps it, without listening.
    with bound_socket(settings) as taken:
        settings = settings.model_copy(update={"port": taken.getsockname()[1]})
    with bound_socket(settings, shared=True) as kept, _folder() as folder:
        os.environ[METRICS_FOLDER] = folder

        def worker(ready: Ready) -> int:
            with bound_socket(settings, shared=True) as listener:
                return work(settings, listener, ready)

        def forget(pid: int) -> None:
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]

        def announce() -> None:
            logs.announce(settings.log_format, ready_line(kept))

        return Supervisor(settings.workers, worker, announce, forget).run()


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for the workers' metrics. Raises StartError."""
    try:
        path = tempfile.mkdtemp(prefix="nerve-", dir=SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None)
    except OSError as error:
        raise StartError(f"several workers need a folder for their metrics: {error.strerror}") from None
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@dataclass
class _Worker:
    pipe: int
    ready: bool = False


class Supervisor:
    """`work` runs in each worker, calls what it is given when it answers, and gives an exit status. `all_ready` is
    called once; `forget` with the number of each process that has ended."""

    def __init__(
        self, count: int, work: Callable[[Ready], int], all_ready: Ready, forget: Callable[[int], None]
    ) -> None:
        self._count = count
        self._work = work
        self._all_ready = all_ready
        self._forget = forget
        self._workers: dict[int, _Worker] = {}
        self._selector = selectors.DefaultSelector()
        self._announced = False
        self._status: int | None = None

    def run(self) -> int:
        """Until every worker has ended; the exit status of the whole."""
        noted, note = socket.socketpair()
        note.setblocking(False)
        signal.set_wakeup_fd(note.fileno())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, _noted)
        self._selector.register(noted, selectors.EVENT_READ)
        self._start()
        try:
            while self._status is None or self._workers:
                for key, _ in self._selector.select():
                    if key.fileobj is noted:
                        for byte in noted.recv(4_096):
                            self._signalled(byte)
                    else:
                        self._heard(key.fd, key.data)
        finally:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            noted.close()
            note.close()
        return self._status

    def _start(self) -> None:
        heard, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become_worker(tell)
        os.close(tell)
        self._workers[pid] = _Worker(heard)
        self._selector.register(heard, selectors.EVENT_READ, self._workers[pid])

    def _become_worker(self, tell: int) -> NoReturn:
        """What the new process does, which must never come back into the code above."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
            self._selector.close()
            status = self._work(lambda: _say_ready(tell))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _heard(self, pipe: int, worker: _Worker) -> None:
        """A worker is ready, or has ended."""
        worker.ready = os.read(pipe, 1) == b"."
        self._selector.unregister(pipe)
        os.close(pipe)
        if not worker.ready or self._status is not None:
            return
        if not self._announced:
            while len(self._workers) < self._count:
                self._start()
            if all(one.ready for one in self._workers.values()):
                self._announced = True
                self._all_ready()

    def _signalled(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number == signal.SIGHUP:
            self._tell_all(signal.SIGHUP)
        else:
            self._stop(130 if number == signal.SIGINT else 0)

    def _reap(self) -> None:
        while self._workers:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            worker = self._workers.pop(pid)
            self._forget(pid)
            status = os.waitstatus_to_exitcode(ended)
            if self._status is not None:
                continue
            if worker.ready:
                log.error("worker %d ended with %d; another takes its place", pid, status)
                self._start()
            else:
                if status != 1:  # that is the status of one that has said why
                    log.error("worker %d ended with %d before it was ready", pid, status)
                self._stop(1)  # another would fare no better

    def _stop(self, status: int) -> None:
        if self._status is None:
            self._status = status
        self._tell_all(signal.SIGTERM)

    def _tell_all(self, number: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, number)


def _say_ready(pipe: int) -> None:
    os.write(pipe, b".")
    os.close(pipe)


def _noted(_signal: int, _frame: FrameType | None) -> None:
    """The number is in the socket that `run` reads."""
