"""Entity-level scores by seqeval: exact boundaries and label, micro average.

A corpus that does not annotate a label cannot say whether a predicted name with that label is right. Such
predictions, and those that overlap a span of unknown label, are left out: they count neither as right nor as wrong.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from nerve.model.annotation import Span
from nerve.model.archive import Archive
from nerve.model.tags import spans_of, tags_from
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import Corpus


@dataclass(frozen=True, slots=True)
class Scores:
    """Percentages, 0 to 100, and how many gold names they rest on. `labels` maps each label to its own Scores."""

    precision: float
    recall: float
    f1: float
    support: int
    labels: dict[str, "Scores"]

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON, those of the labels inside."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """Gold and predicted names of one sentence, without those that its corpus cannot score."""

    length: int
    """in tokens"""
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]


def scored_split(archive: Archive, corpus: Corpus, split: str) -> list[ScoredSentence]:
    """Each sentence of a split as `scored` gives it."""
    sentences = corpus.splits[split]
    predicted = archive.tags([sentence.tokens for sentence in sentences])
    return [
        scored(sentence, spans_of(tags), corpus.annotates)
        for sentence, tags in zip(sentences, predicted, strict=True)
    ]


def scored(sentence: Annotated, predicted: Iterable[Span], annotates: Sequence[str]) -> ScoredSentence:
    """The names of one sentence that a corpus which annotates these labels can score."""
    return ScoredSentence(
        len(sentence.tokens),
        tuple(span for span in sentence.spans if span.label in annotates),
        tuple(
            span
            for span in predicted
            if span.label in annotates and not any(overlap(span, unknown) for unknown in sentence.unknown)
        ),
    )


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a position."""
    return one.start < other.end and other.start < one.end


def score(sentences: Sequence[ScoredSentence]) -> Scores:
    """The strict figures of seqeval, rounded to two decimals."""
    table = _seqeval(sentences, output_dict=True)
    labels = {name: _scores(row, {}) for name, row in table.items() if not name.endswith(" avg")}
    return _scores(table["micro avg"], labels)


def report(sentences: Sequence[ScoredSentence]) -> str:
    """The table of seqeval as text."""
    if not any(one.gold or one.predicted for one in sentences):
        return "no names, neither gold nor predicted"  # seqeval fails on a table without rows
    return str(_seqeval(sentences, output_dict=False))


def confusion(sentences: Iterable[ScoredSentence]) -> Counter[tuple[str, str]]:
    """How often a gold name was predicted with which label, by (gold label, predicted label); `-` is no name.

    Only names with the same boundaries are a pair: one predicted with other boundaries counts once as (label, `-`)
    and once as (`-`, label).
    """
    counts: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        gold = {(span.start, span.end): span.label for span in sentence.gold}
        predicted = {(span.start, span.end): span.label for span in sentence.predicted}
        for place in gold.keys() | predicted.keys():
            counts[gold.get(place, "-"), predicted.get(place, "-")] += 1
    return counts


def _seqeval(sentences: Sequence[ScoredSentence], *, output_dict: bool) -> Any:
    with warnings.catch_warnings():
        # A label that is never predicted has no precision; seqeval warns of that and counts 0, as we want.
        warnings.simplefilter("ignore")
        return classification_report(
            [list(tags_from(one.gold, one.length)) for one in sentences],
            [list(tags_from(one.predicted, one.length)) for one in sentences],
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
