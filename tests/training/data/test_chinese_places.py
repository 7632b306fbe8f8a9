"""The guideline of the Chinese corpora as tables: what a corpus marks, and what is left of it after each rule."""

import re

import pytest

from nerve.model.annotation import Span
from nerve.training.config import UNKNOWN
from nerve.training.data import guideline

LABELS = {"L": "LOC", "O": "ORG", "?": UNKNOWN}


def by_the_guideline(marked: str, annotates: tuple[str, ...] = ("PER", "ORG", "LOC")) -> str:
    """A sentence such as `在[L瑞士日内瓦]开会`, read by the rules; each character is a token, a Latin word is one."""
    tokens: list[str] = []
    spans: list[Span] = []
    for label, inside, outside in re.findall(r"\[([LO])([^\]]+)\]|([^\[]+)", marked):
        words = re.findall(r"[A-Za-z]+|.", inside or outside)
        if label:
            spans.append(Span(len(tokens), len(tokens) + len(words), LABELS[label]))
        tokens += words
    signs = {label: sign for sign, label in LABELS.items()}
    for span in guideline.applied("zh", tuple(tokens), spans, annotates):
        tokens[span.start] = f"[{signs[span.label]}{tokens[span.start]}"
        tokens[span.end - 1] += "]"
    return "".join(tokens)


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("在[L瑞士日内瓦]开会", "在[L瑞士][L日内瓦]开会"),
        ("[L中国广东省深圳市南山区]", "[L中国][L广东省][L深圳市][L南山区]"),
        ("[L中國廣東省深圳市南山區]", "[L中國][L廣東省][L深圳市][L南山區]"),
        ("[L河北省承德县武厂乡]", "[L河北省][L承德县][L武厂乡]"),
        ("[L景德镇市珠山区]", "[L景德镇市][L珠山区]"),
        ("[L美国印第安那州布鲁明顿]", "[L美国][L印第安那州][L布鲁明顿]"),
        ("[L新疆维吾尔自治区若羌县]", "[L新疆维吾尔自治区][L若羌县]"),
        ("[L中国西藏自治区]", "[L中国][L西藏自治区]"),
        ("[L印度Belgaum]", "[L印度][LBelgaum]"),
        # one place
        ("[L印度尼西亚]", "[L印度尼西亚]"),
        ("[L巴西利亚]", "[L巴西利亚]"),
        ("[L广州]", "[L广州]"),
        ("[L中国大陆]", "[L中国大陆]"),
        ("[L美国西部]", "[L美国西部]"),
        ("[L山东半岛]", "[L山东半岛]"),
        ("[L台湾海峡]", "[L台湾海峡]"),
        ("[L纽约州立大学]", "[L纽约州立大学]"),
        ("[L北京首都国际机场]", "[L北京首都国际机场]"),
        ("[L香港特区]", "[L香港特区]"),
        ("[L苏州工业园区]", "[L苏州工业园区]"),
        ("[L江阴市经济开发区]", "[L江阴市经济开发区]"),
        # an organisation keeps the place in its name
        ("[O中国广东省人民法院]", "[O中国广东省人民法院]"),
    ],
)
def test_each_place_of_an_address_is_a_name(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("中美两国", "[L中][L美]两国"),
        ("中韓兩國", "[L中][L韓]兩國"),
        ("中葡双方", "[L中][L葡]双方"),
        ("中方表示", "[L中]方表示"),
        ("访意期间", "访[L意]期间"),
        ("驻华大使", "驻[L华]大使"),
        ("駐華大使", "駐[L華]大使"),
        ("援藏项目", "援[L藏]项目"),
        ("来华访问", "来[L华]访问"),
        # which word the character belongs to is not clear
        ("在日常生活中", "在[?日]常生活中"),
        ("对美出口", "对[?美]出口"),
        # no places
        ("其中方向不明", "其中方向不明"),
        ("以方便群众", "以方便群众"),
        ("支援法律工作", "支援法律工作"),
        ("在华盛顿", "在华盛顿"),
        ("访美国", "访美国"),
        # what a corpus has marked stays
        ("访[L意大利]", "访[L意大利]"),
        ("[O中美友好协会]", "[O中美友好协会]"),
    ],
)
def test_a_character_that_stands_for_a_place_is_one(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


def test_a_corpus_without_places_says_nothing_of_them() -> None:
    assert by_the_guideline("中美两国", annotates=("PER",)) == "中美两国"


def test_a_name_is_not_cut_within_a_word_in_latin_letters() -> None:
    tokens, spans = ("美", "国Ohio州", "x"), [Span(0, 2, "LOC")]
    assert guideline.applied("zh", tokens, spans, ("LOC",)) == spans
