"""Offsets in other languages' strings. The definition is the oracle: the encoded length of what comes before."""

import pytest

from nerve.service.annotate.offsets import OffsetUnit, in_unit

TEXTS = {
    "empty": "",
    "ASCII": "Angela Merkel",
    "emoji": "Ann 😀 met 👩‍👩‍👧 and 🇩🇪 Bob",
    "combining marks": "José́ et Zoë",
    "CR LF": "Ann\r\nBob\r\n",
    "right to left": "אנגלה מרקל ביקרה במינכן",
    "Chinese": "默克尔访问了慕尼黑𠮷野家",
}
MEASURES = {
    "codepoint": len,
    "utf16": lambda text: len(text.encode("utf-16-le")) // 2,
    "utf8": lambda text: len(text.encode("utf-8")),
}


@pytest.mark.parametrize("unit", MEASURES)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_offset_is_the_length_of_what_comes_before(text: str, unit: OffsetUnit) -> None:
    everywhere = range(len(text) + 1)
    assert in_unit(text, everywhere, unit) == {place: MEASURES[unit](text[:place]) for place in everywhere}


def test_offsets_may_come_in_any_order_and_twice() -> None:
    assert in_unit("😀😀😀", [3, 1, 3], "utf16") == {1: 2, 3: 6}


def test_the_time_is_linear_in_the_text() -> None:
    # Quadratic, this would take minutes.
    text = "Zoë 😀 " * 100_000
    assert in_unit(text, range(0, len(text), 3), "utf8")[0] == 0
