"""`python -m nerve.service`: reads the settings, binds the port and runs the server.

What prevents the start is said in one line. On SIGTERM and Ctrl+C the requests in flight are finished first; the
process then exits with 0 and 130. With several workers this process only supervises them (server/supervisor.py).
"""

import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from nerve import streams
from nerve.service.observability import logs
from nerve.service.observability.multiprocess import join_metrics, own_metrics
from nerve.service.server.listener import bound_socket, ready_line
from nerve.service.server.worker import Worker
from nerve.service.server.workers import supervise
from nerve.service.settings import Settings, StartError, read_settings


def main(arguments: Sequence[str]) -> int:
    """Run the service with these arguments, and return the exit status."""
    # The first process of a container ignores a SIGTERM that it has no handler for, and any other dies of a SIGHUP.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        settings = read_settings(arguments)
    except StartError as error:
        streams.complain(f"nerve: {error}")
        return 1
    logs.configure(settings.log_format, settings.log_level)
    return _status(settings, lambda: serve(settings))


def serve(settings: Settings) -> int:
    """Answer requests until a signal says to stop, and return the exit status.

    Raises:
        StartError: if the service cannot start.
    """
    if settings.workers > 1:
        return supervise(settings, _work)
    own_metrics()
    with bound_socket(settings) as listener:
        return _answer(settings, listener, lambda: logs.announce(settings.log_format, ready_line(listener)))


def _work(settings: Settings, listener: socket.socket, worker: Worker) -> int:
    """Be one of several workers, in a process that has just been forked."""
    logs.configure(settings.log_format, settings.log_level)
    join_metrics()
    return _status(settings, lambda: _answer(settings, listener, lambda: None, worker))


def _answer(
    settings: Settings, listener: socket.socket, ready: Callable[[], None], worker: Worker | None = None
) -> int:
    # Not at the top: this import takes seconds. Wrong settings and a taken port are reported before it.
    from nerve.service.server.process import run

    run(settings, listener, ready, worker)
    return 0


def _status(settings: Settings, work: Callable[[], int]) -> int:
    """The exit status of `work`; if it cannot start, one line says why."""
    try:
        return work()
    except StartError as error:
        logs.announce(settings.log_format, f"nerve: {error}", logging.ERROR, sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except (MemoryError, ImportError, OSError, RuntimeError) as error:
        fact = streams.refusal(error)
        if fact is None:
            raise
        logs.announce(settings.log_format, f"nerve: {fact}", logging.ERROR, sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(streams.run("nerve", lambda: main(sys.argv[1:])))
