"""The options that say how to read what an annotated file does not say of itself. Several commands have them."""

import argparse
from collections.abc import Callable

from nerve.training.data.formats import Reading
from nerve.training.data.formats.annotators import MAJORITY
from nerve.training.data.formats.offsets import UNITS
from nerve.training.data.formats.schemes import SCHEMES
from nerve.training.values import names

KEYS = ("annotator", "offsets", "tag_names", "scheme")
"""What the options are called in a corpus of a configuration, and in what argparse gives."""


def add(add: Callable[..., object]) -> None:
    """Add the options by the method `add_argument` of a parser or a group. One that is not given is empty."""
    add(
        "--annotator",
        default="",
        metavar="NAME",
        help="of a text that several annotated take this one's annotation, by the name or number in the file; "
        f"{MAJORITY} takes the spans that more than half of them marked",
    )
    add(
        "--offsets",
        choices=UNITS,
        default="",
        help=f"what the offsets of spans count (default: {UNITS[0]}, with half-open ends)",
    )
    add(
        "--names",
        dest="tag_names",
        type=names,
        default=(),
        metavar="O,B-PER,…",
        help="names of tags that are numbers, in order",
    )
    add(
        "--scheme",
        choices=("auto", *SCHEMES),
        default="",
        help="tagging scheme of columns and rows (default: auto, the first that fits)",
    )


def reading(chosen: argparse.Namespace) -> Reading:
    """How the options say to read."""
    return Reading(chosen.scheme or "auto", chosen.offsets or UNITS[0], chosen.annotator, chosen.tag_names)
