"""Compare the recurrent cells and write the tables and pictures of docs/cells.md.

    python -m bench.cells
    python -m bench.cells --data-dir DIR --results mine.jsonl --page mine.md

Trains {rnn, gru, lstm} x {one direction, two} x {1, 2, 3 layers} on the same data with the same budget, and some of
them also without clipping the gradient. Each run adds a line to the results; a run that has one is skipped, so the
command continues after an interruption. When no line is missing it only writes the page, from these lines alone.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.cells import page, runs
from bench.cells.plan import BASE, PLAN
from bench.cells.results import Results
from nerve.training.config import ConfigError
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = Path("bench", "results", "cells.jsonl"), Path("docs", "cells.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    torch.set_num_threads(1)
    try:
        results = Results(options.results)
        runs.complete(PLAN, BASE, lambda: runs.subset(BASE, options.data_dir), results)
        page.write(results, options.page)
    except (ConfigError, DatasetError, FormatError, OSError) as error:
        print(f"bench.cells: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cells",
        description="Train the runs that have no result, then write the page that compares the cells.",
    )
    add = parser.add_argument
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE; download nothing")
    add("--results", type=Path, metavar="FILE.jsonl", default=ROOT / RESULTS, help=f"a line for each run ({RESULTS})")
    add("--page", type=Path, metavar="FILE.md", default=ROOT / PAGE, help=f"its pictures go beside it ({PAGE})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
