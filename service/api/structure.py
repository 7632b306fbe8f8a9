"""How many values a JSON document has, counted before any of them becomes an object.

A megabyte of JSON may be one text, or half a million lists of a byte or two, each of which takes hundreds of bytes in
memory and its time in a parser that lets nobody else run. So long documents are counted first.

    constant           value    what it trades, and the figure that chose it
    MOST_VALUES        300,000  The parser takes 20 ms for 200,000 tokens, the most that a request may have, and 40 ms
                                for an object of 150,000 fields. It cannot be interrupted.
    MOST_CONTAINERS    25,000   Lists and objects: 50 ms for as many results of an analyzer. A text of 200,000 tokens
                                has some 20,000 entities.
"""

from nerve.service.errors import TooLargeError

MOST_VALUES = 300_000
MOST_CONTAINERS = 25_000
# About a millisecond; between two chunks other threads can run.
CHUNK_BYTES = 64 * 1024


def check_structure(document: bytes) -> None:
    """Check how many names, values, lists and objects a JSON document has; what is not JSON may pass.

    Raises:
        TooLargeError: There are too many.
    """
    values = containers = 0
    inside = escaped = False  # whether the next byte is inside a string, and whether a backslash precedes it
    for start in range(0, len(document), CHUNK_BYTES):
        chunk = document[start + escaped : start + CHUNK_BYTES].replace(rb"\\", b"").replace(rb"\"", b"")
        escaped = chunk.endswith(b"\\")
        strings_and_others = chunk.split(b'"')
        others = b"".join(strings_and_others[inside::2])
        inside ^= len(strings_and_others) % 2 == 0
        containers += others.count(b"[") + others.count(b"{")
        values += others.count(b",") + others.count(b":")
        if containers > MOST_CONTAINERS:
            message = f"the body has more than {MOST_CONTAINERS:,} lists and objects, which is the limit"
            raise TooLargeError(message, reason="too_many_values")
        if values + containers > MOST_VALUES:
            message = f"the body has more than {MOST_VALUES:,} names and values, which is the limit"
            raise TooLargeError(message, reason="too_many_values")
