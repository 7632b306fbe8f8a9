"""How probable an annotation is for a tagger: the gold name that it missed, or that no name is where it saw none.

`Archive.decode` tells the probability of the names on the best path alone. Any other is a sum over the tag sequences
that agree with it, which the CRF computes as it does in training (`CRF.log_likelihood`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nerve.model.annotation import Span
from nerve.model.archive import Archive
from nerve.model.batch import BATCH_TOKENS, by_length
from nerve.model.crf import CRF
from nerve.model.tags import OUTSIDE


def probabilities(archive: Archive, asked: Sequence[tuple[Sequence[str], Tensor]]) -> list[float]:
    """The probability of each annotation, over all tag sequences of its sentence.

    Args:
        archive: The tagger.
        asked: The tokens of a sentence, and the tags that each may have: (L, T) bool.
    """
    crf = crf_of(archive)
    found = [0.0] * len(asked)
    for rows in by_length([len(tokens) for tokens, _ in asked], BATCH_TOKENS):
        with torch.inference_mode():
            emissions, lengths = archive.emissions([asked[n][0] for n in rows])
            allowed = torch.zeros(emissions.shape, dtype=torch.bool)
            for row, n in enumerate(rows):
                allowed[row, : len(asked[n][0])] = asked[n][1]
            logarithms = crf.log_likelihood(emissions, allowed.to(emissions.device), lengths)
        for n, logarithm in zip(rows, logarithms.exp().clamp(max=1.0).tolist(), strict=True):
            found[n] = logarithm
    return found


def crf_of(archive: Archive) -> CRF:
    """The archive's CRF, on its device, with all that a scripted one lacks."""
    crf = CRF(archive.metadata.tags)
    weights = archive.weights
    crf.load_state_dict({name: weights[f"crf.{name}"] for name in crf.state_dict()})
    return crf.to(archive.device)


def exactly(span: Span, length: int, tags: Sequence[str]) -> Tensor:
    """The tag sequences in which this very name is, neither shorter nor longer: (L, T) bool."""
    column = {tag: n for n, tag in enumerate(tags)}
    allowed = torch.ones(length, len(tags), dtype=torch.bool)
    allowed[span.start : span.end] = False
    allowed[span.start, column[f"B-{span.label}"]] = True
    allowed[span.start + 1 : span.end, column[f"I-{span.label}"]] = True
    allowed[span.end : span.end + 1, column[f"I-{span.label}"]] = False
    return allowed


def no_name(span: Span, length: int, tags: Sequence[str]) -> Tensor:
    """The tag sequences in which no name holds any of these tokens: (L, T) bool."""
    allowed = torch.ones(length, len(tags), dtype=torch.bool)
    allowed[span.start : span.end] = False
    allowed[span.start : span.end, list(tags).index(OUTSIDE)] = True
    return allowed
