"""How many values a JSON document has, counted before any of them becomes an object.

A megabyte of JSON may be one text, or half a million lists of a byte or two, each of which takes hundreds of bytes in
memory and its time in a parser that lets nobody else run. So long documents are counted first.

    constant           value    what it trades, and the figure that chose it
    MOST_VALUES        250,000  The parser cannot be interrupted: it takes 16 ms for 200,000 tokens, the most that a
                                request may have by default.
    MOST_NAMES         40,000   20 ms for as many fields of a client's own, each of which becomes a key, and 8 ms for
                                as many mistakes.
    MOST_KNOWN_NAMES   100,000  In a request of which only known fields are kept: 25,000 entities of four fields each.
    MOST_CONTAINERS    25,000   Lists and objects: 10 ms for as many, with a field or two each.
"""

from nerve.service.errors import TooLargeError

MOST_VALUES = 250_000
MOST_NAMES = 40_000
MOST_KNOWN_NAMES = 100_000
MOST_CONTAINERS = 25_000
# About a millisecond; between two chunks other threads can run.
CHUNK_BYTES = 64 * 1024


def check_structure(document: bytes, most_names: int = MOST_NAMES) -> None:
    """Check how many names, values, lists and objects a JSON document has; what is not JSON may pass.

    Args:
        document: The document.
        most_names: How many names of fields it may have.

    Raises:
        TooLargeError: There are too many.
    """
    commas = names = containers = 0
    inside = escaped = False  # whether the next byte is inside a string, and whether a backslash precedes it
    for start in range(0, len(document), CHUNK_BYTES):
        chunk = document[start + escaped : start + CHUNK_BYTES].replace(rb"\\", b"").replace(rb"\"", b"")
        escaped = chunk.endswith(b"\\")
        strings_and_others = chunk.split(b'"')
        others = b"".join(strings_and_others[inside::2])
        inside ^= len(strings_and_others) % 2 == 0
        containers += others.count(b"[") + others.count(b"{")
        names += others.count(b":")
        commas += others.count(b",")
        _check("lists and objects", containers, MOST_CONTAINERS)
        _check("names of fields", names, most_names)
        # Each value but the first of a list or object is after a comma.
        _check("values", commas + containers, MOST_VALUES)


def _check(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise TooLargeError(f"the body has too many {what}; the limit is {limit:,}", reason="too_many_values")
