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
    joint: int
    """sentences of the whole batch, of which these may be one process's share"""


def shuffled(examples: Sequence[Example], size: int, seed: int) -> Iterator[TrainingBatch]:
    """All examples once, in batches of up to `size`. The same seed gives the same batches in the same order."""
    for batch in _order(examples, size, seed):
        yield _collate([examples[n] for n in batch], len(batch))


def shares(
    examples: Sequence[Example], size: int, seed: int, rank: int, count: int
) -> Iterator[TrainingBatch | None]:
    """The share that process `rank` of `count` has of each batch of `shuffled`; None where it has no sentence of it.

    A batch is sorted by length and dealt out, so that the shares take equally long.
    """
    for batch in _order(examples, size, seed):
        own = batch[rank::count]
        yield _collate([examples[n] for n in own], len(batch)) if own else None


def batch_count(examples: Sequence[Example], size: int) -> int:
    """How many batches `shuffled` gives."""
    pools, rest = divmod(len(examples), 50 * size)
    return pools * 50 + -(-rest // size)


def _order(examples: Sequence[Example], size: int, seed: int) -> list[list[int]]:
    """The numbers of the examples of each batch.

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
    return batches


def _collate(examples: Sequence[Example], joint: int) -> TrainingBatch:
    inputs = collate([example.words for example in examples])
    allowed = torch.nn.utils.rnn.pad_sequence(
        [example.allowed for example in examples], batch_first=True, padding_value=True
    )
    return TrainingBatch(inputs, allowed, joint)
