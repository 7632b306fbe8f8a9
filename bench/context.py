"""What sentences that share evidence gain: F1 of a model on documents, sentence by sentence and with their context.

    python -m bench.context models/en.pt

Tokens and documents are those of the datasets. The last table is that of CoNLL-2003 by the kind of line, because half
of its lines are headlines and results, which have conventions of their own (a team is called by its city, as ORG).
Prints tables in Markdown; those of dev are in docs/decisions/document-context.md.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple

import torch

from nerve.model.annotation import Entity, Span, Token
from nerve.model.archive import Archive, load
from nerve.model.recognizer import Recognizer
from nerve.model.tokenizer import joined
from nerve.training.config import CorpusConfig
from nerve.training.data import datasets
from nerve.training.data.annotated import Annotated
from nerve.training.evaluate import to_score, trained_corpora
from nerve.training.measure.scores import ScoredSentence, score, scored

LABELS = ("PER", "ORG", "LOC")
SETS = ("conll2003", "docred", "uner_en_ewt")
"""The datasets that say where a document begins."""

PROSE = 4
"""Words in lower case that a line of running text has at least."""


class Line(NamedTuple):
    """A sentence of a document, what is gold in it, and what was found without and with context."""

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
    for name in SETS:
        for split in ("dev", "test"):
            documents = read(archive, name, split, options.data_dir)
            lines = [line for document in documents for line in tagged(archive, *document)]
            print(row(f"{name} {split}, {len(documents):,}", lines), flush=True)
            if (name, split) == ("conll2003", "test"):
                for line in lines:
                    kinds.setdefault(kind(line.tokens), []).append(line)
    print("\n| lines of conll2003 test | sentences | alone | with context | |", "|---|---:|---:|---:|---:|", sep="\n")
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


def read(
    archive: Archive, name: str, split: str, data_dir: Path | None
) -> list[tuple[list[Annotated], tuple[str, ...]]]:
    """The documents of a split, each with the labels that it is scored on.

    Raises:
        DatasetError, FormatError, ConfigError: The dataset cannot be had, or not scored with this archive.
    """
    known = {corpus.dataset: corpus for corpus in trained_corpora(archive)}
    config = known.get(name, CorpusConfig(name, map={"MISC": "?"}))
    corpus = to_score(archive, config, split, LABELS, data_dir)
    sentences = iter(corpus.splits[split])
    lengths = datasets.document_lengths(name, split, data_dir)
    return [(list(islice(sentences, length)), corpus.annotates) for length in lengths]


def tagged(archive: Archive, document: Sequence[Annotated], annotates: Sequence[str]) -> Iterator[Line]:
    """The lines of one document."""
    recognizer = Recognizer(archive)
    text, tokens = joined([word for one in document for word in one.tokens])
    ends = accumulate(len(one.tokens) for one in document)
    sentences = [tokens[end - len(one.tokens) : end] for one, end in zip(document, ends, strict=True)]
    found = []
    for context in (False, True):
        [entities] = recognizer.annotate([text], [sentences], context=context)
        found.append([list(spans_in(sentence, entities)) for sentence in sentences])
    for gold, alone, in_context in zip(document, *found, strict=True):
        yield Line(gold.tokens, scored(gold, alone, annotates), scored(gold, in_context, annotates))


def spans_in(sentence: Sequence[Token], entities: Iterable[Entity]) -> Iterator[Span]:
    """The entities that begin in a sentence, as spans of its tokens."""
    starts = {token.start: n for n, token in enumerate(sentence)}
    ends = {token.end: n + 1 for n, token in enumerate(sentence)}
    return (
        Span(starts[entity.start], ends[entity.end], entity.label) for entity in entities if entity.start in starts
    )


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
