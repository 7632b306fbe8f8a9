"""A generated corpus that is learned in seconds, sentences of a few patterns with names; and a tiny tagger for it."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nerve.model.annotation import Sentence, Span
from nerve.model.archive import Archive
from nerve.model.config import TaggerConfig
from nerve.model.metadata import Metadata
from nerve.model.tagger import Tagger
from nerve.model.tags import spans_of, tags_from, tags_of
from nerve.model.vocabulary import Vocabulary
from nerve.training.config import TrainingConfig
from nerve.training.data import corpora
from nerve.training.data.annotated import Annotated
from nerve.training.data.batches import Example
from nerve.training.data.corpora import Corpus
from nerve.training.data.detokenize import join
from nerve.training.learn.trainer import Trainer

LABELS = ("LOC", "ORG", "PER")
FIRST = ("Anna", "Boris", "Clara", "Dmitri", "Elena", "Frank", "Greta", "Hugo")
LAST = ("Weber", "Novak", "Rossi", "Tanaka", "Okafor", "Lind")
PLACES = ("Paris", "Lagos", "New York", "Oslo", "Lima", "Quito", "San Jose", "Bonn")
COMPANIES = ("Acme Corp", "Globex", "Initech", "Umbrella Labs", "Hooli", "Stark Works")
PATTERNS = (
    "PER visited LOC .",
    "Yesterday PER left LOC for LOC .",
    "ORG hired PER in LOC .",
    "ORG opened an office in LOC .",
    "Nobody saw PER today .",
    "They walked home in the rain .",
)
TINY = TaggerConfig(
    hidden_size=16, word_size=16, affix_size=8, character_size=8, character_filters=8, dropout=0.1, word_dropout=0.1
)
FLAGS = (
    *("--hidden-size", "16", "--word-size", "16", "--affix-size", "8", "--character-size", "8"),
    *("--character-filters", "8", "--dropout", "0.1", "--batch-size", "4", "--learning-rate", "0.02"),
    *("--average", "0.9", "--epochs", "4", "--epoch-steps", "1", "--device", "cpu"),
)
"""A tagger and a training that fit this corpus."""


def sentences(count: int, seed: int = 1, labels: Sequence[str] = LABELS) -> list[Sentence]:
    """Sentences of these patterns, with the names of other labels than these left unmarked."""
    generator = random.Random(seed)
    return [_sentence(generator, PATTERNS[n % len(PATTERNS)], labels) for n in range(count)]


def write_jsonl(path: Path, some: Iterable[Sentence]) -> None:
    """As doccano exports them, a sentence a record."""
    with path.open("w", encoding="utf-8") as file:
        for one in some:
            text, offsets = join(one.tokens)
            spans = [[offsets[span.start][0], offsets[span.end - 1][1], span.label] for span in spans_of(one.tags)]
            file.write(json.dumps({"text": text, "label": spans}) + "\n")


def annotated(some: Iterable[Sentence]) -> tuple[Annotated, ...]:
    return tuple(Annotated(one.tokens, tuple(spans_of(one.tags)), ()) for one in some)


def corpus(count: int = 24, annotates: Sequence[str] = LABELS) -> Corpus:
    """A corpus with all three splits."""
    splits = {split: annotated(sentences(count, seed)) for seed, split in enumerate(("train", "dev", "test"))}
    return Corpus("toy", "CC0-1.0", tuple(annotates), splits)


def tiny_tagger(**settings: Any) -> tuple[Tagger, Vocabulary, list[Example]]:
    """An untrained tagger with its vocabulary, and the training examples that it is for."""
    source, config = corpus(), replace(TINY, **settings)
    vocabulary = Vocabulary.build((one.tokens for one in source.splits["train"]), with_pairs=config.pair_size > 0)
    tags = tags_of(LABELS)
    return (
        Tagger(config, vocabulary, tags),
        vocabulary,
        corpora.examples(source.splits["train"], source.annotates, vocabulary, tags),
    )


def archive_of(tagger: Tagger, vocabulary: Vocabulary) -> Archive:
    """The tagger as an archive, to tag with."""
    return Archive(tagger, vocabulary, metadata(), "cpu")


def metadata(**fields: Any) -> Metadata:
    """Metadata for an archive of the tiny tagger."""
    usual: dict[str, Any] = {
        "name": "tiny",
        "description": "",
        "language": "en",
        "licence": "CC0-1.0",
        "tags": tags_of(LABELS),
        "config": TINY,
        "datasets": [],
        "scores": {},
        "settings": {},
        "code_version": "0",
    }
    return Metadata(**{**usual, **fields})


def tiny_trainer(tagger: Tagger, total_steps: int = 40, **settings: float) -> Trainer:
    return Trainer(tagger, TrainingConfig(**{"learning_rate": 0.02, "average": 0.9, **settings}), total_steps, "cpu")


def _sentence(generator: random.Random, pattern: str, labels: Sequence[str]) -> Sentence:
    tokens: list[str] = []
    spans: list[Span] = []
    for word in pattern.split():
        name = _name(generator, word).split()
        if word in labels:
            spans.append(Span(len(tokens), len(tokens) + len(name), word))
        tokens += name
    return Sentence(tuple(tokens), tags_from(spans, len(tokens)))


def _name(generator: random.Random, word: str) -> str:
    if word == "PER":
        return f"{generator.choice(FIRST)} {generator.choice(LAST)}"
    return generator.choice({"LOC": PLACES, "ORG": COMPANIES}.get(word, (word,)))
