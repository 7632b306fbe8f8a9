"""One archive into all workers or none: what the coordinator sends, whatever the workers do."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nerve.service.engine.registry import Stamp
from nerve.service.engine.snapshot import Snapshot
from nerve.service.server.channel import Channel, Kind, Message
from nerve.service.server.rollout import Rollout
from nerve.service.settings import StartError


class Service:
    """A rollout, what it has sent to each worker, and what the supervisor keeps."""

    def __init__(self, workers: int) -> None:
        self.sent: list[tuple[int, Kind]] = []
        self.kept: list[Snapshot] = []
        self.rollout = Rollout(lambda worker, message: self.sent.append((worker, message.kind)), self.kept.append)
        for worker in range(workers):
            self.rollout.joined(worker)

    def offer(self, worker: int = 0) -> None:
        self.rollout.asked(worker)
        self.rollout.offered(worker, snapshot())

    def taken(self) -> list[tuple[int, Kind]]:
        sent, self.sent = self.sent, []
        return sent


def snapshot() -> Snapshot:
    return Snapshot(Stamp(Path("en.pt")), os.open(os.devnull, os.O_RDONLY))


def test_all_commit_when_all_have_loaded() -> None:
    service = Service(3)
    service.offer()
    assert service.taken() == [(0, Kind.TURN), (1, Kind.PREPARE), (2, Kind.PREPARE)]
    service.rollout.heard(2)
    assert service.taken() == []
    service.rollout.heard(1)
    assert sorted(service.taken()) == [(0, Kind.ACCEPTED), (1, Kind.COMMIT), (2, Kind.COMMIT)]
    assert len(service.kept) == 1


def test_one_refusal_is_a_refusal_of_all() -> None:
    service = Service(3)
    service.offer()
    service.rollout.heard(1, "no memory")
    service.taken()
    service.rollout.heard(2)
    assert sorted(service.taken()) == [(0, Kind.REJECTED), (1, Kind.ABORT), (2, Kind.ABORT)]
    assert service.kept == []


@pytest.mark.parametrize("ended", [0, 1])
def test_the_end_of_a_worker_meanwhile_is_a_refusal(ended: int) -> None:
    service = Service(3)
    service.offer()
    service.taken()
    service.rollout.ended(ended)
    for worker in {1, 2} - {ended}:
        service.rollout.heard(worker)
    assert service.kept == []
    assert {kind for _, kind in service.taken()} <= {Kind.ABORT, Kind.REJECTED}


def test_a_worker_that_becomes_ready_meanwhile_takes_part() -> None:
    service = Service(2)
    service.offer()
    service.rollout.joined(7)
    service.rollout.heard(1)
    assert service.kept == []
    service.rollout.heard(7)
    assert (7, Kind.COMMIT) in service.sent


def test_a_single_worker_accepts_at_once() -> None:
    service = Service(1)
    service.offer()
    assert service.taken() == [(0, Kind.TURN), (0, Kind.ACCEPTED)]


def test_turns_are_given_one_after_another_and_not_to_the_dead() -> None:
    service = Service(4)
    for worker in range(4):
        service.rollout.asked(worker)
    assert service.taken() == [(0, Kind.TURN)]
    service.rollout.ended(1)
    assert service.taken() == []
    service.rollout.done(0)
    assert service.taken() == [(2, Kind.TURN)]
    service.rollout.ended(2)
    assert service.taken() == [(3, Kind.TURN)]


@pytest.mark.parametrize("seed", range(200))
def test_after_any_history_all_living_workers_serve_what_is_kept(seed: int) -> None:
    chance = random.Random(seed)
    history = History(chance)
    for _ in range(60):
        history.step()
    history.finish()
    assert set(history.serving.values()) <= {history.kept}
    assert not history.preparing


class History:
    """Workers that load, refuse, die and join at random, as the supervisor would tell of them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kept = 0
        self.serving: dict[int, int] = {}
        self.preparing: dict[int, int] = {}
        self.prepared: dict[int, int] = {}
        self.turn: int | None = None
        self.asking: set[int] = set()
        self.offers = 0
        self.offering = False
        self.rollout = Rollout(self.receive, self.keep)
        for worker in range(3):
            self.join(worker)

    def receive(self, worker: int, message: Message) -> None:
        match message.kind:
            case Kind.TURN:
                self.turn = worker
            case Kind.PREPARE:
                self.preparing[worker] = self.offers
            case Kind.COMMIT:
                self.serving[worker] = self.prepared.pop(worker)
            case Kind.ABORT:
                self.prepared.pop(worker, None)
            case Kind.ACCEPTED:
                self.serving[worker] = self.offers
                self.offering = False
            case Kind.REJECTED:
                self.offering = False

    def keep(self, snapshot: Snapshot) -> None:
        snapshot.close()
        self.kept = self.offers

    def join(self, worker: int) -> None:
        self.serving[worker] = self.kept
        self.rollout.joined(worker)

    def end(self, worker: int) -> None:
        for state in (self.serving, self.preparing, self.prepared):
            state.pop(worker, None)
        self.asking.discard(worker)
        if self.turn == worker:
            self.turn, self.offering = None, False
        self.rollout.ended(worker)

    def step(self) -> None:
        worker = self.chance.choice(sorted(self.serving) or [-1])
        action = self.chance.choice(["ask", "offer", "answer", "answer", "done", "end", "join"])
        if action == "join" and len(self.serving) < 4:
            self.join(max(self.serving, default=0) + 10)
        elif action == "end" and self.chance.random() < 0.3 and worker in self.serving:
            self.end(worker)
        elif action == "ask" and worker in self.serving and worker not in self.asking:
            self.asking.add(worker)
            self.rollout.asked(worker)
        elif action == "offer" and self.turn is not None and not self.offering:
            self.offers += 1
            self.offering = True
            self.rollout.offered(self.turn, snapshot())
        elif action == "answer":
            self.answer(refuses=self.chance.random() < 0.2)
        elif action == "done" and self.turn is not None and not self.offering:
            self.done()

    def answer(self, *, refuses: bool) -> None:
        if self.preparing:
            worker = self.chance.choice(sorted(self.preparing))
            offer = self.preparing.pop(worker)
            if not refuses:
                self.prepared[worker] = offer
            self.rollout.heard(worker, "it is refused" if refuses else "")

    def done(self) -> None:
        assert self.turn is not None
        worker, self.turn = self.turn, None
        self.asking.discard(worker)
        self.rollout.done(worker)

    def finish(self) -> None:
        while self.preparing:
            self.answer(refuses=False)


