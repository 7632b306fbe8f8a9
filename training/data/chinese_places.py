"""Rules of the Chinese guideline: places of an address are names of their own, and so are characters for places.

Corpora disagree on both: in some, `中国广东省深圳市` is one name, in others three, and `驻华` holds a place or none.
A corpus whose configuration says `guideline = "zh"` is read by these rules; recipes/zh/guideline.md states them. They
read a sentence's characters, simplified or traditional; a token is a character, or a run of Latin letters or digits.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

from nerve.model.annotation import Span
from nerve.training.config import UNKNOWN


def places_apart(tokens: Sequence[str], spans: Sequence[Span], _: Collection[str]) -> list[Span]:
    """Each place of an address is a name of its own: `[瑞士日内瓦]` is `[瑞士][日内瓦]`."""
    return [one for span in spans for one in (_apart(tokens, span) if span.label == "LOC" else [span])]


def standing_characters(tokens: Sequence[str], spans: Sequence[Span], annotates: Collection[str]) -> list[Span]:
    """A character that stands for a place is one, where a word beside it says so: `[中][美]两国`, `驻[华]大使`.

    Where the word beside it may belong to another one (`在日` and `在日常`), the character is unknown.
    """
    if "LOC" not in annotates:
        return list(spans)
    text = "".join(tokens)
    place = _places(tokens)
    taken = {n for span in spans for n in range(span.start, span.end)}
    found = list(spans)
    for pattern, label in ((_STANDS, "LOC"), (_MAY_STAND, UNKNOWN)):
        for match in pattern.finditer(text):
            here = [place[at] for group in range(1, len(match.groups()) + 1) if (at := match.start(group)) in place]
            if taken.isdisjoint(here):
                taken.update(here)
                found += [Span(n, n + 1, label) for n in here]
    return found


def _apart(tokens: Sequence[str], span: Span) -> Iterator[Span]:
    place = _places(tokens[span.start : span.end])
    name = "".join(tokens[span.start : span.end])
    start = 0
    while cut := _first_cut(name[start:]):
        if start + cut not in place:  # within a word in Latin letters
            break
        yield Span(span.start + place[start], span.start + place[start + cut], span.label)
        start += cut
    yield Span(span.start + place[start], span.end, span.label)


def _places(tokens: Sequence[str]) -> dict[int, int]:
    """The number of the token that begins at each character."""
    return {start: n for n, start in enumerate(accumulate(map(len, tokens), initial=0))}


def _first_cut(name: str) -> int:
    """Where the first place of an address ends and another begins; 0 if it is one place."""
    if name in _regions():
        return 0
    if region := _region(name):
        if _region(name[region:]):
            return region
        if _ONE_PLACE.fullmatch(name, region):
            return 0
        if not _AUTONOMOUS.match(name, region):
            return region
    unit = _UNIT.match(name)
    return unit.end() if unit else 0


def _region(name: str) -> int:
    """How long the country or province is with which a name of more begins; 0 if there is none."""
    for length in range(min(len(name) - 2, _LONGEST), 1, -1):
        if name[:length] in _regions():
            longer = length + (name[length] in "省市")
            return longer if len(name) - longer > 1 else 0
    return 0


@cache
def _regions() -> frozenset[str]:
    """Countries, and what addresses in them begin with: the file's words, without its comments."""
    lines = Path(__file__).with_name("regions_zh.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


_LONGEST = 8
# A part of an address ends with its kind. What follows has to end with one too, unless the part is a province.
_UNIT = re.compile(
    "(?:[^市县縣区區]{2,}?(?:自治区|自治區|自治州|特别行政区|特別行政區|省|州)(?![省市县縣区區州盟旗立第])(?=..)(?!.{0,2}部$|境|各)"
    "|.{2,}?[市县縣区區盟旗镇鎮乡鄉](?![省市县縣区區州盟旗镇鎮乡鄉])"
    "(?=.{2,}[市县縣区區州盟旗镇鎮乡鄉村岛島]$)"
    "(?!.{0,6}(?:开发|開發|工业|工業|旅游|旅遊|自然|风景|風景|保护|保護|核心|地|城|郊)[区區]$))"
)
# `新疆维吾尔自治区` is one place.
_AUTONOMOUS = re.compile("[^省市县縣]{0,4}自治[区區州]")
# What behind the name of a country or province is no other place: a part of it, a sea or a building called after it.
_ONE_PLACE = re.compile(
    "[东西南北中東]{0,2}[部方]|[东西南北東]{2}|大?[陆陸]|次大[陆陸]|支那|本土|[内內]地|[内內]陆|全?境[内內]?|各地|首都|沿海"
    "|[东西南北東]?半[岛島]|.{0,4}共和[国國]|.*[联聯](?:邦|盟)|.?[王帝][国國]|[群列诸諸][岛島]|海[峡峽域湾灣]|[运運]河|盆地|高原"
    "|平原|山[脉脈]|沙漠|丛林|殖民地|[领領]土|第.*|路.*|地[区區]|特?[区區]|市[区區]|省|[东西南北东中東][区區]|大?街道?|动物|動物"
    "|.*[园園馆館场場院厅廳堂站塔宫宮寺庙廟桥橋楼樓厦廈号號路廊港学學团團会會店]"
)
_ABBREVIATIONS = "中美日韩韓朝俄英法德印巴葡越意澳以伊泰欧歐台港苏蘇"
_STANDS = re.compile(
    f"(?<![{_ABBREVIATIONS}])([{_ABBREVIATIONS}])([{_ABBREVIATIONS}])"
    "(?=[两兩][国國地]|[关關]系|關係|[双雙][方边邊]|之[间間]|友好|[边邊]境|[贸貿]易|[经經][贸貿]|合作|[联聯]合|[战戰][争爭]|建交"
    "|交流|[谈談]判|首[脑腦])"
    f"|(?<!其)(?<![{_ABBREVIATIONS}])([{_ABBREVIATIONS}])方(?![面法便式向案针針形才程圆圓正位块塊阵陣可言])"
    "|(?:[访訪驻駐旅赴抵]|(?<!支)援|(?<!入)侵)([华華美日俄英法德韩韓朝意藏港澳沪滬京印巴])(?![盛尔爾为為润潤夏国國本洲元])"
    "|(?:[来來在对對返])([华華])(?![盛尔爾为為润潤夏中北东東南西山])"
)
_MAY_STAND = re.compile("(?:[在对對离離留反亲親返来來])([美日俄英德韩韓朝])(?![盛尔爾为為润潤夏国國本洲元])")
