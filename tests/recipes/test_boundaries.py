"""Names as LAC marks them, and as UNER's guideline has them."""

import pytest

from nerve.model.annotation import Span
from recipes.boundaries import mended


def marked(text: str) -> tuple[str, list[Span]]:
    """`[王先生/PER]说` as the text and its spans."""
    plain, spans = "", []
    for part in text.split("["):
        name, bracket, rest = part.partition("]")
        if bracket:
            name, label = name.split("/")
            spans.append(Span(len(plain), len(plain) + len(name), label))
        plain += name + rest
    return plain, spans


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("没有名字", "没有名字"),
        ("[任正非/PER]在[深圳/LOC]的[华为公司/ORG]", "[任正非/PER]在[深圳/LOC]的[华为公司/ORG]"),
        # A title is no part of a person, unless nothing else is there.
        ("[王先生/PER]和[乔石委员长/PER]", "[王/PER]先生和[乔石/PER]委员长"),
        ("[老师/PER]说", "[老师/PER]说"),
        # One character for each place, but not in words that happen to be made of such characters.
        ("[中韩/LOC]两国", "[中/LOC][韩/LOC]两国"),
        ("[台中/LOC]", "[台中/LOC]"),
        # The place of a government; no name is left of one without a place.
        ("[中国政府/ORG]说", "[中国/LOC]政府说"),
        ("[上海市人民政府/ORG]说", "[上海市/LOC]人民政府说"),
        ("[省政府/ORG]说", "省政府说"),
        # Parts of a place, and the people in it.
        ("[华北地区/LOC]和[山东东部/LOC]", "[华北/LOC]地区和[山东/LOC]东部"),
        ("[日本人/LOC]", "[日本/LOC]人"),
        # A team is an organisation, its players are not.
        ("[中国/LOC]女足胜", "[中国/LOC]女足胜"),
        ("[中国/LOC]女队胜", "[中国女队/ORG]胜"),
        ("[中国/LOC]队员", "[中国/LOC]队员"),
        ("[中国/LOC][队/ORG]", "[中国/LOC][队/ORG]"),
    ],
)
def test_a_name_ends_where_the_guideline_says(given: str, wanted: str) -> None:
    text, spans = marked(given)
    assert (text, mended(text, spans)) == marked(wanted)
