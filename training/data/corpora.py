"""Corpora as the loss sees them: sentences and, for each token, the tags that agree with the annotation.

Corpora annotate different labels. Where a corpus does not annotate dates, its `O` says nothing about dates: the token
may be `O`, `B-DATE` or `I-DATE`, and the CRF sums over all tag sequences that agree with that (Tsuboi et al. 2008).
So one tagger learns each label from the corpora that annotate it, and no corpus teaches it that the names of others
are not names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import labels_of, spans_of
from nerve.model.tokenizer import tokenize
from nerve.model.vocabulary import Vocabulary
from nerve.training.config import OUTSIDE, UNKNOWN, ConfigError, CorpusConfig
from nerve.training.data import datasets, guideline
from nerve.training.data.annotated import Annotated
from nerve.training.data.batches import Example
from nerve.training.data.division import divided
from nerve.training.data.formats import read as read_file
from nerve.training.data.recasing import recased


@dataclass(frozen=True)
class Corpus:
    """A corpus in our labels, with the splits that it has."""

    name: str
    licence: str
    annotates: tuple[str, ...]
    splits: dict[str, tuple[Annotated, ...]]

    def restricted(self, labels: Sequence[str]) -> "Corpus":
        """The corpus as one that annotates only these of its labels."""
        return replace(self, annotates=tuple(label for label in self.annotates if label in labels))

    def with_dev_in_train(self) -> "Corpus":
        """The corpus with the sentences of dev at the end of train, and no dev."""
        splits = {**self.splits, "train": self.splits["train"] + self.splits.get("dev", ())}
        return replace(self, splits={name: some for name, some in splits.items() if name != "dev"})

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its names and those that it annotates throughout, sorted."""
        marked = {span.label for sentences in self.splits.values() for one in sentences for span in one.spans}
        return tuple(sorted(marked | set(self.annotates)))

    @property
    def scored(self) -> tuple[str, ...]:
        """The splits to score: all but train."""
        return tuple(split for split in self.splits if split != "train")

    @property
    def summary(self) -> str:
        """The splits in one line: `train 3,394 sentences with 1,975 names, dev …`."""
        return ", ".join(
            f"{split} {len(sentences):,} sentences with {sum(len(one.spans) for one in sentences):,} names"
            for split, sentences in self.splits.items()
        )

    def to_json(self) -> dict[str, Any]:
        """What an archive and its model card say about the corpus."""
        return {"name": self.name, "licence": self.licence, "annotates": list(self.annotates), "size": self.summary}


def load(
    config: CorpusConfig, labels: Sequence[str], data_dir: Path | None, splits: Sequence[str] = datasets.SPLITS
) -> Corpus:
    """Read a corpus and map its labels to ours.

    Args:
        config: Which corpus, and how its labels are mapped.
        labels: Our labels; if empty, those that the corpus has after mapping.
        data_dir: A folder with the published files of datasets; without it they are downloaded.
        splits: The splits to read; those that the corpus does not have are left out.

    Raises:
        ConfigError: A label of the corpus is neither one of `labels` nor mapped to one.
        FormatError, DatasetError: The corpus cannot be read.
    """
    read = _read(config, data_dir, splits)
    own = labels_of(tag for sentences in read.values() for sentence in sentences for tag in sentence.tags)
    target = {label: config.map.get(label, label) for label in own}
    ours = {label for label in target.values() if label not in (OUTSIDE, UNKNOWN)}
    for label in sorted(ours):
        if labels and label not in labels:
            raise ConfigError(f"{config.name}: label {label} is none of {', '.join(labels)}: map it")
    annotates = config.annotates or tuple(sorted(ours))
    return Corpus(
        name=config.name,
        licence=datasets.licence(config.dataset) if config.dataset else config.licence or "of the files' owner",
        annotates=annotates,
        splits={
            split: tuple(_mapped(sentence, target, config, annotates) for sentence in read[split]) for split in read
        },
    )


