"""Two taggers on the same sentences: the difference of their F1, what of it may be chance, and who is right where.

The sentences of a document are alike, so documents are drawn, not sentences: a thousand files of as many documents
are drawn with repetition, each tagger has an F1 on each of them, and the middle 95 % of the differences are the
interval. This is the paired bootstrap (Efron 1979; Koehn 2004; Berg-Kirkpatrick, Burkett and Klein 2012).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from nerve.training.measure.errors import ReadSentence
from nerve.training.measure.scores import ScoredSentence

Side = Literal["A", "B"]
"""The first tagger and the second."""

SAMPLES = 1000
FEW = 20
"""Documents, below which the interval says little."""

_MIDDLE = 0.95
_SEED = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """The F1 of two taggers in percent, and what their difference may be."""

    names: int
    """in gold"""
    first: float
    second: float
    low: float
    """The bounds of the interval of `second - first`."""
    high: float
    better: float
    """share of the samples in which the second tagger is better"""

    @property
    def points(self) -> float:
        """By how much the second tagger is better."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """What the interval tells."""
        if self.low > 0:
            return "B is better"
        if self.high < 0:
            return "A is better"
        return "the difference may be chance"


def difference(
    first: Sequence[ScoredSentence],
    second: Sequence[ScoredSentence],
    documents: Sequence[int],
    label: str | None = None,
) -> Difference:
    """Compare two taggers.

    Args:
        first: The sentences with what the first tagger says.
        second: The same sentences with what the second says.
        documents: The number of the document of each sentence, from 0.
        label: Of the names to compare; None for all.
    """
    counts = torch.cat([_counts(first, label), _counts(second, label)], dim=1)  # (N, 6)
    table = torch.zeros(max(documents, default=-1) + 1, 6, dtype=torch.float64)  # (D, 6)
    table.index_add_(0, torch.tensor(documents, dtype=torch.long), counts)
    generator = torch.Generator().manual_seed(_SEED)
    size = len(table)
    samples = torch.stack(
        [table[torch.randint(size, (size,), generator=generator)].sum(0) for _ in range(SAMPLES)]
    )  # (SAMPLES, 6)
    differences = _f1(samples[:, 3:]) - _f1(samples[:, :3])
    low, high = torch.quantile(differences, torch.tensor([0.5 - _MIDDLE / 2, 0.5 + _MIDDLE / 2], dtype=torch.float64))
    total = table.sum(0)
    return Difference(
        names=int(total[1]),
        first=float(_f1(total[:3])),
        second=float(_f1(total[3:])),
        low=float(low),
        high=float(high),
        better=float((differences > 0).double().mean()),
    )


def only_right(first: Sequence[ReadSentence], second: Sequence[ReadSentence]) -> dict[Side, list[ReadSentence]]:
    """The sentences that one tagger alone gets right, as the other one reads them, its surest errors first."""
    pairs = list(zip(first, second, strict=True))
    found: dict[Side, list[ReadSentence]] = {
        "A": [other for own, other in pairs if other.errors and not own.errors],
        "B": [own for own, other in pairs if own.errors and not other.errors],
    }
    return {side: sorted(some, key=lambda one: (-one.score, one.number)) for side, some in found.items()}


def _counts(sentences: Sequence[ScoredSentence], label: str | None) -> Tensor:
    """Right, gold and predicted names of each sentence: (N, 3)."""
    rows = []
    for sentence in sentences:
        gold = {span for span in sentence.gold if label in (None, span.label)}
        predicted = {span for span in sentence.predicted if label in (None, span.label)}
        rows.append((len(gold & predicted), len(gold), len(predicted)))
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 3)


def _f1(counts: Tensor) -> Tensor:
    """The micro F1 in percent of right, gold and predicted names: (…, 3) to (…); 0 without names."""
    right, gold, predicted = counts.unbind(-1)
    return 200 * right / (gold + predicted).clamp(min=1)
