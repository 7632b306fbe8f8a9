"""The arguments of `nerve evaluate`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nerve.model import bundled
from nerve.training import reading
from nerve.training.data import datasets
from nerve.training.values import mapping, names

PROGRAM = "nerve evaluate"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line. Prints a usage line and exits with 2 if they are malformed."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Score an archive: prints seqeval's report, then its micro F1."
    )
    parser.add_argument(
        "archive", type=bundled.resolve, metavar="ARCHIVE", help="the archive, or the name of a bundled model"
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--dataset", metavar="NAME", help=f"one of {', '.join(datasets.names())}")
    data.add_argument("--file", type=Path, metavar="FILE", help="your own file, in any format that nerve reads")
    parser.add_argument(
        "--split", choices=datasets.SPLITS, default="test", help="split of the dataset (default: test)"
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE; download nothing"
    )
    parser.add_argument(
        "--map",
        type=mapping,
        metavar="A=B,…",
        help="rename the data's labels; A=O: A is not a name, A=?: nobody knows whether A is a name",
    )
    parser.add_argument("--labels", type=names, metavar="A,B,…", help="score only these labels of the archive")
    parser.add_argument(
        "--context",
        action="store_true",
        help="also score with each document read as one text, whose sentences share what they say of a word",
    )
    parser.add_argument("--raw", action="store_true", help="also score the same names in raw text")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    reading.add(parser.add_argument_group("how to read what your own file does not say of itself").add_argument)
    return parser.parse_args(arguments)
