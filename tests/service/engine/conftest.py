"""What the tests of the engine leave as they found it."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """Undo what a reload does to the garbage collector: frozen objects have no referrers that others could find."""
    threshold = gc.get_threshold()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*threshold)
