"""The socket that the service listens on: bound early, with limits, and closed without losing a connection."""

import asyncio
import ctypes
import errno
import logging
import resource
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from nerve.service.server.unix_socket import UnixSocket, cannot_listen_on
from nerve.service.settings import Settings, StartError

# Connections that wait to be accepted.
BACKLOG = 2_048
# Connections that are accepted at a time. When no file is left, asyncio tries and fails so many times a second.
ACCEPTED_AT_ONCE = 16
SECONDS_BETWEEN_LINES = 1.0
# Before the port is closed: how often in a row its queue must be seen empty, and how long that takes, for handshakes
# under way, and for clients that have connected and not yet sent a request.
EMPTY_IN_A_ROW, POLL_SECONDS = 20, 0.01

_NO_FILE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

# A program for the kernel's packet filter, which sees what arrives at a socket, from the TCP header on: drop what
# opens a connection, let through everything else. An instruction is (code, jump if true, jump if false, operand).
_REFUSE_NEW_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFF_FFFF),  # keep
)
_SO_ATTACH_FILTER = 26
# Of a listening socket, TCP_INFO has the length of its queue in the field `tcpi_unacked`, after 8 bytes and 4
# numbers.
_QUEUE_OFFSET = 24

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
    """Bind a socket to the Unix socket of the settings, or to their host and port.

    Args:
        settings: name the path, or the host and the port.
        shared: other processes of this user may bind theirs to the same port, and the system spreads the connections
            over those that listen.

    Raises:
        StartError: if it cannot be bound.
    """
    if settings.unix_socket:
        return UnixSocket(settings.unix_socket, int(settings.unix_socket_mode, 8))
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


def refuse_new_connections(listener: socket.socket) -> bool:
    """Keep what is on its way to this socket, and let nothing new come.

    A connection that is in the socket's queue when it is closed is reset, and so is the request that it may have
    brought. Afterwards the queue can be emptied, and stays empty. To clients it is as if their first packet were
    lost: they send it again a second later, to whoever listens then. A Unix socket loses its path.

    Returns:
        Whether the system can do that.
    """
    if isinstance(listener, UnixSocket):
        listener.unlink()
        return True
    if sys.platform != "linux":
        return False
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _REFUSE_NEW_CONNECTIONS)
    memory = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HP", len(_REFUSE_NEW_CONNECTIONS), ctypes.addressof(memory))
    with suppress(OSError):  # a sandbox without packet filters
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
        return True
    return False


async def answer_last_connections(listeners: Sequence[socket.socket], seconds: float) -> None:
    """Accept whatever is in the queues of the listening sockets, and begin to answer it.

    It counts rounds of the event loop, not time: on a machine that hardly lets this process run, time passes without
    a request being read.

    Args:
        listeners: The sockets, whose connections the running event loop accepts.
        seconds: After so long it gives up on queues that never get empty.
    """
    refused = [refuse_new_connections(listener) for listener in listeners]
    if not all(refused):
        return  # the queue would never stay empty
    loop = asyncio.get_running_loop()
    late = loop.time() + max(EMPTY_IN_A_ROW * POLL_SECONDS, seconds)
    empty = 0
    while empty < EMPTY_IN_A_ROW:
        waiting = any(map(waiting_connections, listeners))
        if waiting and loop.time() >= late:
            return
        empty = 0 if waiting else empty + 1
        await asyncio.sleep(POLL_SECONDS)


def waiting_connections(listener: socket.socket) -> int:
    """How many connections wait in the queue of a listening socket; 0 where the system does not tell.

    Of a Unix socket it tells only whether there are any: 1 if so.
    """
    if isinstance(listener, UnixSocket):
        return int(listener.has_waiting_connections)
    if sys.platform != "linux":
        return 0
    information = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE_OFFSET + 4)
    (waiting,) = struct.unpack_from("I", information, _QUEUE_OFFSET)
    return int(waiting)


def cannot_listen(settings: Settings, error: OSError) -> StartError:
    """The error of a service that cannot listen on its port, or its path."""
    if settings.unix_socket:
        return cannot_listen_on(settings.unix_socket, str(error.strerror))
    return StartError(
        f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another with --port or PORT"
    )


def ready_line(listener: socket.socket) -> str:
    """The line that is printed when the service listens on this socket."""
    if isinstance(listener, UnixSocket):
        return f"nerve is ready: API at /v1/entities of the Unix socket {listener.path}, described at /docs"
    address, port = listener.getsockname()[:2]
    url = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    return f"nerve is ready: page {url}/  API {url}/v1/entities, described at {url}/docs"
