"""When a worker counts as hung: the truth table of its two counters."""

import os

import pytest

from nerve.service.server.heartbeat import SLOWEST_TOKENS_A_SECOND, Heartbeat, Part, Watch


def looks(beats: set[Part], times: int, batch_tokens: int = 2_048, hang_seconds: float = 5.0) -> list[str]:
    """What the watch says each time, of a worker that beats once and then with these parts only."""
    heartbeat = Heartbeat()
    watch = Watch(heartbeat, hang_seconds, batch_tokens)
    for part in Part:
        heartbeat.beat(part)
    said = []
    for _ in range(times):
        said.append(watch.look())
        for part in beats:
            heartbeat.beat(part)
    return said


def test_a_worker_whose_parts_both_beat_never_hangs() -> None:
    assert set(looks({Part.LOOP, Part.ENGINE}, 1_000)) == {""}


@pytest.mark.parametrize("beats", [set(), {Part.ENGINE}])
def test_a_silent_event_loop_hangs_after_the_limit(beats: set[Part]) -> None:
    assert looks(beats, 7) == ["", "", "", "", "", "", "event loop"]


def test_a_silent_engine_hangs_after_the_limit_and_the_time_of_the_slowest_batch() -> None:
    said = looks({Part.LOOP}, 100, batch_tokens=10 * SLOWEST_TOKENS_A_SECOND)
    assert said.index("engine") == 5 + 10 + 1


@pytest.mark.parametrize("batch_tokens", [2_048, 2**24])
def test_a_batch_at_the_slowest_speed_does_not_reach_the_limit(batch_tokens: int) -> None:
    seconds = batch_tokens // SLOWEST_TOKENS_A_SECOND
    assert set(looks({Part.LOOP}, seconds, batch_tokens)) == {""}


def test_a_heart_that_beats_again_has_the_whole_limit_again() -> None:
    heartbeat = Heartbeat()
    watch = Watch(heartbeat, 5, 2_048)
    for _ in range(10):
        assert [watch.look() for _ in range(5)] == [""] * 5
        for part in Part:
            heartbeat.beat(part)


def test_the_beats_of_a_forked_process_are_seen() -> None:
    heartbeat = Heartbeat()
    pid = os.fork()
    if pid == 0:
        heartbeat.beat(Part.ENGINE)
        os._exit(0)
    os.waitpid(pid, 0)
    assert [heartbeat.count(part) for part in Part] == [0, 1]
