"""The socket that the service listens on: it is bound before anything slow is done, and closed without a loss."""

import ctypes
import socket
import struct
import sys
from contextlib import suppress

from nerve.service.settings import Settings, StartError

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


def refuse_new_connections(listener: socket.socket) -> bool:
    """Keep what is on its way to this socket, and let nothing new come.

    A connection that is in the socket's queue when it is closed is reset, and so is the request that it may have
    brought. Afterwards the queue can be emptied, and stays empty. To clients it is as if their first packet were
    lost: they send it again a second later, to whoever listens then.

    Returns:
        Whether the system can do that.
    """
    if sys.platform != "linux":
        return False
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _REFUSE_NEW_CONNECTIONS)
    memory = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HP", len(_REFUSE_NEW_CONNECTIONS), ctypes.addressof(memory))
    with suppress(OSError):  # a sandbox without packet filters
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
        return True
    return False


def waiting_connections(listener: socket.socket) -> int:
    """How many connections wait in the queue of a listening socket; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    information = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE_OFFSET + 4)
    (waiting,) = struct.unpack_from("I", information, _QUEUE_OFFSET)
    return int(waiting)


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
