"""Code-point offsets in the units of other languages' strings, in one pass over the text."""

from collections.abc import Iterable
from typing import Literal

OffsetUnit = Literal["codepoint", "utf16", "utf8"]


def in_unit(text: str, offsets: Iterable[int], unit: OffsetUnit) -> dict[int, int]:
    """Each of the code-point `offsets` into `text`, mapped to the same place counted in `unit`."""
    wanted = sorted(set(offsets))
    if unit == "codepoint" or text.isascii():
        return {offset: offset for offset in wanted}
    if unit == "utf16" and max(text) <= "\uffff":
        return {offset: offset for offset in wanted}
    encoding, width = ("utf-16-le", 2) if unit == "utf16" else ("utf-8", 1)
    found = {}
    previous = counted = 0
    for offset in wanted:
        counted += len(text[previous:offset].encode(encoding)) // width
        found[offset] = counted
        previous = offset
    return found
