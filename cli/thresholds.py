"""`nerve thresholds`: precision and recall by score for each label, and the score for a wished precision."""

import argparse
import json
from collections.abc import Sequence

from nerve.cli import held_out, tables
from nerve.cli.thresholds_options import PROGRAM, parse
from nerve.model.archive import load
from nerve.training.measure.calibration import labelled_outcomes
from nerve.training.measure.thresholds import LEVELS, curve, least_score, row


def main(arguments: Sequence[str]) -> int:
    """Run `nerve thresholds` and return its exit status."""
    chosen = parse(arguments)
    return held_out.status(PROGRAM, lambda: _show(chosen))


def _show(chosen: argparse.Namespace) -> None:
    """Print the tables. Raises the errors that `held_out.status` names."""
    archive = load(chosen.archive, chosen.device)
    corpus = held_out.corpus(archive, chosen)
    found = labelled_outcomes(archive, corpus, held_out.SPLIT)
    marked = [span.label for one in corpus.splits[held_out.SPLIT] for span in one.spans]
    wished = []
    for label in corpus.annotates:
        names = [outcome for own, outcome in found if own == label]
        gold = marked.count(label)
        rows = [(str(level), *one, one.f1) for level, one in zip(LEVELS, curve(names, gold), strict=True)]
        print(tables.text((f"{label}: min_score", "precision", "recall", "F1"), rows), end="\n\n")
        least = least_score(names, chosen.precision)
        if least is None:
            wished.append((label, "none", "", "", gold))
        else:
            reached = row(names, gold, least)
            wished.append((label, str(least), f"{reached.precision:.1f}", f"{reached.recall:.1f}", gold))
    print(tables.text((f"for precision {chosen.precision}", "min_score", "precision", "recall", "names"), wished))
    scores = {str(label): float(least) for label, least, *_ in wished if least != "none"}
    if scores:
        print("\nnerve tag --min-score " + ",".join(f"{label}={least}" for label, least in scores.items()))
        print(json.dumps({"min_score": scores}, ensure_ascii=False))
