"""How many epochs fit into a time, when a longer training is worth a try, and that measuring changes nothing."""

import pytest
import torch

from nerve.training.config import TrainingConfig
from nerve.training.data.batches import shuffled
from nerve.training.learn.schedule import Pace, Schedule, duration, hint, measured, planned
from nerve.training.learn.trainer import Epoch
from tests.support.toy_corpus import tiny_tagger, tiny_trainer

FULL = Schedule(epochs=12, passes=10, steps=50, seconds=0.0, most=12)


def curve(*f1: float, seconds: float = 10.0) -> list[Epoch]:
    return [Epoch(1.0, one, 1000.0, seconds) for one in f1]


def test_without_a_time_the_configuration_says_how_long_it_is() -> None:
    schedule = planned(TrainingConfig(epochs=12, epoch_steps=480), 50)
    assert schedule == FULL
    assert schedule.total_steps == 6000
    assert schedule.corrected(curve(1.0, 2.0)) == schedule


@pytest.mark.parametrize(
    ("seconds", "epochs", "passes"),
    [
        (3600.0, 12, 10),  # all of it takes 612 s
        (612.0, 12, 10),
        (311.0, 12, 4),  # an epoch takes 1 s for dev and 5 s for each pass: 25.9 s are four passes and 4.9 s
        (72.0, 12, 1),
        (71.0, 11, 1),
        (6.0, 1, 1),
        (1.0, 1, 1),
    ],
)
def test_the_schedule_that_fits_has_shorter_epochs_and_then_fewer(seconds: float, epochs: int, passes: int) -> None:
    config = TrainingConfig(epochs=12, epoch_steps=500, time=f"{seconds}s")
    fitted = planned(config, 50).fitted(Pace(step=0.1, scoring=1.0))
    assert (fitted.epochs, fitted.passes) == (epochs, passes)
    assert fitted.total_steps == epochs * passes * 50


@pytest.mark.parametrize(
    ("took", "epochs"),
    [
        ([], 8),  # as planned
        ([14.0], 8),
        ([12.0], 10),
        ([10.0], 12),
        ([1.0], 12),  # and no more than the configuration says
        ([10.0] * 6, 12),
        ([12.0] * 6, 10),  # 48 of 120 s are left
        ([30.0] * 3, 4),
        ([50.0] * 2, 2),  # not another one of 50 s in 20 s
        ([200.0], 1),
    ],
)
def test_the_epochs_are_those_that_fit_by_how_long_the_first_ones_took(took: list[float], epochs: int) -> None:
    schedule = Schedule(epochs=8, passes=1, steps=50, seconds=120.0, most=12)
    history = [Epoch(1.0, 50.0, 1000.0, seconds) for seconds in took]
    assert schedule.corrected(history).epochs == epochs


def test_measuring_leaves_the_trainer_as_it_was() -> None:
    torch.manual_seed(1)
    tagger, _, examples = tiny_tagger(dropout=0.5)
    trainer = tiny_trainer(tagger)
    trainer.step(next(shuffled(examples, 4, seed=1)))
    before = {name: weight.clone() for name, weight in tagger.state_dict().items()}
    random = torch.get_rng_state()
    scored: list[int] = []
    pace = measured(trainer, shuffled(examples, 8, seed=1), lambda: scored.append(trainer.step_count))
    assert pace.step > 0
    assert scored == [26]
    assert trainer.step_count == 1
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(weight, before[name]) for name, weight in tagger.state_dict().items())
    with trainer.averaged() as averaged:
        average = {name: weight.clone() for name, weight in averaged.state_dict().items()}
    trainer.step(next(shuffled(examples, 4, seed=2)))

    torch.manual_seed(1)
    tagger, _, examples = tiny_tagger(dropout=0.5)
    other = tiny_trainer(tagger)
    other.step(next(shuffled(examples, 4, seed=1)))
    with other.averaged() as averaged:
        assert all(torch.equal(weight, average[name]) for name, weight in averaged.state_dict().items())
    other.step(next(shuffled(examples, 4, seed=2)))
    after = trainer.tagger.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in other.tagger.state_dict().items())


@pytest.mark.parametrize(
    ("f1", "rises"),
    [
        ((70.0, 74.0, 75.0, 76.0), True),
        ((70.0, 75.0, 76.0, 76.3), False),  # by less than half a point
        ((70.0, 76.0, 75.0, 75.0), False),
        ((70.0, 71.0, 72.0, 72.0, 72.0, 72.0, 73.0, 72.0), True),  # in the last quarter
        ((70.0, 72.0), False),  # too few to tell
        ((70.0, 72.0, 74.0), False),  # stopped before its end
    ],
)
def test_a_longer_training_is_proposed_where_dev_still_rose(f1: tuple[float, ...], rises: bool) -> None:
    schedule = Schedule(epochs=max(4, len(f1)) if len(f1) > 2 else 2, passes=1, steps=50)
    assert bool(hint(curve(*f1), schedule)) == rises


def test_the_hint_says_what_to_give_and_how_long_it_takes() -> None:
    assert hint(curve(70.0, 74.0, 75.0, 76.0), Schedule(4, 1, 50)) == (
        "dev F1 still rose at the end, from 75.0 to 76.0: --epochs 8 may find more, and takes about 80 seconds"
    )
    assert hint(curve(70.0, 74.0, 75.0, 76.0), Schedule(4, 1, 50, 90.0)).startswith(
        "dev F1 still rose at the end, from 75.0 to 76.0: --time 3m may find more,"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.0, "1 second"), (80.0, "80 seconds"), (420.0, "7 minutes"), (9000.0, "2.5 hours")],
)
def test_a_duration_is_said_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
