"""What `nerve suggest` is worth: F1 by annotated sentences, chosen at random or suggested, on crossner/politics.

    python -m bench.suggest suggest.work             # trains what is missing, then prints the table, draws the curve
    python -m bench.suggest suggest.work --page      # prints and draws from the results that are there

The corpus is annotated already, so the annotator is simulated: whoever is given a sentence marks in it what the
corpus marks. Of its train and dev splits together, shuffled by the seed, 300 sentences are the test set, 50 the dev
set, and the other 391 the pool. 50 of the pool, at random, train the first model from models/en.pt, which has seen
none of them. In each of two rounds 50 more are taken from the pool, and a model is trained anew on all.
results/suggest.json has the figures of each training.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from matplotlib.figure import Figure

from bench.options import MODEL
from nerve.model.annotation import Sentence
from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from nerve.model.tags import spans_of
from nerve.model.tokenizer import sentences as sentences_of
from nerve.training import config
from nerve.training.data import datasets, detokenize
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import write_columns
from nerve.training.measure.probability import crf_of
from nerve.training.suggest.selection import Candidate, Selection, fingerprint
from nerve.training.suggest.uncertainty import OVERHEAD, uncertainties
from nerve.training.train import train

HERE = Path(__file__).parent
RESULTS, PICTURE = HERE / "results" / "suggest.json", HERE.parent / "docs" / "active-learning.png"
RANDOM, SUGGESTED, SUMMED = "random", "suggested", "entropy alone"
STRATEGIES = {RANDOM: "#8a8f98", SUGGESTED: "#2364aa", SUMMED: "#d1603d"}
"""How the next sentences are chosen, and the colour of the curve."""

STEP, ROUNDS, DEV, TEST = 50, 2, 50, 300
SETTINGS = {"init": str(MODEL), "epochs": 3, "epoch_steps": 60, "batch_size": 8, "learning_rate": 0.003}

Row = dict[str, Any]
"""The figures of a training: strategy, seed, and sentences, tokens and names that were annotated; F1 on test."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, print the table and draw the curve; return the exit status."""
    options = parse(arguments)
    torch.set_num_threads(1)
    rows: list[Row] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    if not options.page:
        try:
            for seed in range(1, options.seeds + 1):
                for strategy in options.strategies:
                    _simulate(strategy, seed, rows, options)
        except (OSError, DatasetError) as error:
            print(f"bench.suggest: {error}", file=sys.stderr)
            return 1
    print("\n".join(table(rows)))
    curve(rows).savefig(PICTURE, dpi=110)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.suggest", description="Suggested sentences against random."
    )
    parser.add_argument("work", type=Path, metavar="DIR", help="where the files and models of the trainings go")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    parser.add_argument("--seeds", type=int, default=3, help="how often everything is repeated (default: 3)")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES), metavar="NAME")
    parser.add_argument("--page", action="store_true", help="train nothing")
    return parser.parse_args(arguments)


def _simulate(strategy: str, seed: int, rows: list[Row], options: argparse.Namespace) -> None:
    """The rounds of one strategy from one seed; each training that is not among the results is run and kept there."""
    done = {(row["strategy"], row["seed"], row["sentences"]): row for row in rows}
    test, dev, pool = _corpus(seed, options.data_dir)
    annotated = pool[:STEP]
    for number in range(ROUNDS + 1):
        name = f"{seed}.{len(annotated)}.{strategy.replace(' ', '-')}" if number else f"{seed}.{STEP}"
        key = (strategy if number else RANDOM, seed, len(annotated))
        model = options.work / f"{name}.pt"
        if not model.exists() or key not in done:
            print(f"== {name}", file=sys.stderr, flush=True)
            files = {"train": annotated, "dev": dev, "test": test}
            f1 = _train(options.work, name, files, seed)
            row = dict(zip(("strategy", "seed", "sentences"), key, strict=True)) | _size(annotated) | {"f1": f1}
            rows.append(row)
            RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        if number == ROUNDS:
            break
        taken = set(annotated)
        rest = [sentence for sentence in pool if sentence not in taken]
        annotated = annotated + _chosen(strategy, model, rest, seed + number)


