"""Offsets in code points, converted to the units of other languages' strings in one pass over the text."""

from collections.abc import Iterable
from typing import Literal

OffsetUnit = Literal["codepoint", "utf16", "utf8"]


def in_unit(text: str, offsets: Iterable[int], unit: OffsetUnit) -> dict[int, int]:
    """Map each of `offsets`, places in `text` counted in code points, to the same place counted in `unit`."""
    if unit == "codepoint" or text.isascii() or (unit == "utf16" and max(text) <= "\uffff"):
        return {offset: offset for offset in offsets}
    encoding, width = ("utf-16-le", 2) if unit == "utf16" else ("utf-8", 1)
    converted = {}
    previous = counted = 0
    for offset in sorted(offsets):
        counted += len(text[previous:offset].encode(encoding)) // width
        converted[offset] = counted
        previous = offset
    return converted
