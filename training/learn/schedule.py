"""How long a training is: as many epochs as its configuration says, or as fit into its time.

The learning rate falls to 0 over all steps, so their number has to be known before the first one. With a time, it is
estimated from a few steps that are taken back, and again after each epoch: the last epoch that fits ends at 0.
"""

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from nerve.training.config import TrainingConfig
from nerve.training.data.batches import TrainingBatch
from nerve.training.learn.trainer import Epoch, Trainer

WARM_UP, MEASURED = 5, 20
"""Steps before the measurement, and steps that are measured."""

RISE = 0.5
"""Points of F1 by which the last quarter of the epochs has to beat the others, if more are worth a try."""

FEWEST = 3
"""Epochs of which that can be told."""


class Pace(NamedTuple):
    """What a training takes on this machine, in seconds."""

    step: float
    scoring: float
    """of dev, once an epoch"""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The plan of a training."""

    epochs: int
    passes: int
    """over the training sentences, in an epoch"""
    steps: int
    """in a pass"""
    seconds: float = 0.0
    """that all epochs may take; 0 for any time"""
    most: int = 0
    """epochs, of a training in time"""

    @property
    def total_steps(self) -> int:
        """The steps of all epochs."""
        return self.epochs * self.passes * self.steps

    def fitted(self, pace: Pace) -> "Schedule":
        """The schedule within its time: as many epochs of fewer passes, or fewer epochs of one pass."""
        passes = int((self.seconds / self.epochs - pace.scoring) / (pace.step * self.steps))
        if passes >= 1:
            return replace(self, passes=min(self.passes, passes))
        epochs = int(self.seconds / (pace.step * self.steps + pace.scoring))
        return replace(self, passes=1, epochs=max(1, min(self.epochs, epochs)))

    def corrected(self, history: Sequence[Epoch]) -> "Schedule":
        """The schedule with as many more epochs as fit, by how long those of the history took."""
        if not self.seconds or not history:
            return self
        took = [epoch.seconds for epoch in history]
        fit = int((self.seconds - sum(took)) / max(fmean(took), 1e-9))
        return replace(self, epochs=min(self.most, len(history) + max(0, fit)))


def planned(config: TrainingConfig, steps: int) -> Schedule:
    """The schedule of a configuration, where a pass has so many steps."""
    return Schedule(config.epochs, -(-config.epoch_steps // steps), steps, config.seconds, config.epochs)


def measured(trainer: Trainer, batches: Iterable[TrainingBatch], score: Callable[[], object]) -> Pace:
    """Take some steps and score once, to see how long they take. The trainer is left as it was.

    Args:
        trainer: The trainer.
        batches: At least WARM_UP + MEASURED batches are enough; fewer are taken again and again.
        score: Scores on dev.
    """
    state = copy.deepcopy(trainer.state())
    some = list(batches)
    begun = 0.0
    for number in range(WARM_UP + MEASURED):
        if number == WARM_UP:
            begun = time.perf_counter()
        trainer.step(some[number % len(some)])
    stepped = time.perf_counter()
    score()
    scored = time.perf_counter()
    trainer.restore(state)
    return Pace((stepped - begun) / MEASURED, scored - stepped)


def hint(history: Sequence[Epoch], schedule: Schedule) -> str:
    """What to try if dev F1 still rose at the end; empty if it did not, or if the training stopped before its end.

    The learning rate falls over all epochs, so a longer training is another one, from the beginning.
    """
    f1 = [epoch.dev_f1 for epoch in history]
    early = len(f1) - max(1, len(f1) // 4)
    if len(f1) < max(FEWEST, schedule.epochs) or max(f1[early:]) < max(f1[:early]) + RISE:
        return ""
    seconds = 2 * sum(epoch.seconds for epoch in history)
    longer = f"--time {_short(2 * schedule.seconds)}" if schedule.seconds else f"--epochs {2 * len(f1)}"
    rose = f"dev F1 still rose at the end, from {max(f1[:early]):.1f} to {max(f1[early:]):.1f}"
    return f"{rose}: {longer} may find more, and takes about {duration(seconds)}"


def duration(seconds: float) -> str:
    """A time in words, roughly."""
    if seconds < 90:
        return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _short(seconds: float) -> str:
    """A time as `--time` takes it."""
    return f"{seconds:g}s" if seconds % 60 else f"{seconds / 60:g}m"
