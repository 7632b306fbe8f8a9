"""Files for the learning curve of docs/accuracy.md: sentences of crossner/politics, unseen by the bundled model.

    python -m bench.politics accuracy.work

Its train and dev splits together, shuffled, since neighbours are of one page: 500 sentences for training, 41 for dev,
200 for test. A smaller training set is the beginning of a larger one.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from nerve.model.annotation import Sentence
from nerve.training.data import datasets
from nerve.training.data.datasets import DatasetError

SIZES = (50, 100, 200, 500)
DEV, TEST = 41, 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; return the exit status."""
    options = parse(arguments)
    try:
        splits = [datasets.load("crossner/politics", split, options.data_dir) for split in ("train", "dev")]
        sentences = [sentence for split in splits for sentence in split]
        random.Random(1).shuffle(sentences)
        options.work.mkdir(parents=True, exist_ok=True)
        for size in SIZES:
            _write(options.work / f"politics-{size}.conll", sentences[:size])
        edges = [SIZES[-1], SIZES[-1] + DEV, SIZES[-1] + DEV + TEST]
        for name, (start, end) in zip(("dev", "test"), pairwise(edges), strict=True):
            _write(options.work / f"politics.{name}.conll", sentences[start:end])
    except (OSError, DatasetError) as error:
        print(f"bench.politics: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.politics", description="Files for a learning curve.")
    parser.add_argument("work", type=Path, metavar="DIR", help="where they go")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def _write(path: Path, sentences: Sequence[Sentence]) -> None:
    lines = (
        f"{token}\t{tag}" for one in sentences for token, tag in zip((*one.tokens, ""), (*one.tags, ""), strict=True)
    )
    path.write_text("\n".join(line.strip() for line in lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
