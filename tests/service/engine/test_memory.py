"""The garbage collector, after the models have been loaded."""

import gc
import weakref

from nerve.service.engine.memory import GarbageCollectorPause, free_replaced, freeze_garbage_collector


def test_what_exists_is_not_walked_again() -> None:
    model = [[] for _ in range(1_000)]
    freeze_garbage_collector()
    assert gc.get_freeze_count() > len(model)
    assert not any(kept is model for kept in gc.get_objects())


def test_what_was_replaced_is_freed_when_it_is_asked_for() -> None:
    class Model: ...

    model = Model()
    model.itself = model  # type: ignore[attr-defined]
    freeze_garbage_collector()
    alive = weakref.ref(model)
    del model
    gc.collect()
    freeze_garbage_collector()
    assert alive() is not None
    free_replaced()
    assert alive() is None


def test_the_collector_runs_again_when_the_last_of_overlapping_pauses_ends() -> None:
    pause = GarbageCollectorPause()
    states = [gc.isenabled()]
    with pause:
        states.append(gc.isenabled())
        with pause:
            states.append(gc.isenabled())
        states.append(gc.isenabled())
    states.append(gc.isenabled())
    assert states == [True, False, False, False, True]
