"""The arguments that the commands share that hold a model against an annotated file."""

import argparse
from pathlib import Path

from nerve.cli import options
from nerve.model import bundled
from nerve.training import reading
from nerve.training.values import mapping

SUFFIXES = (".html", ".jsonl")
"""What sentences are written as."""


def add_archive(parser: argparse.ArgumentParser, name: str = "archive") -> None:
    """Add an argument that names a model."""
    parser.add_argument(name, type=bundled.resolve, metavar=name.upper(), help=options.MODEL)


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the file, and how to read it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="an annotated file that the model was not trained on")
    parser.add_argument(
        "--map",
        type=mapping,
        metavar="A=B,…",
        help="rename the file's labels; A=O: A is not a name, A=?: nobody knows whether A is a name",
    )
    parser.add_argument(
        "--labels", type=options.labels, default=(), metavar="A,B,…", help="look at these labels only"
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="where the model runs (default: cpu)"
    )
    reading.add(parser.add_argument_group("how to read what a file does not say of itself").add_argument)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where sentences are shown, how many, and whether in colour."""
    parser.add_argument(
        "--output", type=_output, metavar="FILE", help="write the sentences to FILE.html or FILE.jsonl, not as text"
    )
    parser.add_argument(
        "--limit", type=options.positive, metavar="N", help="only the first N sentences (default: all)"
    )
    parser.add_argument(
        "--color",
        choices=options.COLOURS,
        default="auto",
        help="colours in the text (default: auto, which means on a terminal)",
    )


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} ends neither with {SUFFIXES[0]} nor with {SUFFIXES[1]}")
    return path
