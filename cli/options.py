"""The types of the options, as argparse calls them, and what several commands share of them."""

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

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
