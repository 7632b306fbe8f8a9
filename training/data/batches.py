"""Training batches: sentences of similar length together, so that little of a batch is padding."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nerve.model.batch import Batch, collate
from nerve.model.vocabulary import WordIds


@dataclass(frozen=True, slots=True)
class Example:
    """One training sentence: its words as ids, and the tags that each token may have."""

    words: tuple[WordIds, ...]
    allowed: Tensor
    """(L, T) bool; a single True in a row where the annotation is complete"""


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """What a step learns from: the sentences as the tagger reads them, and the tags that each token may have."""

    inputs: Batch
    allowed: Tensor
    """(B, L, T) bool; padding allows every tag"""


def shuffled(examples: Sequence[Example], size: int, seed: int) -> Iterator[TrainingBatch]:
    """All examples once, in batches of up to `size`. The same seed gives the same batches in the same order.

    Sentences are shuffled, sorted by length within pools of 50 batches, cut into batches, and the batches shuffled:
    a batch holds sentences of similar length, and others in each epoch.
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
    allowed = torch.nn.utils.rnn.pad_sequence(
        [example.allowed for example in examples], batch_first=True, padding_value=True
    )
    return TrainingBatch(inputs, allowed)
