"""Brings a new archive into all workers or none: two-phase commit (Gray 1978), with the supervisor as coordinator.

One worker at a time has the turn to reload. It loads the archive from disk and offers a snapshot of it. All others
load the snapshot beside what they serve. When all have, all replace their models, and the snapshot is what later
workers start with. If one refuses or ends meanwhile, nothing changes anywhere.

There is no socket here and no process: the supervisor says what has happened, and sends what it is told to send.
"""

from collections import deque
from collections.abc import Callable

from nerve.service.engine.snapshot import Snapshot
from nerve.service.server.channel import Kind, Message


class Rollout:
    """The state of the reload that runs, if there is one. Workers are named by their process ids.

    Args:
        send: sends a message to a worker.
        keep: is called with a snapshot that all workers are about to serve, which it has to close some day.
    """

    def __init__(self, send: Callable[[int, Message], None], keep: Callable[[Snapshot], None]) -> None:
        self._send = send
        self._keep = keep
        self._turns: deque[int] = deque()
        self._workers: set[int] = set()
        self._offered: Snapshot | None = None
        self._others: set[int] = set()
        self._unheard: set[int] = set()
        self._reason = ""

    def joined(self, worker: int) -> None:
        """A worker has become ready. If a reload runs, it takes part in it."""
        self._workers.add(worker)
        if self._offered is not None:
            self._prepare(worker, self._offered)

    def asked(self, worker: int) -> None:
        """A worker would like to reload."""
        self._turns.append(worker)
        if self._turns[0] == worker:
            self._send(worker, Message(Kind.TURN))

    def offered(self, worker: int, snapshot: Snapshot) -> None:
        """The worker whose turn it is has loaded this."""
        self._offered, self._reason = snapshot, ""
        for other in self._workers - {worker}:
            self._prepare(other, snapshot)
        self._decide()

    def heard(self, worker: int, refusal: str = "") -> None:
        """A worker has loaded what was offered, or refuses it."""
        self._reason = self._reason or refusal
        self._unheard.discard(worker)
        self._decide()

    def done(self, worker: int) -> None:
        """A worker has finished its reload."""
        if self._turns and self._turns[0] == worker and self._offered is None:
            self._turns.popleft()
            if self._turns:
                self._send(self._turns[0], Message(Kind.TURN))

    def ended(self, worker: int) -> None:
        """A worker has ended, for whatever reason."""
        self._workers.discard(worker)
        if worker in self._turns and worker != self._turns[0]:
            self._turns.remove(worker)
        if self._offered is not None and (worker in self._others or worker == self._turns[0]):
            self._others.discard(worker)
            self.heard(worker, "a worker ended while it was reloaded")
        self.done(worker)

    def _prepare(self, worker: int, snapshot: Snapshot) -> None:
        self._others.add(worker)
        self._unheard.add(worker)
        self._send(worker, Message(Kind.PREPARE, snapshot=snapshot))

    def _decide(self) -> None:
        # Not before all have been heard, so that no late answer is taken for one about the next offer.
        if self._offered is None or self._unheard:
            return
        snapshot, self._offered = self._offered, None
        others, self._others = self._others, set()
        first = self._turns[0]
        if self._reason:
            snapshot.close()
        else:
            self._keep(snapshot)
        for other in others:
            self._send(other, Message(Kind.ABORT if self._reason else Kind.COMMIT))
        if first in self._workers:
            self._send(first, Message(Kind.REJECTED if self._reason else Kind.ACCEPTED, self._reason))
        else:
            self.done(first)