@pytest.fixture
def channel() -> Iterator[tuple[Channel, Channel]]:
    ends = Channel.pair()
    yield ends
    for end in ends:
        end.close()


@pytest.mark.parametrize("path", ["/models/en.pt", "/modelle/für uns.pt", os.fsdecode(b"/models/\xff.pt")])
def test_a_snapshot_goes_through_a_channel(channel: tuple[Channel, Channel], tmp_path: Path, path: str) -> None:
    (tmp_path / "archive").write_bytes(b"content")
    taken = Snapshot.take(tmp_path / "archive")
    sent = Snapshot(taken.stamp._replace(path=Path(path)), taken.descriptor)
    channel[0].send(Message(Kind.OFFER, "a reason", sent))
    taken.close()
    received = channel[1].receive()
    assert received is not None
    assert received.snapshot is not None
    assert (received.kind, received.reason, received.snapshot.stamp) == (Kind.OFFER, "a reason", sent.stamp)
    assert received.snapshot.content.read_bytes() == b"content"
    received.snapshot.close()


def test_an_empty_channel_and_a_closed_one_have_no_message(channel: tuple[Channel, Channel]) -> None:
    assert channel[1].receive() is None
    channel[0].close()
    assert channel[1].receive() is None


def test_a_channel_that_nobody_reads_is_an_error_and_does_not_wait(channel: tuple[Channel, Channel]) -> None:
    with pytest.raises(OSError, match="unavailable"):
        send_without_end(channel[0])


def send_without_end(end: Channel) -> None:
    while True:
        end.send(Message(Kind.REFUSED, "x" * 1_000))


def test_a_snapshot_stays_as_it_was_and_cannot_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"first")
    taken = Snapshot.take(path)
    path.write_bytes(b"second")
    assert taken.content.read_bytes() == taken.content.read_bytes() == b"first"
    if hasattr(os, "memfd_create"):
        with pytest.raises(OSError, match="not permitted"):
            os.pwrite(taken.descriptor, b"x", 0)
    taken.close()


def test_a_system_without_such_memory_uses_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    path = tmp_path / "archive"
    path.write_bytes(b"first")
    taken = Snapshot.take(path)
    assert taken.content.read_bytes() == taken.content.read_bytes() == b"first"
    taken.close()


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"archive: no such file"):
        Snapshot.take(tmp_path / "archive")
    (tmp_path / "archive").mkdir()
    with pytest.raises(StartError, match=r"archive: cannot be read: Is a directory"):
        Snapshot.take(tmp_path / "archive")
