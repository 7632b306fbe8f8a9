"""How far the confidence of a name can be believed, and the one number that mends it.

Of the names that a tagger gives with a confidence of 0.8, four in five should be right; a trained tagger is surer.
Dividing all scores by a temperature, fitted on dev, mends that and changes no tag (Guo et al. 2017).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

from nerve.model.archive import Archive
from nerve.model.tagger import Tagger
from nerve.model.tags import spans_of
from nerve.training.data.corpora import Corpus
from nerve.training.measure.metrics import comparable

BINS = 10
"""Of equal width; a name falls into the one of its confidence."""

SURE = 0.9
"""The `min_score` that cards state precision and recall at."""

LEAST, MOST, STEPS = 0.5, 4.0, 8
"""The temperatures that are tried, and how often their range is cut: to 2 parts in 100."""

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """A predicted name: how sure the tagger was, and whether gold has exactly this name."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """The names of one range of confidences. Of `count` names, at `confidence` on average, `accuracy` were right."""

    count: int
    confidence: float
    accuracy: float


def outcomes(archive: Archive, corpus: Corpus, split: str) -> list[Outcome]:
    """Every predicted name of a split that the corpus can judge."""
    sentences = corpus.splits[split]
    found = []
    for sentence, (tags, confidences) in zip(
        sentences, archive.decode([one.tokens for one in sentences]), strict=True
    ):
        gold, predicted = (set(spans_of(some)) for some in comparable(sentence, tags, corpus.annotates))
        found += [Outcome(confidences[span.end - 1], span in gold) for span in sorted(predicted)]
    return found


def measured(archive: Archive, corpus: Corpus, split: str) -> dict[str, Any]:
    """What a card says of the confidences on a split, as JSON; shares in percent."""
    found = outcomes(archive, corpus, split)
    precision, kept = above(found, SURE)
    return {
        "error": round(expected_error(found), 4),
        "sure_precision": round(100 * precision, 2),
        "sure_share": round(100 * kept, 2),
        "bins": [[one.count, round(one.confidence, 4), round(one.accuracy, 4)] for one in bins(found)],
    }


def bins(found: Iterable[Outcome]) -> list[Bin]:
    """The reliability diagram: BINS bins, the least confident first; an empty one has zeros."""
    rows: list[list[Outcome]] = [[] for _ in range(BINS)]
    for one in found:
        rows[min(BINS - 1, int(one.confidence * BINS))].append(one)
    return [
        Bin(len(row), _mean([one.confidence for one in row]), _mean([float(one.right) for one in row]))
        for row in rows
    ]


def expected_error(found: Sequence[Outcome]) -> float:
    """Expected calibration error: how far confidence and accuracy of a bin lie apart, the mean over names (Naeini,
    Cooper and Hauskrecht 2015)."""
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins(found)) / max(1, len(found))


def above(found: Sequence[Outcome], least: float) -> tuple[float, float]:
    """Of the names with a confidence of `least` or more: the share that is right; and their share of all right names
    that were found. 0 where there is none."""
    kept = [one for one in found if one.confidence >= least]
    right = sum(one.right for one in found)
    return _share(kept), sum(one.right for one in kept) / max(1, right)


def loss(found: Sequence[Outcome]) -> float:
    """Mean negative log-likelihood of what came out, in nats a name."""
    return -_mean([log(max(1e-9, one.confidence if one.right else 1.0 - one.confidence)) for one in found])


def cool(tagger: Tagger, archive: Archive, corpora: Sequence[Corpus]) -> float:
    """Give `tagger`, which is that of `archive`, the temperature at which dev is least surprising, each corpus
    counting alike. Returns it; 1 where no name is predicted on dev, so that there is nothing to tell it by."""
    current = 1.0

    def surprise(temperature: float) -> float:
        nonlocal current
        tagger.cool(temperature / current)
        current = temperature
        found = [outcomes(archive, corpus, "dev") for corpus in corpora if "dev" in corpus.splits]
        return _mean([loss(some) for some in found if some])

    low, high = log(LEAST), log(MOST)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = surprise(exp(left)), surprise(exp(right))
    for _ in range(STEPS):  # golden-section search: surprise has one minimum
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = surprise(exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = surprise(exp(right))
    best = round(exp((low + high) / 2), 3) if at_left or at_right else 1.0
    tagger.cool(best / current)
    return best


def _share(found: Sequence[Outcome]) -> float:
    """Of these names the share that is right."""
    return _mean([float(one.right) for one in found])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
