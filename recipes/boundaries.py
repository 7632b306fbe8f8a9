"""Names that LAC marks, brought to the guideline of UNER: what of them is the name, and of which kind.

`recipes.chinese` calls it. The two agree on what is named and differ on where a name ends. In UNER, as in news
corpora, `中韩` are two places, `王先生` is the person `王`, `中国政府` and `华北地区` hold a place, and `中国女队` is
one organisation.
"""

import re
from collections.abc import Iterator, Sequence

from nerve.model.annotation import Span

_ABBREVIATIONS = frozenset(
    "中美日韩朝俄英法德意印巴以伊越泰澳加港台京津沪冀鲁豫晋陕甘粤桂闽浙苏皖赣湘鄂川渝滇黔藏疆欧亚非"
)
_NOT_TWO = frozenset(("台中", "中亚", "欧亚", "英德", "中非"))
_TITLES = re.compile(
    "(?:先生|女士|小姐|律师|大夫|教授|老师|委员长|主席|总统|总理|同志|医生|博士|部长|书记|局长|校长|院士|爵士|夫人|将军|上校|某+)+$"
)
_GOVERNMENT = re.compile("(市|省|县|区)?(?:人民|中央人民|中央)?政府$")
_PART = re.compile("(?:地区|境内|沿海|当局|市区|[东西南北中]部|[东西][南北]部)$")
_TEAM = re.compile("(?:国家)?[男女]?子?(?:足|篮|排|乒|羽毛)?球?(?:代表)?(?:队|团)(?![员长友伍体])")
_LEVELS = frozenset("省市县区")


def mended(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans of a text's characters as the guideline wants them, in order.

    Args:
        text: In simplified characters.
        spans: What LAC marks in it, in order.
    """
    ends = [*(span.start for span in spans), len(text)][1:]
    return [one for span, limit in zip(spans, ends, strict=True) for one in _mended(text, span, limit)]


def _mended(text: str, span: Span, limit: int) -> Iterator[Span]:
    """A span as the guideline wants it. It may grow up to `limit`."""
    start, end, label = span.start, span.end, span.label
    name = text[start:end]
    if label == "PER":
        title = _TITLES.search(name)
        yield Span(start, start + title.start() if title and title.start() else end, label)
    elif label == "ORG":
        if not name.endswith("政府"):
            yield span
        elif (place := _GOVERNMENT.sub(r"\1", name)) and place not in _LEVELS:
            yield Span(start, start + len(place), "LOC")
    elif len(name) > 1 and set(name) <= _ABBREVIATIONS and name not in _NOT_TWO:
        yield from (Span(place, place + 1, label) for place in range(start, end))
    elif (team := _TEAM.match(text, end)) and team.end() <= limit:
        yield Span(start, team.end(), "ORG")
    elif (part := _PART.search(name)) and part.start() > 1:
        yield Span(start, start + part.start(), label)
    else:
        yield Span(start, end - 1 if name.endswith("人") and len(name) > 2 else end, label)
