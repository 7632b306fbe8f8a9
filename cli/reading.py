"""The options of commands that read annotated files: how to read what a file does not say of itself."""

import argparse

from nerve.cli import options
from nerve.training.data.formats import Reading
from nerve.training.data.formats.annotators import MAJORITY
from nerve.training.data.formats.offsets import CODE_POINTS, UNITS
from nerve.training.data.formats.schemes import SCHEMES


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group("how to read what a file does not say of itself").add_argument
    group(
        "--annotator",
        default="",
        metavar="NAME",
        help="of a text that several annotated take this one's annotation, by the name or number in the file; "
        f"{MAJORITY} takes the spans that more than half of them marked",
    )
    group(
        "--offsets",
        choices=UNITS,
        default=CODE_POINTS,
        help="what the offsets of spans count (default: %(default)s, with half-open ends)",
    )
    group(
        "--names",
        type=options.labels,
        default=(),
        metavar="O,B-PER,…",
        help="names of tags that are numbers, in order",
    )
    group(
        "--scheme",
        choices=("auto", *SCHEMES),
        default="auto",
        help="tagging scheme of columns and rows (default: %(default)s, the first that fits)",
    )


def reading(chosen: argparse.Namespace) -> Reading:
    """How the options say to read."""
    return Reading(chosen.scheme, chosen.offsets, chosen.annotator, chosen.names)
