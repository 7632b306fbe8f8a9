"""Goodput under overload, in CPU time of the service."""

import os
import time

import pytest

from bench.faults.overload import Round
from bench.faults.service_process import cpu_seconds


def test_the_share_of_the_peak_and_the_cost_of_a_refusal_follow_from_what_was_counted() -> None:
    # In ten seconds: 900 answers, which take nine of them, and 2,000 refusals, which take the rest.
    measured = Round(peak=100.0, goodput=90.0, answered=900, refused=2_000, failed=0)
    assert measured.share == 0.9
    assert measured.refusal_seconds == pytest.approx(1 / 2_000)


def test_without_refusals_a_refusal_costs_nothing() -> None:
    assert Round(100.0, 90.0, 900, 0, 0).refusal_seconds == 0


def test_the_clock_of_a_process_is_its_cpu_time() -> None:
    before = time.process_time()
    assert before <= cpu_seconds(os.getpid()) <= time.process_time()
