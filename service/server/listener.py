"""The socket that the service listens on; it is bound before anything slow is done."""

import socket

from nerve.service.settings import Settings, StartError


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
