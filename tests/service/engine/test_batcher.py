"""The batcher's contract, a test each; test_scheduler.py has the order of turns.

A window is a range: the batcher looks at nothing but its length.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nerve.service.engine.batcher import Batcher, EngineStoppedError
from nerve.service.errors import DeadlineError, EngineError, UnavailableError
from tests.support.fakes import DirectEngine, SteppedEngine

pytestmark = pytest.mark.anyio


class Echo:
    """A recognizer whose tagging of a window is the window."""

    labels = ()

    def tag(self, windows: Sequence[Any]) -> list[Any]:
        return list(windows)


ECHO = Echo()


def window(tokens: int) -> range:
    return range(tokens)


@asynccontextmanager
async def running(engine: Any, batch_tokens: int = 100, queue_tokens: int = 10_000) -> AsyncIterator[Batcher]:
    batcher = Batcher(engine, batch_tokens, queue_tokens)
    batcher.start()
    try:
        yield batcher
    finally:
        await batcher.close(within=0)


async def submitted(
    batcher: Batcher, *windows: Any, recognizer: Any = ECHO, seconds: float = 60
) -> "asyncio.Task[Any]":
    """A submission that has reached the queue."""
    deadline = asyncio.get_running_loop().time() + seconds
    task = asyncio.create_task(batcher.submit(recognizer, windows, deadline))
    # Many tests leave requests that are refused at the end: asyncio must not complain of that.
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.sleep(0)
    return task


async def test_every_window_is_answered_once_and_in_its_place() -> None:
    random.seed(1)
    requests = [
        [range(start, start + random.randint(1, 60)) for start in range(random.randint(0, 9))] for _ in range(99)
    ]
    async with running(DirectEngine()) as batcher:
        tasks = [await submitted(batcher, *windows) for windows in requests]
        assert await asyncio.gather(*tasks) == requests


async def test_a_free_engine_takes_what_waits_at_once() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(5))
        assert await engine.batch(0) == [window(5)]


async def test_what_arrives_while_the_engine_works_becomes_one_batch() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(5))
        await engine.batch(0)
        for tokens in (3, 4, 2):
            await submitted(batcher, window(tokens))
        engine.finish(0)
        assert await engine.batch(1) == [window(4), window(3), window(2)]


async def test_a_batch_is_sorted_by_length() -> None:
    engine = DirectEngine()
    async with running(engine) as batcher:
        await (await submitted(batcher, window(3), window(9), window(1), window(7)))
    assert engine.batches == [[window(9), window(7), window(3), window(1)]]


async def test_a_submission_without_windows_needs_no_engine() -> None:
    engine = DirectEngine()
    async with running(engine) as batcher:
        assert await (await submitted(batcher)) == []
    assert engine.batches == []


async def test_one_batch_runs_through_one_model() -> None:
    engine, other = SteppedEngine(), Echo()
    async with running(engine) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        await submitted(batcher, window(2))
        await submitted(batcher, window(3), recognizer=other)
        await submitted(batcher, window(4))
        engine.finish(0)
        assert await engine.batch(1) == [window(4), window(2)]
        engine.finish(1)
        assert await engine.batch(2) == [window(3)]


async def test_a_long_document_does_not_hold_up_a_short_text() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, *[window(20)] * 100)
        await engine.batch(0)
        await submitted(batcher, window(7))
        engine.finish(0)
        assert window(7) in await engine.batch(1)


async def test_while_short_texts_come_a_long_document_takes_small_batches(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine, batch_tokens=80) as batcher:
        await submitted(batcher, *[window(5)] * 100)
        assert len(await engine.batch(0)) == 16
        await submitted(batcher, window(3))
        engine.finish(0)
        assert await engine.batch(1) == [window(5), window(3)]
        engine.finish(1)
        assert len(await engine.batch(2)) == 2
        clock.advance(1.1)
        engine.finish(2)
        assert len(await engine.batch(3)) == 16


async def test_a_failed_batch_fails_all_its_requests() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        tasks = [await submitted(batcher, window(2)), await submitted(batcher, window(3))]
        engine.finish(0)
        await engine.batch(1)
        engine.fail(1, ValueError("broken"))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [EngineError, EngineError]


async def test_after_a_failed_batch_the_next_one_is_answered() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        failing = await submitted(batcher, window(1))
        await engine.batch(0)
        engine.fail(0, ValueError("broken"))
        with pytest.raises(EngineError):
            await failing
        working = await submitted(batcher, window(2))
        await engine.batch(1)
        engine.finish(1)
        assert await working == [window(2)]


async def test_an_engine_that_answers_too_few_windows_fails_the_batch() -> None:
    class Forgetful(DirectEngine):
        async def run(self, recognizer: Any, windows: Sequence[Any]) -> list[Any]:
            return (await super().run(recognizer, windows))[1:]

    async with running(Forgetful()) as batcher:
        with pytest.raises(EngineError):
            await (await submitted(batcher, window(1)))


async def test_a_failed_batch_drops_the_rest_of_its_document() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        document = await submitted(batcher, *[window(100)] * 5)
        await engine.batch(0)
        engine.fail(0, ValueError("broken"))
        with pytest.raises(EngineError):
            await document
        assert batcher.waiting_tokens == 0


async def test_a_dead_worker_fails_its_waiters() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        tasks = [await submitted(batcher, window(1)), await submitted(batcher, *[window(100)] * 2)]
        await engine.batch(0)
        engine.fail(0, EngineStoppedError("gone"))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]


async def test_a_dead_worker_turns_readiness_off_and_refuses_at_once() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        task = await submitted(batcher, window(1))
        await engine.batch(0)
        engine.fail(0, EngineStoppedError("gone"))
        await asyncio.wait([task])
        assert not batcher.alive
        with pytest.raises(UnavailableError):
            await batcher.submit(ECHO, [window(1)], 1e9)


async def test_a_cancelled_request_costs_no_compute() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        left = await submitted(batcher, window(2), window(3))
        stayed = await submitted(batcher, window(4))
        left.cancel()
        await asyncio.wait([left])
        engine.finish(0)
        assert await engine.batch(1) == [window(4)]
        engine.finish(1)
        await stayed
    assert len(engine.batches) == 2


async def test_a_request_cancelled_in_its_batch_does_not_disturb_the_others() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        left, stayed = await submitted(batcher, window(2)), await submitted(batcher, window(3))
        engine.finish(0)
        await engine.batch(1)
        left.cancel()
        engine.finish(1)
        assert await stayed == [window(3)]


async def test_a_deadline_ends_the_wait() -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        task = await submitted(batcher, window(1), seconds=0.01)
        with pytest.raises(DeadlineError):
            await task


async def test_a_request_whose_deadline_passed_costs_no_compute(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        late = await submitted(batcher, window(2), seconds=5)
        await submitted(batcher, window(3))
        clock.advance(6)
        engine.finish(0)
        assert await engine.batch(1) == [window(3)]
        with pytest.raises(DeadlineError):
            await late


async def test_a_request_whose_deadline_has_passed_already_is_refused_at_once() -> None:
    async with running(DirectEngine()) as batcher:
        with pytest.raises(DeadlineError):
            await batcher.submit(ECHO, [window(1)], asyncio.get_running_loop().time())


async def test_a_full_queue_refuses_at_once() -> None:
    async with running(SteppedEngine(), queue_tokens=100) as batcher:
        await submitted(batcher, window(100))
        await submitted(batcher, window(60))
        with pytest.raises(UnavailableError, match="the limit is 100") as refusal:
            await (await submitted(batcher, window(60)))
        assert refusal.value.retry_after >= 1


@pytest.mark.parametrize("leaves", ["answered", "cancelled"])
async def test_a_request_that_leaves_the_queue_makes_room_in_it(leaves: str) -> None:
    engine = SteppedEngine()
    async with running(engine, queue_tokens=100) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        task = await submitted(batcher, window(100))
        if leaves == "cancelled":
            task.cancel()
            await asyncio.wait([task])
        else:
            engine.finish(0)
            await engine.batch(1)
        assert batcher.waiting_tokens == 0


async def test_a_predicted_wait_over_the_deadline_is_refused_at_once(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)  # so the engine does 10 tokens a second
        await submitted(batcher, window(100))
        with pytest.raises(UnavailableError, match="predicted wait") as refusal:
            await (await submitted(batcher, *[window(100)] * 5, seconds=40))
        # 50 s for its own tokens, twice 10 s for those that come first.
        assert refusal.value.retry_after in (30, 31)


async def test_the_batch_in_the_engine_is_part_of_the_predicted_wait(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        await submitted(batcher, window(100))
        await engine.batch(1)
        with pytest.raises(UnavailableError, match="predicted wait"):
            await (await submitted(batcher, window(1), seconds=20))


async def test_of_each_waiting_request_at_most_as_many_tokens_as_the_new_one_has_come_first(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        await submitted(batcher, window(40))
        await engine.batch(1)
        for _ in range(5):
            await submitted(batcher, *[window(10)] * 5)
        batcher.check(10, seconds_left=19.1)  # a turn of 10 tokens, and twice: what runs and 5 such turns
        with pytest.raises(UnavailableError, match="predicted wait"):
            batcher.check(10, seconds_left=18.9)


async def test_a_round_of_the_queue_takes_an_eighth_of_the_time_to_a_deadline(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        await submitted(batcher, window(1))
        await engine.batch(1)
        for _ in range(10):
            await submitted(batcher, window(2), seconds=1_000)
        batcher.check(1, seconds_left=16.1)  # twenty tokens at ten a second, eight times
        with pytest.raises(UnavailableError, match=r"needs 2\.0 s .* a turn; the limit is 2\.0 s"):
            batcher.check(1, seconds_left=15.9)


async def test_a_long_document_counts_as_one_quantum_of_a_round(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        await submitted(batcher, window(100), *[window(10)] * 90, seconds=10_000)
        await engine.batch(1)
        batcher.check(1, seconds_left=21.0)


async def test_a_refusal_can_be_known_beforehand(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        batcher.check(100, seconds_left=10.1)
        with pytest.raises(UnavailableError, match="predicted wait"):
            batcher.check(100, seconds_left=9.9)
        assert batcher.waiting_tokens == 0


async def test_the_time_between_two_batches_of_a_queue_slows_the_predicted_speed(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        tasks = [await submitted(batcher, window(100)) for _ in range(2)]
        await engine.batch(0)
        clock.advance(10)
        engine.finish(0)
        await engine.batch(1)
        clock.advance(20)
        engine.finish(1)
        await asyncio.gather(*tasks)
        # 10 tokens a second, then 5, which moves the estimate by a fifth of the difference: 9.
        batcher.check(90, seconds_left=10.1)
        with pytest.raises(UnavailableError):
            batcher.check(90, seconds_left=9.9)


async def test_a_pause_says_nothing_about_the_speed(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        clock.advance(1_000)
        await run_full_batch(engine, batcher, clock, seconds=10)
        batcher.check(100, seconds_left=10.1)


async def test_texts_that_are_being_read_take_room_in_the_queue() -> None:
    async with running(SteppedEngine(), queue_tokens=100) as batcher:
        with batcher.announced(60):
            with pytest.raises(UnavailableError, match="the limit is 100"):
                await (await submitted(batcher, window(41)))
            with pytest.raises(UnavailableError, match="the limit is 100"), batcher.announced(41):
                pass
        batcher.check(100, seconds_left=1)


async def test_a_short_text_is_not_refused_for_a_long_document_before_it(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await run_full_batch(engine, batcher, clock, seconds=10)
        await submitted(batcher, *[window(20)] * 100)
        short = await submitted(batcher, window(10), seconds=5)
        assert not short.done()


async def test_small_batches_say_nothing_about_the_speed_under_load(clock: "Clock") -> None:
    engine = SteppedEngine()
    async with running(engine) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        clock.advance(10)
        engine.finish(0)
        task = await submitted(batcher, *[window(100)] * 5, seconds=40)
        await engine.batch(1)
        assert not task.done()


async def test_close_finishes_what_is_queued() -> None:
    batcher = Batcher(DirectEngine(), 100, 10_000)
    batcher.start()
    tasks = [await submitted(batcher, *[window(100)] * 3) for _ in range(3)]
    await batcher.close(within=10)
    assert [len(await task) for task in tasks] == [3, 3, 3]


async def test_close_refuses_what_is_not_finished_in_time() -> None:
    batcher = Batcher(SteppedEngine(), 100, 10_000)
    batcher.start()
    task = await submitted(batcher, window(1))
    await batcher.close(within=0.01)
    with pytest.raises(UnavailableError, match="shutting down"):
        await task


async def test_a_closed_batcher_refuses_new_windows() -> None:
    batcher = Batcher(DirectEngine(), 100, 10_000)
    batcher.start()
    await batcher.close(within=1)
    with pytest.raises(UnavailableError, match="shutting down"):
        await batcher.submit(ECHO, [window(1)], 1e9)


class Clock:
    """The running event loop's clock, which a test can advance."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    clock = Clock(loop.time)
    monkeypatch.setattr(loop, "time", clock)
    return clock


