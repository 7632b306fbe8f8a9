"""Clients that have closed their sending half: they wait for their answer (RFC 9112, section 9.6), or are gone."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from nerve.service.server.exchange import CONTINUE, Exchange

SECONDS_BETWEEN_PROBES = 0.1

_TCP_CLOSE = 7  # of Linux


class Probe:
    """Looks whether such a client is gone, and then ends its connection.

    Only a client that is gone refuses what it is sent, and an interim answer does no harm to any other.
    """

    def __init__(self, transport: asyncio.Transport, exchange: Callable[[], Exchange | None]) -> None:
        """Look at the client of `transport`, as long as there is an exchange whose answer it may wait for."""
        self._transport = transport
        self._exchange = exchange
        self._sent = False
        self._look_later()

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(SECONDS_BETWEEN_PROBES, self._look)

    def _look(self) -> None:
        exchange = self._exchange()
        if exchange is None or self._transport.is_closing():
            return
        if _is_reset(self._transport.get_extra_info("socket")):
            self._transport.abort()
            return
        if not self._sent and not exchange.started and exchange.scope["http_version"] == "1.1":
            self._sent = True
            self._transport.write(CONTINUE)
        self._look_later()


def _is_reset(connection: Any) -> bool:
    """Return whether the other side has refused what it was sent, as far as the system says so."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    try:
        state: int = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:
        return False
    return state == _TCP_CLOSE
