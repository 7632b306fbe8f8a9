"""The models of a run, and what they do to the process that holds them."""

import gc

from nerve.bulk.models import Models
from nerve.bulk.settings import Settings


def test_the_garbage_collector_does_not_walk_the_models() -> None:
    gc.unfreeze()
    try:
        models = Models(Settings("en"))
        assert gc.get_freeze_count() > 100_000
        assert models.labels
    finally:
        gc.unfreeze()
