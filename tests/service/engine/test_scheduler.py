"""The scheduler, without an event loop: properties of any history of a queue, and the order of turns in small ones.

A window is a range: the scheduler looks at nothing but its length.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from nerve.service.engine.job import Job, ScheduledWindow
from nerve.service.engine.scheduler import SHORT_FRACTION, SHORT_SECONDS, Scheduler

MODEL: Any = object()
OTHER_MODEL: Any = object()

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)


def job(*lengths: int, model: Any = MODEL) -> Job:
    return Job(model, [range(length) for length in lengths], math.inf, 0.0)


def queue(*jobs: Job, batch_tokens: int = 100) -> Scheduler:
    """A scheduler in which these jobs wait, none of them as a short request beside others."""
    scheduler = Scheduler(batch_tokens)
    for one in jobs:
        scheduler.add(one, 0.0, alone=True)
    return scheduler


def lengths(batch: list[ScheduledWindow]) -> list[int]:
    return [window.length for window in batch]


def fits(job: Job, batch: list[ScheduledWindow], batch_tokens: int) -> bool:
    return max(job.next_length, *lengths(batch)) * (len(batch) + 1) <= batch_tokens


# -- any history -----------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """What happens before a batch is taken: requests arrive, time passes, and perhaps one that waits leaves."""

    arrivals: list[tuple[Job, bool]]
    """With each, whether it is alone."""
    seconds: float
    leaving: int | None


class Moment(NamedTuple):
    """The scheduler after a batch has been taken from it."""

    scheduler: Scheduler
    batch: list[ScheduledWindow]
    waiting: list[Job]
    left: list[Job]


batch_bounds = st.sampled_from([1, 10, 64, 100, 640, 2_048])
requests = st.builds(
    lambda lengths, model: job(*lengths, model=model),
    st.lists(st.integers(1, 300), min_size=1, max_size=8),
    st.sampled_from([MODEL, MODEL, OTHER_MODEL]),
)
steps = st.builds(
    Step,
    st.lists(st.tuples(requests, st.booleans()), max_size=3),
    st.floats(0, 2 * SHORT_SECONDS),
    st.none() | st.integers(0, 5),
)
histories = st.lists(steps, max_size=8)


def played(batch_tokens: int, history: list[Step]) -> Iterator[Moment]:
    """Play a history, and then take as many batches as there can be at most."""
    scheduler = Scheduler(batch_tokens)
    jobs: list[Job] = []
    left: list[Job] = []
    now = 0.0
    pauses = sum(len(arrival.windows) for step in history for arrival, _ in step.arrivals)
    for step in [*history, *[Step([], 0.0, None)] * pauses]:
        for arrival, alone in step.arrivals:
            scheduler.add(arrival, now, alone=alone)
            jobs.append(arrival)
        now += step.seconds
        waiting = [job for job in jobs if job.waiting]
        if step.leaving is not None and step.leaving < len(waiting):
            left.append(waiting[step.leaving])
            scheduler.remove(left[-1])
        batch = scheduler.schedule(now)
        yield Moment(scheduler, batch, [job for job in jobs if job.waiting], left)


@repeatable
@given(batch_bounds, histories)
def test_each_window_is_taken_exactly_once(batch_tokens: int, history: list[Step]) -> None:
    moments = list(played(batch_tokens, history))
    taken = Counter((window.job, window.position) for moment in moments for window in moment.batch)
    left = moments[-1].left if moments else []
    expected = {
        (job, position)
        for step in history
        for job, _ in step.arrivals
        for position in range(len(job.windows))
        if job not in left
    }
    assert {key for key in taken if key[0] not in left} == expected
    assert set(taken.values()) <= {1}


@repeatable
@given(batch_bounds, histories)
def test_what_leaves_is_not_taken_afterwards(batch_tokens: int, history: list[Step]) -> None:
    for moment in played(batch_tokens, history):
        assert not {window.job for window in moment.batch} & set(moment.left)


@repeatable
@given(batch_bounds, histories)
def test_a_batch_stays_in_its_bound_or_is_one_window(batch_tokens: int, history: list[Step]) -> None:
    for moment in played(batch_tokens, history):
        size = lengths(moment.batch)
        assert len(size) <= 1 or max(size) * len(size) <= batch_tokens


@repeatable
@given(batch_bounds, histories)
def test_a_batch_is_of_one_model_and_sorted_by_length(batch_tokens: int, history: list[Step]) -> None:
    for moment in played(batch_tokens, history):
        assert len({id(window.job.recognizer) for window in moment.batch}) <= 1
        assert lengths(moment.batch) == sorted(lengths(moment.batch), reverse=True)


@repeatable
@given(batch_bounds, histories)
def test_what_waits_is_counted(batch_tokens: int, history: list[Step]) -> None:
    for scheduler, _, waiting, _ in played(batch_tokens, history):
        assert scheduler.waiting_requests == len(waiting)
        assert scheduler.waiting_tokens == sum(job.waiting_tokens for job in waiting)


@repeatable
@given(batch_bounds, histories)
def test_a_request_that_gets_no_turn_did_not_fit(batch_tokens: int, history: list[Step]) -> None:
    for _, batch, waiting, _ in played(batch_tokens, history):
        served = {window.job for window in batch}
        model = batch[0].job.recognizer if batch else None
        passed_over = [job for job in waiting if job.recognizer is model and job not in served]
        assert [job for job in passed_over if fits(job, batch, batch_tokens)] == []


@repeatable
@given(
    batch_bounds,
    st.lists(requests, max_size=5),
    requests,
    st.lists(st.lists(requests, max_size=2), min_size=6, max_size=6),
)
def test_no_request_is_starved(batch_tokens: int, before: list[Job], patient: Job, arrivals: list[list[Job]]) -> None:
    """Each batch serves the first of the queue and moves it to the end, so whoever comes later cannot get ahead."""
    scheduler = queue(*before, patient, batch_tokens=batch_tokens)
    served = False
    for number in range(len(before) + 1):
        for arrival in arrivals[number]:
            scheduler.add(arrival, 0.0, alone=False)
        served = served or patient in [window.job for window in scheduler.schedule(0.0)]
    assert served


# -- the order of turns ----------------------------------------------------------------------------------------------


def test_an_empty_queue_gives_no_batch() -> None:
    assert queue().schedule(0.0) == []


def test_requests_are_served_in_the_order_in_which_they_came() -> None:
    jobs = [job(40) for _ in range(5)]
    scheduler = queue(*jobs)
    order = [window.job for _ in range(3) for window in scheduler.schedule(0.0)]
    assert order == jobs


def test_who_has_used_a_quantum_goes_to_the_end_of_the_queue() -> None:
    document, sentence = job(60, 60, 60), job(50)
    scheduler = queue(document, sentence)
    assert [window.job for window in scheduler.schedule(0.0)] == [document]
    assert [window.job for window in scheduler.schedule(0.0)] == [sentence]


def test_who_has_used_a_quantum_goes_to_the_end_of_the_queue_where_the_batch_is_full_as_well() -> None:
    documents = [job(*[100] * 3), job(*[100] * 3)]
    scheduler = queue(*documents)
    order = [window.job for _ in range(4) for window in scheduler.schedule(0.0)]
    assert order == [*documents, *documents]


def test_a_window_over_the_bound_is_a_batch_by_itself() -> None:
    scheduler = queue(job(2, 50, 3), batch_tokens=10)
    assert [lengths(scheduler.schedule(0.0)) for _ in range(2)] == [[50], [3, 2]]


def test_one_batch_is_of_the_model_of_the_first_in_the_queue() -> None:
    scheduler = queue(job(2), job(3, model=OTHER_MODEL), job(4))
    assert [lengths(scheduler.schedule(0.0)) for _ in range(2)] == [[4, 2], [3]]


def test_a_text_of_two_short_sentences_has_both_in_one_turn() -> None:
    text = job(9, 11)
    scheduler = queue(text, *[job(20) for _ in range(50)], batch_tokens=640)
    assert [window.job for window in scheduler.schedule(0.0)].count(text) == 2


def test_a_request_whose_windows_did_not_all_fit_keeps_its_place_for_the_others() -> None:
    scheduler = queue(job(30), job(1, 1), job(32), job(32), job(32), batch_tokens=64)
    assert lengths(scheduler.schedule(0.0)) == [30, 1]
    assert 1 in lengths(scheduler.schedule(0.0))


def test_a_request_whose_window_did_not_fit_comes_first_in_the_next_batch() -> None:
    scheduler = queue(job(*[10] * 20), job(100))
    assert [lengths(scheduler.schedule(0.0)) for _ in range(2)] == [[10] * 10, [100]]


def test_long_documents_side_by_side_take_full_batches() -> None:
    scheduler = queue(job(*[5] * 100), batch_tokens=80)
    scheduler.add(job(*[5] * 100), 0.0, alone=False)
    assert len(scheduler.schedule(0.0)) == 16


def test_while_short_requests_come_documents_fill_an_eighth_of_a_batch() -> None:
    scheduler = queue(job(*[5] * 100), batch_tokens=80)
    scheduler.add(job(3), 0.0, alone=False)
    assert lengths(scheduler.schedule(0.0)) == [5, 3]
    assert lengths(scheduler.schedule(SHORT_SECONDS - 0.1)) == [5] * (80 // SHORT_FRACTION // 5)
    assert lengths(scheduler.schedule(SHORT_SECONDS)) == [5] * 16


def test_a_short_request_that_is_alone_does_not_make_batches_smaller() -> None:
    scheduler = queue(job(3), batch_tokens=80)
    scheduler.add(job(*[5] * 100), 0.0, alone=False)
    assert len(scheduler.schedule(0.0)) == 16


def test_a_request_that_is_removed_takes_no_part() -> None:
    leaving, staying = job(2, 3), job(4)
    scheduler = queue(leaving, staying)
    scheduler.remove(leaving)
    assert (scheduler.waiting_requests, scheduler.waiting_tokens) == (1, 4)
    assert lengths(scheduler.schedule(0.0)) == [4]


def test_a_request_that_is_removed_twice_or_after_its_last_window_counts_once() -> None:
    first, second = job(2), job(3)
    scheduler = queue(first, second)
    scheduler.remove(first)
    scheduler.remove(first)
    assert scheduler.waiting_tokens == 3
    scheduler.schedule(0.0)
    scheduler.remove(second)
    assert (scheduler.waiting_requests, scheduler.waiting_tokens) == (0, 0)
