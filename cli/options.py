"""The types of the options, as argparse calls them, and a text that several commands share."""

from argparse import ArgumentTypeError

MODEL = "the name of a bundled model, or the path of an archive"


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
