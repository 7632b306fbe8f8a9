"""Precision and recall of the names that reach a score, and the score from which a wished precision is reached."""

from collections.abc import Sequence
from math import floor
from typing import NamedTuple

from nerve.model.annotation import SCORE_DIGITS
from nerve.training.measure.calibration import Outcome

LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Row(NamedTuple):
    """The names of one split that reach a score, in percent of those that are found and of those that there are."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of the two; 0 if nothing is right."""
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.recall else 0.0


def row(names: Sequence[Outcome], gold: int, level: float) -> Row:
    """The row of the names with a score of `level` or more, where gold has so many names."""
    kept = [name.right for name in names if name.confidence >= level]
    return Row(100 * sum(kept) / max(1, len(kept)), 100 * sum(kept) / max(1, gold))


def curve(names: Sequence[Outcome], gold: int) -> list[Row]:
    """A row for each of LEVELS."""
    return [row(names, gold, level) for level in LEVELS]


def least_score(names: Sequence[Outcome], precision: float) -> float | None:
    """The lowest `min_score` at which at least this share of the names is right; None if there is none.

    It has as few digits as tell the names that it keeps from those that it leaves out.
    """
    ordered = sorted(names, key=lambda name: -name.confidence)
    right, found = 0, None
    for count, name in enumerate(ordered, start=1):
        right += name.right
        below = ordered[count].confidence if count < len(ordered) else None
        if below != name.confidence and right >= precision * count:
            found = 0.0 if below is None else _between(below, name.confidence)
    return found


def _between(low: float, high: float) -> float:
    """A number above `low` and not above `high`."""
    for digits in range(2, SCORE_DIGITS + 1):
        scale = 10.0**digits
        number = floor(high * scale) / scale
        if low < number <= high:
            return number
    return high
