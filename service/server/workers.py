"""Several processes that answer on one port, and their supervisor, which starts them and answers nothing itself.

The supervisor forks before anything imports torch or the web framework, so each worker is a service of its own, with
its own threads. It waits for the first worker before it starts the others, so that an archive that cannot be served
is reported once. Later, a worker that dies is replaced. Signals are passed on: SIGTERM and SIGINT end all workers,
SIGHUP reloads in each.
"""

import logging
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from nerve.service.observability import logs
from nerve.service.observability.multiprocess import forget_process, shared_metrics
from nerve.service.server.listener import bound_socket, ready_line
from nerve.service.settings import Settings, StartError

log = logging.getLogger(__name__)

Ready = Callable[[], None]


def supervise(settings: Settings, work: Callable[[Settings, socket.socket, Ready], int]) -> int:
    """Run as many workers as the settings say, until a signal says to stop.

    Args:
        settings: of the service.
        work: runs in each worker, with a socket of its own and what to call when it listens; returns its exit status.

    Returns:
        The exit status of the whole.

    Raises:
        StartError: if the port is taken, or there is no place for the workers' metrics.
    """
    # The first socket finds out whether another service has the port; the second one reserves it, without listening.
    with bound_socket(settings) as taken:
        settings = settings.model_copy(update={"port": taken.getsockname()[1]})
    with ExitStack() as stack:
        reserved = stack.enter_context(bound_socket(settings, shared=True))
        try:
            folder = stack.enter_context(shared_metrics())
        except OSError as error:
            raise StartError(f"several workers need a folder for their metrics: {error.strerror}") from None

        def worker(ready: Ready) -> int:
            with bound_socket(settings, shared=True) as listener:
                return work(settings, listener, ready)

        def announce() -> None:
            logs.announce(settings.log_format, ready_line(reserved))

        return Supervisor(settings.workers, worker, announce, lambda pid: forget_process(pid, folder)).run()


@dataclass
class _Worker:
    pipe: int
    ready: bool = False


class Supervisor:
    """Starts workers, replaces those that die, and passes signals on.

    Args:
        count: of workers.
        work: runs in each worker, calls its argument when it answers, and returns an exit status.
        all_ready: is called once, when all workers are ready for the first time.
        forget: is called with the process id of each worker that has ended.
    """

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
        """Run until every worker has ended, and return the exit status of the whole."""
        signals, wakeup = socket.socketpair()
        wakeup.setblocking(False)
        signal.set_wakeup_fd(wakeup.fileno())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, _leave_to_run)
        self._selector.register(signals, selectors.EVENT_READ)
        self._start()
        try:
            while self._status is None or self._workers:
                for key, _ in self._selector.select():
                    if key.fileobj is signals:
                        for byte in signals.recv(4_096):
                            self._signalled(byte)
                    else:
                        self._read_pipe(key.fd, key.data)
        finally:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            signals.close()
            wakeup.close()
        return self._status

    def _start(self) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become_worker(writing)
        os.close(writing)
        self._workers[pid] = _Worker(reading)
        self._selector.register(reading, selectors.EVENT_READ, self._workers[pid])

    def _become_worker(self, ready_pipe: int) -> NoReturn:
        """Work in the new process, which must never return into the code above."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
            self._selector.close()
            status = self._work(lambda: _say_ready(ready_pipe))
        except SystemExit as ended:  # after SIGTERM
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            logging.shutdown()  # writes the lines that are queued
            os._exit(status)

    def _read_pipe(self, pipe: int, worker: _Worker) -> None:
        """Note that a worker is ready, or has ended."""
        worker.ready = os.read(pipe, 1) == b"."
        self._selector.unregister(pipe)
        os.close(pipe)
        if not worker.ready or self._status is not None:
            return
        if not self._announced:
            while len(self._workers) < self._count:
                self._start()
            if all(worker.ready for worker in self._workers.values()):
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
                if status != 1:  # with 1 a worker ends that has said why
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


def _leave_to_run(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number is in the socket that `run` reads."""
