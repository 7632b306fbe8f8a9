"""Several sentences as tensors. `collate` makes and checks a batch; everyone else trusts it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nerve.model.vocabulary import PADDING, WordIds

BATCH_TOKENS = 4096
"""Padded tokens in a batch wherever throughput matters more than the latency of one sentence."""

GPU_BATCH_TOKENS = 65_536
"""The same on a GPU, where a step takes as long for a thousand sentences as for one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B sentences of up to L tokens over U distinct words.

    The representation of a word is computed once a batch, however often the word occurs in it. All tensors are int64;
    `lengths` stays on the CPU.
    """

    features: Tensor
    """(U, F) ids of each distinct word's categorical features"""
    characters: Tensor
    """(U, C) ids of its characters, padded with 0"""
    tokens: Tensor
    """(B, L) index of each token's word among the U; 0 where padded"""
    lengths: Tensor
    """(B) number of tokens of each sentence, at least 1"""

    def to(self, device: str) -> "Batch":
        """The same batch with all but `lengths` on `device`."""
        return Batch(self.features.to(device), self.characters.to(device), self.tokens.to(device), self.lengths)

    def rounded(self) -> "Batch":
        """The same batch with its shapes rounded up, so that there are few: oneDNN makes and keeps a kernel for each.

        More padding follows the characters. The last word is repeated, and no token refers to its copies.
        """
        words, characters = self.characters.shape
        step = 1 << max(0, words.bit_length() - 2)
        rows = torch.arange(-(-words // step) * step).clamp(max=words - 1)
        wider = nn.functional.pad(self.characters, (0, -characters % 8), value=PADDING)
        return Batch(self.features[rows], wider[rows], self.tokens, self.lengths)


def collate(sentences: Sequence[Sequence[WordIds]]) -> Batch:
    """Pad sentences into one batch.

    Raises:
        ValueError: there is no sentence, or one is empty.
    """
    if not sentences or not all(sentences):
        raise ValueError("a batch needs at least one sentence, and every sentence at least one token")
    rows: dict[WordIds, int] = {}
    longest = max(map(len, sentences))
    tokens = [
        [rows.setdefault(word, len(rows)) for word in sentence] + [0] * (longest - len(sentence))
        for sentence in sentences
    ]
    width = max(len(word.characters) for word in rows)
    return Batch(
        features=torch.tensor([word.features for word in rows]),
        characters=torch.tensor([word.characters + (PADDING,) * (width - len(word.characters)) for word in rows]),
        tokens=torch.tensor(tokens),
        lengths=torch.tensor([len(sentence) for sentence in sentences]),
    )


def by_length(lengths: Sequence[int], padded_tokens: int) -> list[list[int]]:
    """Batches of sentences of similar length: the index of every sentence, longest first.

    Args:
        lengths: tokens of each sentence.
        padded_tokens: bound of a batch, padding included; a longer sentence is a batch of its own.
    """
    batches: list[list[int]] = []
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if not batches or lengths[batches[-1][0]] * (len(batches[-1]) + 1) > padded_tokens:
            batches.append([])
        batches[-1].append(n)
    return batches
