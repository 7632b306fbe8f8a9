"""Who may enter the queue, without an event loop; test_batcher.py has the same in a running queue."""

import math
from typing import Any

import pytest

from nerve.service.engine.admission import SAFETY_FACTOR, SPEED_SMOOTHING, Admission
from nerve.service.engine.job import Job
from nerve.service.engine.scheduler import Scheduler
from nerve.service.errors import DeadlineError, UnavailableError

MODEL: Any = object()


@pytest.fixture
def scheduler() -> Scheduler:
    """Its quantum is 10 tokens."""
    return Scheduler(batch_tokens=320)


@pytest.fixture
def admission(scheduler: Scheduler) -> Admission:
    """At most 1,000 tokens wait; the engine does 100 tokens a second."""
    admission = Admission(scheduler, queue_tokens=1_000)
    admission.measure(320, seconds=3.2)
    return admission


def wait(scheduler: Scheduler, *lengths: int) -> None:
    scheduler.add(Job(MODEL, [range(length) for length in lengths], math.inf, 0.0), 0.0, alone=True)


def longest_wait(admission: Admission, tokens: int) -> float:
    """The deadline, in hundredths of a second, from which on a request of this many tokens is accepted."""

    def accepted(hundredths: int) -> bool:
        try:
            admission.check(tokens, hundredths / 100)
        except UnavailableError:
            return False
        return True

    return next(hundredths / 100 for hundredths in range(10_000) if accepted(hundredths))


def test_in_an_empty_queue_a_request_waits_for_its_own_tokens(admission: Admission) -> None:
    assert longest_wait(admission, 200) == 2.0


def test_what_comes_first_counts_with_a_safety_factor(admission: Admission, scheduler: Scheduler) -> None:
    wait(scheduler, 50)
    admission.running_tokens = 30
    with pytest.raises(UnavailableError, match=r"the predicted wait is 2\.2 s; the deadline is in 2\.0 s") as refusal:
        admission.check(60, seconds_left=2.0)
    assert refusal.value.reason == "wait_too_long"
    assert longest_wait(admission, 60) == (SAFETY_FACTOR * (50 + 30) + 60) / 100


def test_of_a_document_only_as_much_comes_first_as_the_request_has_itself(
    admission: Admission, scheduler: Scheduler
) -> None:
    wait(scheduler, *[10] * 50)
    assert longest_wait(admission, 40) == (SAFETY_FACTOR * 40 + 40) / 100


def test_of_a_document_at_least_a_quantum_comes_first(admission: Admission, scheduler: Scheduler) -> None:
    wait(scheduler, *[10] * 50)
    admission.running_tokens = 300
    assert longest_wait(admission, 4) == (SAFETY_FACTOR * (300 + 10) + 4) / 100


def test_a_round_of_the_queue_may_take_an_eighth_of_the_time(admission: Admission, scheduler: Scheduler) -> None:
    for _ in range(30):
        wait(scheduler, 5)
    assert longest_wait(admission, 1) == 8 * (30 * 5 / 100)


def test_as_long_as_the_speed_is_unknown_nobody_waits_too_long(scheduler: Scheduler) -> None:
    wait(scheduler, 900)
    Admission(scheduler, queue_tokens=1_000).check(100, seconds_left=0.001)


def test_a_queue_is_full_with_the_last_token(admission: Admission, scheduler: Scheduler) -> None:
    wait(scheduler, 990)
    admission.admit(10, seconds_left=1_000)
    with pytest.raises(UnavailableError, match="990 tokens wait, 11 more were sent; the limit is 1,000") as refusal:
        admission.admit(11, seconds_left=1_000)
    assert (refusal.value.reason, refusal.value.retry_after) == ("queue_full", 10)


def test_a_check_beforehand_needs_room_for_one_token_only(admission: Admission, scheduler: Scheduler) -> None:
    wait(scheduler, 999)
    admission.check(500, seconds_left=1_000)
    wait(scheduler, 1)
    with pytest.raises(UnavailableError, match="the queue is full"):
        admission.check(500, seconds_left=1_000)


@pytest.mark.parametrize("waiting", [0, 500, 999, 1_000])
@pytest.mark.parametrize("running", [0, 300])
@pytest.mark.parametrize("seconds_left", [0.5, 5.0, 30.0, 1_000.0])
def test_the_reason_to_refuse_is_that_of_the_check(
    admission: Admission, scheduler: Scheduler, waiting: int, running: int, seconds_left: float
) -> None:
    wait(scheduler, waiting)
    admission.running_tokens = running
    try:
        admission.check(40, seconds_left)
        reason = ""
    except UnavailableError as error:
        reason = error.reason
    assert admission.reason_to_refuse(40, seconds_left) == reason


def test_announced_tokens_take_room_until_the_block_ends(admission: Admission) -> None:
    with admission.announced(600):
        with pytest.raises(UnavailableError, match="the queue is full"):
            admission.admit(401, seconds_left=1_000)
        with pytest.raises(UnavailableError, match="the queue is full"), admission.announced(401):
            pass
    admission.admit(1_000, seconds_left=1_000)


def test_a_request_that_has_been_let_in_takes_room_until_it_has_arrived(admission: Admission) -> None:
    admission.let_in(600)
    with pytest.raises(UnavailableError, match="600 tokens wait, 401 more were sent"):
        admission.admit(401, seconds_left=1_000)
    admission.arrived(600)
    admission.admit(1_000, seconds_left=1_000)


@pytest.mark.parametrize(("tokens", "longest"), [(5, 30 * 5), (30, 30 * 10)])
def test_a_request_that_has_been_let_in_has_its_turn_in_the_round(
    admission: Admission, tokens: int, longest: int
) -> None:
    for _ in range(30):
        admission.let_in(tokens)
    assert longest_wait(admission, 1) == 8 * longest / 100
    for _ in range(30):
        admission.arrived(tokens)
    assert longest_wait(admission, 1) == 1 / 100


def test_a_deadline_that_has_passed_is_refused_as_such(admission: Admission) -> None:
    with pytest.raises(DeadlineError):
        admission.admit(1, seconds_left=0)


def test_a_large_batch_moves_the_estimated_speed_by_a_fifth_of_the_difference(admission: Admission) -> None:
    admission.measure(160, seconds=0.8)
    assert admission.tokens_per_second == pytest.approx(100 + SPEED_SMOOTHING * (200 - 100))


@pytest.mark.parametrize(("tokens", "seconds"), [(159, 0.1), (320, 0.0)])
def test_a_small_batch_and_one_that_took_no_time_say_nothing_about_the_speed(
    admission: Admission, tokens: int, seconds: float
) -> None:
    admission.measure(tokens, seconds)
    assert admission.tokens_per_second == 100
