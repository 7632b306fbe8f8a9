"""Training batches: every example once, like lengths together, the same under the same seed."""

import pytest
import torch

from nerve.model.vocabulary import WordIds
from nerve.training.data.batches import Example, TrainingBatch, batch_count, shuffled


def examples(count: int) -> list[Example]:
    """The n-th has a length between 1 and 9, and n as the id of its words."""
    one_tag = torch.eye(3, dtype=torch.bool)
    lengths = [1 + n * 7 % 9 for n in range(count)]
    return [
        Example((WordIds((n + 2, 2, 2, 2), (2,)),) * length, one_tag[[n % 3] * length])
        for n, length in enumerate(lengths)
    ]


def members(batch: TrainingBatch) -> list[int]:
    """The numbers of the examples in a batch."""
    return (batch.inputs.features[batch.inputs.tokens[:, 0], 0] - 2).tolist()


@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 3, 49, 150, 151, 200, 333])
def test_every_example_comes_once_in_as_many_batches_as_announced(count: int, size: int) -> None:
    batches = [members(batch) for batch in shuffled(examples(count), size, seed=1)]
    assert sorted(n for batch in batches for n in batch) == list(range(count))
    assert len(batches) == batch_count(examples(count), size)
    assert max(map(len, batches)) <= size


def test_the_same_seed_gives_the_same_batches_and_another_seed_others() -> None:
    first, again, other = ([members(batch) for batch in shuffled(examples(90), 4, seed)] for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_of_a_batch_little_is_padding() -> None:
    padded = real = 0
    for batch in shuffled(examples(400), 8, seed=1):
        padded += batch.inputs.tokens.numel()
        real += int(batch.inputs.lengths.sum())
    assert padded < 1.1 * real


def test_what_is_known_stands_beside_its_sentence_and_padding_allows_every_tag() -> None:
    all_of_them = examples(20)
    for batch in shuffled(all_of_them, 20, seed=1):
        assert batch.allowed.shape[:2] == batch.inputs.tokens.shape
        for row, n in enumerate(members(batch)):
            length = int(batch.inputs.lengths[row])
            assert length == len(all_of_them[n].words)
            assert torch.equal(batch.allowed[row, :length], all_of_them[n].allowed)
            assert batch.allowed[row, length:].all()
