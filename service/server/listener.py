"""The socket that the service listens on, bound before anything slow is done, and the limits of its connections."""

import asyncio
import errno
import logging
import resource
import socket
from contextlib import suppress
from typing import Any

from nerve.service.settings import Settings, StartError

# Connections that wait to be accepted.
BACKLOG = 2_048
# Connections that are accepted at a time. When no file is left, asyncio tries and fails so many times a second.
ACCEPTED_AT_ONCE = 16
SECONDS_BETWEEN_LINES = 1.0

_NO_FILE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

log = logging.getLogger(__name__)


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: each connection is a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where "unlimited" is more than the system allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def report_refused_connections(loop: asyncio.AbstractEventLoop) -> None:
    """Log a line a second while no connection can be accepted; other errors go to the handler that was set before."""
    previous = loop.get_exception_handler()
    next_line = 0.0

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal next_line
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _NO_FILE_LEFT and "socket" in context):
            (previous or asyncio.AbstractEventLoop.default_exception_handler)(loop, context)
        elif loop.time() >= next_line:
            next_line = loop.time() + SECONDS_BETWEEN_LINES
            log.error("no new connection can be accepted: %s; the limit of open files is ulimit -n", error.strerror)

    loop.set_exception_handler(handle)


def bound_socket(settings: Settings, *, shared: bool = False) -> socket.socket:
    """Bind a socket to the host and port of the settings.

    Args:
        settings: name the host and the port.
        shared: other processes of this user may bind theirs to the same port, and the system spreads the connections
            over those that listen.

    Raises:
        StartError: if it cannot be bound.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        raise cannot_listen(settings, error) from None
    return listener


def cannot_listen(settings: Settings, error: OSError) -> StartError:
    """The error of a service that cannot listen on its port."""
    return StartError(
        f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another with --port or PORT"
    )


def ready_line(listener: socket.socket) -> str:
    """The line that is printed when the service listens on this socket."""
    address, port = listener.getsockname()[:2]
    url = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    return f"nerve is ready: page {url}/  API {url}/v1/entities, described at {url}/docs"
