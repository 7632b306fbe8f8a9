"""The score for a wished precision, and precision and recall by score, on outcomes made by hand."""

import pytest

from nerve.training.measure.calibration import Outcome
from nerve.training.measure.thresholds import LEVELS, Row, curve, least_score, row

FOUND = [Outcome(0.97, True), Outcome(0.9, True), Outcome(0.81, False), Outcome(0.8, True), Outcome(0.4, False)]


@pytest.mark.parametrize(
    ("precision", "least"), [(0.0, 0.0), (0.6, 0.0), (0.7, 0.8), (0.75, 0.8), (0.8, 0.9), (1.0, 0.9)]
)
def test_it_is_the_lowest_score_with_that_precision(precision: float, least: float) -> None:
    assert least_score(FOUND, precision) == least


def test_there_may_be_none() -> None:
    assert least_score([Outcome(0.9, False)], 0.5) is None
    assert least_score([], 0.5) is None


def test_names_with_the_same_score_are_kept_or_left_out_together() -> None:
    assert least_score([Outcome(0.9, True), Outcome(0.9, False)], 0.95) is None


def test_it_has_as_many_digits_as_it_needs() -> None:
    assert least_score([Outcome(0.912345, True), Outcome(0.9121, False)], 1.0) == 0.9123


def test_a_row_counts_the_names_from_its_score_on() -> None:
    assert row(FOUND, 4, 0.8) == Row(75.0, 75.0)
    assert [one.recall for one in curve(FOUND, 4)] == [row(FOUND, 4, level).recall for level in LEVELS]
