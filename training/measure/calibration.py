"""Whether the confidence of a name can be believed, and the temperature that makes it so.

Of the names that a tagger gives with a confidence of 0.8, four in five should be right; a trained tagger is too
confident. Dividing all scores by a temperature, fitted on dev, corrects that and changes no tag (Guo et al. 2017).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

from nerve.model.archive import Archive
from nerve.model.tagger import Tagger
from nerve.model.tags import spans_of
from nerve.training.data.corpora import Corpus
from nerve.training.measure.scores import scored

BINS = 10
"""Bins of equal width over the confidences 0 to 1."""

SURE = 0.9
"""The `min_score` for which cards state precision and recall."""

LEAST, MOST, STEPS = 0.5, 4.0, 8
"""The range of temperatures, and how often the search narrows it: to 2 parts in 100."""

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """A predicted name: the tagger's confidence, and whether gold has exactly this name."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """The names in one range of confidences: how many, their mean confidence, and the share that is right."""

    count: int
    confidence: float
    accuracy: float


def outcomes(archive: Archive, corpus: Corpus, split: str) -> list[Outcome]:
    """Every predicted name of a split that the corpus can score."""
    return [outcome for _, outcome in labelled_outcomes(archive, corpus, split)]


def labelled_outcomes(archive: Archive, corpus: Corpus, split: str) -> list[tuple[str, Outcome]]:
    """The same with the label of each name."""
    sentences = corpus.splits[split]
    decoded = archive.decode([sentence.tokens for sentence in sentences])
    found = []
    for sentence, (tags, confidences) in zip(sentences, decoded, strict=True):
        names = scored(sentence, spans_of(tags), corpus.annotates)
        found += [(span.label, Outcome(confidences[span.end - 1], span in names.gold)) for span in names.predicted]
    return found


def measured(archive: Archive, corpus: Corpus, split: str) -> dict[str, Any]:
    """What a card says about the confidences on a split, as JSON; shares in percent."""
    found = outcomes(archive, corpus, split)
    precision, share = above(found, SURE)
    return {
        "error": round(expected_error(found), 4),
        "sure_precision": round(100 * precision, 2),
        "sure_share": round(100 * share, 2),
        "bins": [[one.count, round(one.confidence, 4), round(one.accuracy, 4)] for one in bins(found)],
    }


def bins(found: Iterable[Outcome]) -> list[Bin]:
    """The reliability diagram: BINS bins, the least confident first; an empty bin holds zeros."""
    rows: list[list[Outcome]] = [[] for _ in range(BINS)]
    for outcome in found:
        rows[min(BINS - 1, int(outcome.confidence * BINS))].append(outcome)
    return [Bin(len(row), _mean([one.confidence for one in row]), _accuracy(row)) for row in rows]


def expected_error(found: Sequence[Outcome]) -> float:
    """Expected calibration error: the gap between confidence and accuracy of a bin, averaged over names.

    Naeini, Cooper and Hauskrecht 2015.
    """
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins(found)) / max(1, len(found))


def above(found: Sequence[Outcome], least: float) -> tuple[float, float]:
    """Precision of the names with a confidence of `least` or more, and the share they hold of all right predictions.

    Both are 0 where there is no such name.
    """
    kept = [one for one in found if one.confidence >= least]
    right = sum(one.right for one in found)
    return _accuracy(kept), sum(one.right for one in kept) / max(1, right)


def loss(found: Sequence[Outcome]) -> float:
    """Mean negative log-likelihood of the outcomes, in nats a name."""
    return -_mean([log(max(1e-9, one.confidence if one.right else 1.0 - one.confidence)) for one in found])


def fit_temperature(tagger: Tagger, archive: Archive, corpora: Sequence[Corpus]) -> float:
    """Scale `tagger`, which is that of `archive`, by the temperature with the least loss on dev.

    The loss is the mean over the corpora, so each counts alike.

    Returns:
        The temperature; 1 if no name is predicted on dev, since nothing can be fitted then.
    """
    current = 1.0

    def scale(temperature: float) -> None:
        nonlocal current
        tagger.scale_by_temperature(temperature / current)
        current = temperature

    def dev_loss(log_temperature: float) -> float:
        scale(exp(log_temperature))
        found = [outcomes(archive, corpus, "dev") for corpus in corpora if "dev" in corpus.splits]
        losses.append(_mean([loss(some) for some in found if some]))
        return losses[-1]

    losses: list[float] = []
    fitted = _golden_section(dev_loss, log(LEAST), log(MOST))
    temperature = round(exp(fitted), 3) if any(losses) else 1.0
    scale(temperature)
    return temperature


def _golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    """Where between `low` and `high` a function with one minimum has it."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _accuracy(found: Sequence[Outcome]) -> float:
    """The share of these names that is right."""
    return _mean([float(one.right) for one in found])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
