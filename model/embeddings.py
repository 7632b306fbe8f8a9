"""The embeddings of a vocabulary's table: learned rows, and after them frozen rows that training does not change.

Frozen rows are the vectors of words that only a file of vectors knows. For export they are packed, 4 bits a number.
"""

from typing import Final

import torch
from torch import Tensor, nn

from nerve.model.vocabulary import PADDING, UNKNOWN

PRECISE = 36_000
"""Learned rows, the most frequent, that an archive holds in half precision; it packs the others like frozen ones."""


class LearnedRows(nn.Module):
    """Rows that training changes. The one of padding is zero and stays zero."""

    padding: Final[int] = PADDING  # a scripted method sees constants of its class, not of its file

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        bound = (3 / size) ** 0.5
        weight = torch.empty(count, size).uniform_(-bound, bound)
        weight[PADDING] = 0.0
        self.weight = nn.Parameter(weight)

    def forward(self, ids: Tensor) -> Tensor:
        """(…) -> (…, size), float32."""
        # With its gradient padding would be learned, and a word's last characters would differ beside a longer word.
        return nn.functional.embedding(ids, self.weight, padding_idx=self.padding).float()

    def quantize(self) -> None:
        """Keep the rows in half precision. They can no longer be trained."""
        self.weight = nn.Parameter(self.weight.detach().half(), requires_grad=False)


class FrozenRows(nn.Module):
    """Rows that training does not change, in float32. They are no weights: a `state_dict` does not hold them."""

    vectors: Tensor

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.register_buffer("vectors", vectors, persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """(…) -> (…, size), float32."""
        return nn.functional.embedding(rows, self.vectors)


class PackedRows(nn.Module):
    """Frozen rows in 4 bits a number, two to a byte, with a scale for each row.

    A number moves by at most a fifteenth of its row's largest. An archive so holds hundreds of thousands of rare
    words where tens of thousands would fit in half precision (docs/decisions/word-features.md has what they bring).

    Args:
        vectors: (N, size).
    """

    codes: Tensor
    scales: Tensor

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.size = vectors.shape[1]
        largest = vectors.abs().amax(1, keepdim=True).clamp_min(1e-6)
        codes = (vectors / largest * 7.5 + 7.5).round().clamp(0, 15).to(torch.uint8)
        codes = nn.functional.pad(codes, (0, self.size % 2))
        self.register_buffer("codes", codes[:, 0::2] | (codes[:, 1::2] << 4), persistent=False)
        self.register_buffer("scales", (largest / 7.5).half(), persistent=False)

    @classmethod
    def of(cls, codes: Tensor, scales: Tensor, size: int) -> "PackedRows":
        """Rows that are packed already.

        Args:
            codes: (N, ceil(size / 2)) uint8.
            scales: (N, 1) float16.
            size: width of a row.
        """
        rows = cls(torch.zeros(1, size))
        rows.codes, rows.scales = codes, scales
        return rows

    def forward(self, rows: Tensor) -> Tensor:
        """(…) -> (…, size), float32."""
        packed = self.codes[rows]
        codes = torch.stack([packed & 15, packed >> 4], dim=-1).flatten(-2)[..., : self.size]
        return (codes.float() - 7.5) * self.scales[rows].float()


class EmbeddingTable(nn.Module):
    """The embeddings of all ids of one of the vocabulary's tables.

    Args:
        strings: how many strings the table has; two more rows are for padding and unknown strings.
        size: width of an embedding.
    """

    def __init__(self, strings: int, size: int) -> None:
        super().__init__()
        self.learned = LearnedRows(strings + UNKNOWN + 1, size)
        self.frozen: FrozenRows | PackedRows | None = None

    def forward(self, ids: Tensor) -> Tensor:
        """(…) -> (…, size), float32."""
        last = self.learned.weight.shape[0] - 1
        embedded: Tensor = self.learned(ids.clamp(max=last))
        if self.frozen is not None:
            frozen = self.frozen((ids - last - 1).clamp(min=0))
            embedded = torch.where((ids <= last).unsqueeze(-1), embedded, frozen)
        return embedded

    def load_vectors(self, ids: Tensor, vectors: Tensor, frozen: Tensor) -> None:
        """Begin with pretrained vectors.

        Args:
            ids: (N) ids of learned rows that have a vector. Training goes on from it.
            vectors: (N, size), theirs.
            frozen: (M, size), the vectors of the ids after the learned rows. The optimiser does not see them, so a
                large file of vectors costs training no more than the strings that the corpora hold.
        """
        with torch.no_grad():
            self.learned.weight[ids] = vectors
        self.frozen = FrozenRows(frozen.to(self.learned.weight.device)) if len(frozen) else None

    def quantize(self) -> None:
        """Keep the first PRECISE rows in half precision and pack all others: for export, after training."""
        rare = self.learned.weight.detach()[PRECISE:]
        if len(rare):
            self.learned.weight = nn.Parameter(self.learned.weight.detach()[:PRECISE])
            rows = torch.cat([rare, self.frozen.vectors]) if isinstance(self.frozen, FrozenRows) else rare
            self.frozen = FrozenRows(rows)
        self.learned.quantize()
        if isinstance(self.frozen, FrozenRows):
            self.frozen = PackedRows(self.frozen.vectors)
