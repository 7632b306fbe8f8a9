"""`python -m nerve.service`: settings and port, then the server, each refused with one line of its own.

SIGTERM and Ctrl+C let the requests in flight finish; the process then exits with 0 and 130. With several workers this
process only looks after them (supervisor.py).
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from nerve.service.observability import logs
from nerve.service.observability.folder import METRICS_FOLDER
from nerve.service.server.listener import bound_socket, ready_line
from nerve.service.server.workers import supervise
from nerve.service.settings import Settings, StartError, read_settings


def main(arguments: Sequence[str]) -> int:
    # The first process of a container ignores a SIGTERM it has no handler for, and any other dies of a SIGHUP.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        settings = read_settings(arguments)
    except StartError as error:
        print(f"nerve: {error}", file=sys.stderr)
        return 1
    logs.configure(settings.log_format, settings.log_level)
    return _status(settings, lambda: serve(settings))


def serve(settings: Settings) -> int:
    """Answer requests until a signal says to stop, and give the exit status. Raises StartError."""
    if settings.workers > 1:
        return supervise(settings, _work)
    os.environ.pop(METRICS_FOLDER, None)
    with bound_socket(settings) as listener:
        return _answer(settings, listener, lambda: logs.announce(settings.log_format, ready_line(listener)))


def _work(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> int:
    return _status(settings, lambda: _answer(settings, listener, ready))


def _answer(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> int:
    # Not at the top: what is wrong with the settings or the port is said before the seconds that these take, and the
    # supervisor forks without them.
    from nerve.service.server.process import run

    run(settings, listener, ready)
    return 0


def _status(settings: Settings, work: Callable[[], int]) -> int:
    """The exit status of `work`; why it could not start is said in one line."""
    try:
        return work()
    except StartError as error:
        logs.announce(settings.log_format, f"nerve: {error}", logging.ERROR, sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