def training_sentences(corpus: Corpus, *, own_tokens: bool, recased_share: float, seed: int) -> list[Annotated]:
    """The sentences that a training learns from: those of `train`, and further versions of some.

    Args:
        corpus: The corpus.
        own_tokens: Add a second version of each sentence with a token that our tokenizer would cut, cut so: a tagger
            that reads text meets `@` and `user` where a corpus of tweets has `@user`.
        recased_share: Of the sentences, how many to add in another case (see `recasing`), from 0 to 1.
        seed: Of their choice.
    """
    sentences = list(corpus.splits["train"])
    others = recased(sentences, recased_share, seed)
    if own_tokens:
        others += [pieces for one in sentences if len((pieces := cut(one)).tokens) > len(one.tokens)]
    return sentences + others


def examples(
    sentences: Iterable[Annotated], annotates: Sequence[str], vocabulary: Vocabulary, tags: Sequence[str]
) -> list[Example]:
    """Sentences of a corpus that `annotates` these labels, with the tags that each token may have."""
    return [Example(vocabulary.ids(one.tokens), allowed_tags(one, annotates, tags)) for one in sentences]


def cut(sentence: Annotated) -> Annotated:
    """The sentence with each token cut as our tokenizer cuts it, and its spans around the same characters."""
    pieces = [[piece.text for piece in tokenize(token)] or [token] for token in sentence.tokens]
    place = list(accumulate(map(len, pieces), initial=0))
    tokens = tuple(piece for of_token in pieces for piece in of_token)
    spans, unknown = (
        tuple(Span(place[span.start], place[span.end], span.label) for span in some)
        for some in (sentence.spans, sentence.unknown)
    )
    return Annotated(tokens, spans, unknown)


def allowed_tags(sentence: Annotated, annotates: Iterable[str], tags: Sequence[str]) -> Tensor:
    """Which tags of each token agree with the annotation: (L, T) bool."""
    column = {tag: n for n, tag in enumerate(tags)}
    not_annotated = [label for label in labels_of(tags) if label not in set(annotates)]
    outside = [column["O"], *(column[f"{prefix}-{label}"] for label in not_annotated for prefix in "BI")]
    allowed = torch.zeros(len(sentence.tokens), len(tags), dtype=torch.bool)
    allowed[:, outside] = True
    for span in sentence.unknown:
        allowed[span.start : span.end] = True
    for span in sentence.spans:
        allowed[span.start : span.end] = False
        allowed[span.start, column[f"B-{span.label}"]] = True
        allowed[span.start + 1 : span.end, column[f"I-{span.label}"]] = True
        # A marked name ends where it is marked to end, even if its label is not annotated throughout.
        allowed[span.end : span.end + 1, column[f"I-{span.label}"]] = False
    return allowed


def _read(config: CorpusConfig, data_dir: Path | None, splits: Sequence[str]) -> dict[str, list[Sentence]]:
    if config.dataset:
        present = [split for split in datasets.splits(config.dataset) if split in splits]
        return {split: datasets.load(config.dataset, split, data_dir) for split in present}
    files = {"train": config.train, "dev": config.dev, "test": config.test}
    read: dict[str, list[Sentence]] = {}
    if config.divided:
        for split, documents in divided(config).splits.items():
            read[split] = [sentence for document in documents for sentence in document.sentences()]
    for split in splits:
        if files[split] and split not in read:
            read[split] = read_file(Path(files[split]), config.reading)
    return {split: read[split] for split in splits if split in read}


def _mapped(sentence: Sentence, target: dict[str, str], config: CorpusConfig, annotates: Sequence[str]) -> Annotated:
    """The sentence in our labels, by the guideline. `target` maps each label of the corpus to ours, `O` or `?`."""
    doubtful = {n for n, token in enumerate(sentence.tokens, start=1) if token in config.unknown_after}
    spans = [
        Span(span.start, span.end, UNKNOWN if span.start in doubtful else target[span.label])
        for span in spans_of(sentence.tags)
        if span.end - span.start > 1 or sentence.tokens[span.start] not in config.no_names
    ]
    begun = {span.start for span in spans}
    spans += [
        Span(n, n + 1, UNKNOWN) for n in doubtful - begun if n < len(sentence.tokens) and sentence.tags[n] == OUTSIDE
    ]
    spans = guideline.applied(config.guideline, sentence.tokens, spans, annotates)
    return Annotated(
        sentence.tokens,
        tuple(span for span in spans if span.label not in (OUTSIDE, UNKNOWN)),
        tuple(span for span in spans if span.label == UNKNOWN),
    )
