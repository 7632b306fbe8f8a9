"""Training and scoring batches: sentences of like length together, so that little of a batch is padding."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nerve.model.batch import Batch, collate
from nerve.model.vocabulary import WordIds


@dataclass(frozen=True, slots=True)
class Example:
    """One training sentence: its words as ids, and which tags each token may carry."""

    words: tuple[WordIds, ...]
    known: Tensor
    """(L, T) bool; one True a row where the annotation is complete"""


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    inputs: Batch
    known: Tensor
    """(B, L, T) bool; padding allows every tag"""


def shuffled(examples: Sequence[Example], size: int, seed: int) -> Iterator[TrainingBatch]:
    """All examples once, in batches of up to `size`. The same seed gives the same batches in the same order.

    Sentences are shuffled, sorted by length within pools of 50 batches, cut, and the batches shuffled: what shares a
    batch is of like length, and differs from epoch to epoch.
    """
    generator = random.Random(seed)
    order = list(range(len(examples)))
    generator.shuffle(order)
    batches = []
    for start in range(0, len(order), 50 * size):
        pool = sorted(order[start : start + 50 * size], key=lambda n: len(examples[n].words))
        batches += [pool[n : n + size] for n in range(0, len(pool), size)]
    generator.shuffle(batches)
    for batch in batches:
        yield _collate([examples[n] for n in batch])


def batch_count(examples: Sequence[Example], size: int) -> int:
    """How many batches `shuffled` gives."""
    pools, rest = divmod(len(examples), 50 * size)
    return pools * 50 + -(-rest // size)


def _collate(examples: Sequence[Example]) -> TrainingBatch:
    inputs = collate([example.words for example in examples])
    known = torch.nn.utils.rnn.pad_sequence(
        [example.known for example in examples], batch_first=True, padding_value=True
    )
    return TrainingBatch(inputs, known)
