"""What sentences that share evidence gain: F1 of a model on documents, sentence by sentence and with their context.

    python -m bench.context models/en.pt
    python -m bench.context models/zh.pt

Tokens and documents are those of the datasets. msra does not say where a document begins; its sentences follow each
other as in the newspaper, so twenty at a time are read as one text. English has a table of CoNLL-2003 by the kind of
line, too, because half of its lines are headlines and results, which have conventions of their own (a team is called
by its city, as ORG). Prints tables in Markdown, which are in docs/decisions/document-context.md.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from nerve.model.archive import Archive, load
from nerve.model.recognizer import Recognizer
from nerve.training.config import CorpusConfig
from nerve.training.data import datasets
from nerve.training.data.corpora import Corpus
from nerve.training.evaluate import to_score, trained_corpora
from nerve.training.measure.documents import scored_documents
from nerve.training.measure.scores import ScoredSentence, score

LABELS = ("PER", "ORG", "LOC")
DOCUMENTS = ("conll2003", "docred", "uner_en_ewt")
"""The datasets that say where a document begins."""

BLOCKS = ("msra",)
"""Those for a Chinese model, which do not say it."""

BLOCK = 20
"""Sentences of them that are read as one text."""

PROSE = 4
"""Words in lower case that a line of running text has at least."""


class Line(NamedTuple):
    """A sentence, what is gold in it, and what was found without and with context."""

    tokens: tuple[str, ...]
    alone: ScoredSentence
    in_context: ScoredSentence


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each dataset and split, and then CoNLL-2003 by the kind of line."""
    options = parse(arguments)
    torch.set_num_threads(1)
    archive = load(options.archive)
    print("| documents | sentences | alone | with context | |", "|---|---:|---:|---:|---:|", sep="\n")
    kinds: dict[str, list[Line]] = {}
    for name in BLOCKS if archive.metadata.language.startswith("zh") else DOCUMENTS:
        for split in ("dev", "test"):
            corpus = read(archive, name, split, options.data_dir)
            lengths = (
                blocks(len(corpus.splits[split]))
                if name in BLOCKS
                else datasets.document_lengths(name, split, options.data_dir)
            )
            lines = tagged(archive, corpus, split, lengths)
            print(row(f"{name} {split}, {len(lengths):,}", lines), flush=True)
            if (name, split) == ("conll2003", "test"):
                for line in lines:
                    kinds.setdefault(kind(line.tokens), []).append(line)
    if kinds:
        print(
            "\n| lines of conll2003 test | sentences | alone | with context | |",
            "|---|---:|---:|---:|---:|",
            sep="\n",
        )
    for name, lines in sorted(kinds.items()):
        print(row(name, lines))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.context", description="Score a model on documents, without and with their context."
    )
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="the archive")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def read(archive: Archive, name: str, split: str, data_dir: Path | None) -> Corpus:
    """A split of a dataset, with the labels that it is scored on.

    Raises:
        DatasetError, FormatError, ConfigError: The dataset cannot be had, or not scored with this archive.
    """
    known = {corpus.dataset: corpus for corpus in trained_corpora(archive)}
    labels = [label for label in LABELS if label in archive.labels]
    return to_score(archive, known.get(name, CorpusConfig(name, map={"MISC": "?"})), split, labels, data_dir)


def blocks(sentences: int) -> list[int]:
    """How many sentences each text has, if so many follow each other."""
    return [min(BLOCK, sentences - start) for start in range(0, sentences, BLOCK)]


def tagged(archive: Archive, corpus: Corpus, split: str, lengths: Sequence[int]) -> list[Line]:
    """The lines of a split."""
    recognizer = Recognizer(archive)
    alone, in_context = (
        scored_documents(recognizer, corpus, split, lengths, context=context) for context in (False, True)
    )
    return [
        Line(sentence.tokens, *both) for sentence, *both in zip(corpus.splits[split], alone, in_context, strict=True)
    ]


def kind(tokens: Iterable[str]) -> str:
    """What a line is: running text, a headline in capitals, or what is left, tables, results and datelines."""
    words = [token for token in tokens if token.isalpha()]
    if sum(word.islower() for word in words) >= PROSE:
        return "running text"
    return "headlines" if len(words) > PROSE and all(word.isupper() for word in words) else "tables and datelines"


def row(name: str, lines: Sequence[Line]) -> str:
    """A row of the table."""
    alone, in_context = score([line.alone for line in lines]).f1, score([line.in_context for line in lines]).f1
    return f"| {name} | {len(lines):,} | {alone:.2f} | {in_context:.2f} | {in_context - alone:+.2f} |"


if __name__ == "__main__":
    sys.exit(main())
