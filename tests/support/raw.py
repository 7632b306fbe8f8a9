"""Bytes on a socket, for what no HTTP client sends, and the answers to them."""

import http.client
import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import httpx


class Answer(NamedTuple):
    """An answer of HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error(self) -> tuple[int, str, str]:
        """The status, code and message of an error."""
        error = json.loads(self.body)["error"]
        return self.status, error["code"], error["message"]


class Raw:
    """A connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def send(self, data: bytes) -> None:
        """Send all of `data`; a server that has closed the connection is no error."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def end(self) -> None:
        """Close the sending half."""
        self.socket.shutdown(socket.SHUT_WR)

    def answers(self) -> list[Answer]:
        """Return all answers until the server closes the connection, which it has to do."""
        received = b""
        while piece := self.socket.recv(1 << 16):
            received += piece
        return list(parsed(received))

    def ask(self, data: bytes) -> list[Answer]:
        """Send `data`; return all answers until the server closes the connection."""
        self.send(data)
        return self.answers()


@contextmanager
def raw(client: httpx.Client) -> Iterator[Raw]:
    """A connection to the server of `client`."""
    address = client.base_url.host, client.base_url.port or 0
    with socket.create_connection(address, timeout=20) as connection:
        yield Raw(connection)


class _Received(io.BytesIO):
    def makefile(self, *_: Any, **__: Any) -> "_Received":
        return self

    def close(self) -> None:
        """Stay open: there may be another answer."""


def parsed(received: bytes) -> Iterator[Answer]:
    """Parse answers to requests other than HEAD."""
    stream = _Received(received)
    while stream.tell() < len(received):
        answer = http.client.HTTPResponse(stream)  # type: ignore[arg-type]
        answer.begin()
        yield Answer(answer.status, answer.msg, answer.read())
