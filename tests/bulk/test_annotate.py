"""How many records are read ahead of their results: enough for full batches, which on a GPU are larger."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from nerve.bulk.annotate import CHARACTERS_A_TOKEN, annotate
from nerve.bulk.models import Models
from nerve.bulk.record import Record


class Counting(Models):
    """Models that find nothing, and count the texts that they are given at once."""

    def __init__(self, batch_tokens: int) -> None:
        self.batch_tokens = batch_tokens
        self.counts: list[int] = []

    def tag(self, sources: Sequence[Any]) -> list[Any]:
        self.counts.append(len(sources))
        return [None] * len(sources)


@pytest.mark.parametrize("batch_tokens", [10, 100])
def test_a_chunk_has_characters_in_proportion_to_the_models_batches(batch_tokens: int) -> None:
    def records() -> Iterator[Record]:
        for _ in range(250):
            yield Record("x" * CHARACTERS_A_TOKEN)

    models = Counting(batch_tokens)
    assert len(list(annotate(records(), models))) == 250
    assert models.counts[:-1] == [batch_tokens] * (len(models.counts) - 1)
