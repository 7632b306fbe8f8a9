"""What the supervisor and a worker say to each other: short messages, some of which carry a file.

worker      READY, ASK                      it answers; it would like to reload
supervisor  TURN                            it may
worker      OFFER snapshot                  it has loaded this, and offers it to all
supervisor  PREPARE snapshot                to all others: load it
worker      PREPARED or REFUSED reason      it has, or it cannot
supervisor  ACCEPTED or REJECTED reason     to the worker that offered: all serve it, or none does
supervisor  COMMIT or ABORT                 to the others
worker      DONE                            the next may reload
supervisor  LOOK                            look at all archives, because of a SIGHUP
"""

import json
import socket
import sys
from enum import StrEnum, auto
from pathlib import Path
from typing import NamedTuple, Self

from nerve.service.engine.registry import Stamp
from nerve.service.engine.snapshot import Snapshot

LONGEST_REASON = 2_000
LONGEST_MESSAGE = 1 << 16
# Both keep messages apart; macOS knows only the second.
KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


class Kind(StrEnum):
    """What a message means."""

    READY = auto()
    ASK = auto()
    TURN = auto()
    OFFER = auto()
    PREPARE = auto()
    PREPARED = auto()
    REFUSED = auto()
    ACCEPTED = auto()
    REJECTED = auto()
    COMMIT = auto()
    ABORT = auto()
    DONE = auto()
    LOOK = auto()


class Message(NamedTuple):
    """A message. Whoever receives a snapshot has to close it."""

    kind: Kind
    reason: str = ""
    snapshot: Snapshot | None = None


class Channel:
    """One end of the connection between the supervisor and a worker. Neither end waits for the other."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        end.setblocking(False)

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Both ends of a new connection."""
        one, other = socket.socketpair(socket.AF_UNIX, KIND)
        return cls(one), cls(other)

    def fileno(self) -> int:
        """The descriptor to wait for messages with."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            OSError: if the other end is closed, or has not read for long.
        """
        stamp = None
        descriptors = []
        if message.snapshot is not None:
            stamp = [str(message.snapshot.path), *message.snapshot.stamp[1:]]
            descriptors = [message.snapshot.descriptor]
        content = json.dumps([message.kind, message.reason[:LONGEST_REASON], stamp])
        socket.send_fds(self._socket, [content.encode()], descriptors)

    def receive(self) -> Message | None:
        """The next message, or None if there is none, or the other end is closed."""
        try:
            content, descriptors, _, _ = socket.recv_fds(self._socket, LONGEST_MESSAGE, 1)
        except OSError:
            return None
        if not content:
            return None
        kind, reason, stamp = json.loads(content)
        snapshot = Snapshot(Stamp(Path(stamp[0]), *stamp[1:]), descriptors[0]) if stamp else None
        return Message(Kind(kind), reason, snapshot)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
