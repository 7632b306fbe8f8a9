"""The collector, after the models are there."""

import gc
from collections.abc import Iterator

import pytest

from nerve.service.engine import memory as heap


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_is_there_is_not_walked_again() -> None:
    model = [[] for _ in range(1_000)]
    heap.settle()
    assert gc.get_freeze_count() > len(model)
    assert not any(kept is model for kept in gc.get_objects())


def test_what_went_meanwhile_is_given_back_at_the_next_call() -> None:
    class Model: ...

    model = Model()
    model.itself = model  # type: ignore[attr-defined]
    heap.settle()
    kept = gc.get_freeze_count()
    del model
    heap.settle()
    assert not any(isinstance(found, Model) for found in gc.get_referrers(Model))
    assert kept
