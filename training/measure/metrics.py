"""Entity-level scores by seqeval: exact boundaries and label, micro-averaged.

A corpus that does not annotate a label cannot say whether a predicted name of that label is right: such predictions,
and those that touch a span whose label of ours is not known, count neither way (`comparable`).
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from nerve.model.annotation import Span
from nerve.model.archive import Archive
from nerve.model.tags import spans_of, tags_from
from nerve.training.data.corpora import Annotated, Corpus

Tags = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Percentages, 0 to 100, and how many gold entities they rest on. `labels` maps each label to its own Scores."""

    precision: float
    recall: float
    f1: float
    support: int
    labels: dict[str, "Scores"]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judged(archive: Archive, corpus: Corpus, split: str) -> tuple[list[Tags], list[Tags]]:
    """Gold and predicted tags of a split, of the names that the corpus can judge."""
    sentences = corpus.splits[split]
    predicted = archive.tags([sentence.tokens for sentence in sentences])
    pairs = [comparable(*pair, corpus.annotates) for pair in zip(sentences, predicted, strict=True)]
    return [gold for gold, _ in pairs], [tags for _, tags in pairs]


def comparable(sentence: Annotated, predicted: Tags, annotates: Sequence[str]) -> tuple[Tags, Tags]:
    """Gold and predicted tags of one sentence, of those names only that the corpus can judge."""
    length = len(sentence.tokens)
    gold = [span for span in sentence.spans if span.label in annotates]
    judged = [
        span
        for span in spans_of(predicted)
        if span.label in annotates and not any(_overlap(span, other) for other in sentence.unknown)
    ]
    return tags_from(gold, length), tags_from(judged, length)


def score(gold: Sequence[Tags], predicted: Sequence[Tags]) -> Scores:
    """seqeval's strict figures for these tag sequences."""
    table = _seqeval(gold, predicted, output_dict=True)
    labels = {name: _scores(row, {}) for name, row in table.items() if not name.endswith(" avg")}
    return _scores(table["micro avg"], labels)


def report(gold: Sequence[Tags], predicted: Sequence[Tags]) -> str:
    """seqeval's table as text."""
    if not any(spans_of(tags) for tags in (*gold, *predicted)):
        return "no names, neither gold nor predicted"  # seqeval fails on a table without rows
    return str(_seqeval(gold, predicted, output_dict=False))


def confusion(gold: Sequence[Tags], predicted: Sequence[Tags]) -> Counter[tuple[str, str]]:
    """How often a gold name (label, or `-` for none) was predicted as what, where the boundaries agree. A name found
    with other boundaries counts once as missed and once as invented."""
    counts: Counter[tuple[str, str]] = Counter()
    for gold_tags, predicted_tags in zip(gold, predicted, strict=True):
        of_gold = {(span.start, span.end): span.label for span in spans_of(gold_tags)}
        of_predicted = {(span.start, span.end): span.label for span in spans_of(predicted_tags)}
        for place in of_gold.keys() | of_predicted.keys():
            counts[of_gold.get(place, "-"), of_predicted.get(place, "-")] += 1
    return counts


def _seqeval(gold: Sequence[Tags], predicted: Sequence[Tags], *, output_dict: bool) -> Any:
    with warnings.catch_warnings():
        # A label never predicted has no precision; seqeval says so in a warning and counts 0, which is what we mean.
        warnings.simplefilter("ignore")
        return classification_report(
            [list(tags) for tags in gold],
            [list(tags) for tags in predicted],
            digits=4,
            mode="strict",
            scheme=IOB2,
            output_dict=output_dict,
            zero_division=0,
        )


def _scores(row: dict[str, float], labels: dict[str, Scores]) -> Scores:
    return Scores(
        precision=round(100 * float(row["precision"]), 2),
        recall=round(100 * float(row["recall"]), 2),
        f1=round(100 * float(row["f1-score"]), 2),
        support=int(row["support"]),
        labels=labels,
    )


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
