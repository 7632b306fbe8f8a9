"""What the offsets of a span may count, and the way from each to code points and half-open ends.

Python counts code points; JavaScript and Java count UTF-16 code units, two for an emoji; C, Go and Rust count bytes.
Some tools give the last character of a span instead of the first after it.
"""

CODE_POINTS = "codepoints"
UNITS = (CODE_POINTS, "inclusive", "utf16", "utf16-inclusive", "utf8")
"""In the order of how common they are."""

WORDS = {
    CODE_POINTS: "code points",
    "inclusive": "code points with inclusive ends",
    "utf16": "UTF-16 units",
    "utf16-inclusive": "UTF-16 units with inclusive ends",
    "utf8": "bytes",
}


class Offsets:
    """The way from a text's offsets to code points.

    Args:
        text: The text that the offsets are in.
        units: What they count, one of UNITS.
    """

    def __init__(self, text: str, units: str) -> None:
        self._after = int(units.endswith("inclusive"))
        self._places: dict[int, int] | None = None
        width = {"utf8": _utf8_width, "utf16": _utf16_width}.get(units.removesuffix("-inclusive"))
        if width is not None and not text.isascii():
            self._places, place = {}, 0
            for index, character in enumerate(text):
                self._places[place] = index
                place += width(character)
            self._places[place] = len(text)

    def code_points(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in code points, half-open. What is inside a character, or outside the text, is -1."""
        end += self._after
        if self._places is None:
            return start, end
        return self._places.get(start, -1), self._places.get(end, -1)


def _utf16_width(character: str) -> int:
    return 1 + (character > "\uffff")


def _utf8_width(character: str) -> int:
    code = ord(character)
    return 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
