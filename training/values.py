"""The values of options, as argparse calls them: what is malformed is a ValueError, which argparse names."""


def positive(text: str) -> int:
    """A whole number of at least 1.

    Raises:
        ValueError: The text is anything else.
    """
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def mapping(text: str) -> dict[str, str]:
    """`A=B,C=D` as a dictionary.

    Raises:
        ValueError: The text has another form, or a part is empty.
    """
    pairs = [pair.split("=") for pair in text.split(",")]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise ValueError(text)
    return {pair[0]: pair[1] for pair in pairs}


def names(text: str) -> tuple[str, ...]:
    """`A,B` as a tuple.

    Raises:
        ValueError: A part is empty.
    """
    parts = tuple(text.split(","))
    if not all(parts):
        raise ValueError(text)
    return parts


def folds(text: str) -> int:
    """A whole number of at least 2.

    Raises:
        ValueError: The text is anything else.
    """
    if int(text) < 2:
        raise ValueError(text)
    return int(text)
