"""The types of the options, as argparse calls them, and what several commands share of them."""

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from nerve.bulk import inputs, records
from nerve.model.min_score import MinScore
from nerve.patterns import NAMES

Add = Callable[..., Any]
"""The method `add_argument` of a parser, or of a group of its options."""

MODEL = "the name of a bundled model, or the path of an archive"
COLOURS = ("auto", "always", "never")
"""The choices of --color."""


def labels(text: str) -> tuple[str, ...]:
    """Read labels that are separated by commas. Raises ArgumentTypeError."""
    names = tuple(text.split(","))
    if not all(names):
        raise ArgumentTypeError(f"{text!r} is not a list of labels, such as PER,ORG")
    return names


def probability(text: str) -> float:
    """Read a number from 0 to 1. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def min_score(text: str) -> MinScore:
    """Read a number from 0 to 1, or such numbers by label as in PER=0.7,ORG=0.4. Raises ArgumentTypeError."""
    if "=" not in text:
        return probability(text)
    scores = {}
    for part in text.split(","):
        label, _, number = part.rpartition("=")
        if not label or label in scores:
            raise ArgumentTypeError(f"{text!r} is not a score for each of some labels, such as PER=0.7,ORG=0.4")
        scores[label] = probability(number)
    return scores


def patterns(text: str) -> tuple[str, ...]:
    """Read the names of patterns that are separated by commas, or `all`. Raises ArgumentTypeError."""
    names = NAMES if text == "all" else tuple(text.split(","))
    if unknown := [name for name in names if name not in NAMES]:
        raise ArgumentTypeError(f"{unknown[0]!r} is no pattern; the patterns are {', '.join(NAMES)}, or all")
    return names


def phone_regions(text: str) -> tuple[str, ...]:
    """Read regions that are separated by commas, such as US,GB. Raises ArgumentTypeError."""
    from nerve.patterns.phone import plan  # not at the top, because it takes a moment to import

    regions = tuple(text.split(","))
    try:
        for region in regions:
            plan(region)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return regions


def add_reading(add: Add) -> None:
    """Add the options that say how texts are read: `source`, `unit` and `text_field`."""
    add(
        "--from",
        dest="source",
        choices=inputs.FORMATS,
        help="format of the texts (default: what a file's name says, otherwise text)",
    )
    add(
        "--unit",
        choices=records.UNITS,
        default="line",
        help="how much of plain text is one text (default: %(default)s)",
    )
    add(
        "--text-field",
        "--text-column",
        default="text",
        metavar="NAME",
        help="field of a JSON object, or column of a CSV or Parquet file, that holds the text (default: %(default)s)",
    )


def positive(text: str) -> int:
    """Read a whole number of at least 1. Raises ArgumentTypeError."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def shard(text: str) -> tuple[int, int]:
    """Read I/N, such as 1/2. Raises ArgumentTypeError."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 1/2")
    return int(index), int(count)


def coloured(choice: str) -> bool:
    """Whether to write colours. `auto` means on a terminal that knows them, if NO_COLOR (no-color.org) is not set."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