async def run_full_batch(engine: SteppedEngine, batcher: Batcher, clock: Clock, seconds: float) -> None:
    task = await submitted(batcher, window(100))
    number = len(engine.batches)
    await engine.batch(number)
    clock.advance(seconds)
    engine.finish(number)
    await task


# -- waiting for room ------------------------------------------------------------------------------------------------


async def test_there_is_room_while_half_of_the_queue_is_free() -> None:
    engine = SteppedEngine()
    async with running(engine, queue_tokens=100) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        await submitted(batcher, window(50))
        async with asyncio.timeout(10):
            await batcher.room()


async def test_whoever_waits_for_room_goes_on_when_a_batch_leaves() -> None:
    engine = SteppedEngine()
    async with running(engine, queue_tokens=100) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        await submitted(batcher, window(51))
        waiting = [asyncio.create_task(batcher.room()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        engine.finish(0)
        await engine.batch(1)
        async with asyncio.timeout(10):
            await asyncio.gather(*waiting)


async def test_whoever_waits_for_room_goes_on_when_requests_leave() -> None:
    engine = SteppedEngine()
    async with running(engine, queue_tokens=100) as batcher:
        await submitted(batcher, window(1))
        await engine.batch(0)
        leaving = await submitted(batcher, window(51))
        waiting = asyncio.create_task(batcher.room())
        await asyncio.sleep(0)
        leaving.cancel()
        async with asyncio.timeout(10):
            await waiting