def _corpus(seed: int, data_dir: Path | None) -> tuple[list[Sentence], list[Sentence], list[Sentence]]:
    """Test, dev and pool, no sentence twice."""
    splits = (datasets.load("crossner/politics", split, data_dir) for split in ("train", "dev"))
    sentences = list({fingerprint("".join(one.tokens)): one for split in splits for one in split}.values())
    random.Random(seed).shuffle(sentences)
    return sentences[:TEST], sentences[TEST : TEST + DEV], sentences[TEST + DEV :]


def _chosen(strategy: str, model: Path, pool: Sequence[Sentence], seed: int) -> list[Sentence]:
    """The sentences of the pool that are annotated next."""
    if strategy == RANDOM:
        return random.Random(seed).sample(pool, STEP)
    texts = [detokenize.join(sentence.tokens)[0] for sentence in pool]
    recognizer = Recognizer(load(model))
    cut = [sentences_of(text) for text in texts]
    selection = Selection(STEP)
    for text, tokens, uncertainty in zip(
        texts, cut, uncertainties(recognizer, crf_of(recognizer.archive), cut), strict=True
    ):
        work = sum(map(len, tokens)) + OVERHEAD if strategy == SUMMED else 1
        selection.add(Candidate(text, uncertainty * work))
    of_text = {fingerprint(text): sentence for text, sentence in zip(texts, pool, strict=True)}
    return [of_text[fingerprint(candidate.text)] for candidate in selection.best()]


def _train(work: Path, name: str, files: dict[str, list[Sentence]], seed: int) -> float:
    """Train a model; return its F1 on the test set."""
    work.mkdir(parents=True, exist_ok=True)
    paths = {split: work / f"{name}.{split}.conll" for split in files}
    for split, sentences in files.items():
        write_columns(paths[split], sentences)
    corpus = {split: str(path) for split, path in paths.items()}
    settings = config.read(None, {"": {"name": "mine"}, "training": {**SETTINGS, "seed": seed}}, [corpus])
    (work / f"{name}.pt").unlink(missing_ok=True)  # its figures are missing; a checkpoint stays
    train(settings, work / f"{name}.pt", None, "cpu")
    (f1,) = (row["f1"] for split, row in load(work / f"{name}.pt").metadata.scores.items() if split.endswith("test"))
    return float(f1)


def _size(sentences: Sequence[Sentence]) -> Row:
    return {
        "tokens": sum(len(sentence.tokens) for sentence in sentences),
        "names": sum(len(spans_of(sentence.tags)) for sentence in sentences),
    }


def table(rows: Sequence[Row]) -> Iterator[str]:
    """F1, tokens and names by strategy and number of annotated sentences, in Markdown: means over the seeds."""
    yield "| chosen by | sentences | tokens | names | F1 |"
    yield "|---|---:|---:|---:|---:|"
    for strategy, points in _points(rows).items():
        for count, some in points.items():
            if strategy == RANDOM or count > STEP:
                f1 = [row["f1"] for row in some]
                spread = f" ± {stdev(f1):.2f}" if len(f1) > 1 else ""
                size = " | ".join(f"{fmean(row[key] for row in some):,.0f}" for key in ("tokens", "names"))
                yield f"| {strategy} | {count} | {size} | {fmean(f1):.2f}{spread} |"
    yield ""
    yield f"Means over {max(row['seed'] for row in rows)} seeds."


def curve(rows: Sequence[Row]) -> Figure:
    """F1 over annotated sentences: a point for each seed, a line through the means."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for strategy, points in _points(rows).items():
        colour = STRATEGIES[strategy]
        means = [fmean(row["f1"] for row in some) for some in points.values()]
        axes.plot([*points], means, color=colour, marker="o", label=strategy)
        for count, some in points.items():
            axes.plot([count] * len(some), [row["f1"] for row in some], ".", color=colour, alpha=0.5)
    axes.set(xlabel="annotated sentences", ylabel="test F1")
    axes.set_xticks(sorted({row["sentences"] for row in rows}))
    axes.legend()
    return figure


def _points(rows: Sequence[Row]) -> dict[str, dict[int, list[Row]]]:
    """The results by strategy and number of sentences; all begin with the same models."""
    points: dict[str, dict[int, list[Row]]] = {}
    for strategy in STRATEGIES:
        own = [row for row in rows if row["strategy"] == strategy or row["sentences"] == STEP]
        counts = sorted({row["sentences"] for row in own})
        points[strategy] = {count: [row for row in own if row["sentences"] == count] for count in counts}
    return points


if __name__ == "__main__":
    sys.exit(main())
