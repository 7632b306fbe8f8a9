"""Precision, recall and F1 by `min_score`, and the calibration error, on the dev splits of a model's corpora.

    python -m bench.thresholds models/en.pt

The default of `min_score` in model/annotation.py was chosen by the first tables. The last one compares the expected
calibration error with that of a tagger whose scores are exact: on few names it is not 0, because chance puts more or
fewer right ones into a bin than its scores say.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch

from nerve.model.archive import Archive, load
from nerve.training.data import corpora
from nerve.training.data.corpora import Corpus
from nerve.training.evaluate import trained_corpora
from nerve.training.measure.calibration import Outcome, expected_error, outcomes
from nerve.training.measure.thresholds import LEVELS, Row, curve


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of each corpus, and that of their mean."""
    options = parse(arguments)
    torch.set_num_threads(1)
    archive = load(options.archive)
    curves, errors = {}, []
    for config in trained_corpora(archive):
        corpus = corpora.load(config, archive.labels, options.data_dir, splits=("dev",))
        if "dev" in corpus.splits:
            names, gold = found(archive, corpus)
            curves[corpus.name] = curve(names, gold)
            errors.append(f"| {corpus.name} | {len(names):,} | {expected_error(names):.3f} | {chance(names):.3f} |")
            print("\n".join(table(corpus.name, curves[corpus.name])), flush=True)
    columns = zip(*curves.values(), strict=True)
    print("\n".join(table(f"mean of {len(curves)}", [_mean(rows) for rows in columns])))
    print("\n".join(["\n| dev of | names | error | if scores were exact |", "|---|---:|---:|---:|", *errors]))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.thresholds", description="Score a model by min_score.")
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="the archive")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def found(archive: Archive, corpus: Corpus) -> tuple[list[Outcome], int]:
    """What a model finds in dev, and how many names there are."""
    gold = sum(span.label in corpus.annotates for sentence in corpus.splits["dev"] for span in sentence.spans)
    return outcomes(archive, corpus, "dev"), gold


def chance(names: Sequence[Outcome], draws: int = 100) -> float:
    """The mean calibration error if each name were right with exactly the probability that its score says."""
    generator = Random(1)
    confidences = [name.confidence for name in names]
    errors = [expected_error([Outcome(p, generator.random() < p) for p in confidences]) for _ in range(draws)]
    return sum(errors) / draws


def table(name: str, rows: Sequence[Row]) -> list[str]:
    """The lines of a table in Markdown."""
    lines = [f"\n| {name}: min_score | precision | recall | F1 |", "|---:|---:|---:|---:|"]
    for level, row in zip(LEVELS, rows, strict=True):
        lines.append(f"| {level} | {row.precision:.1f} | {row.recall:.1f} | {row.f1:.1f} |")
    return lines


def _mean(rows: Sequence[Row]) -> Row:
    return Row(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
