"""Sentences out of plain text, and what two teachers agree on."""

import pytest

from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated
from recipes.silver import agreed, aligned, sentences


def test_each_chinese_sentence_of_a_text_is_there_once() -> None:
    text = (
        "短句。这是一个句子。这是一个句子。\n他说：“我们去北京吧！”后来没有去成\nThis line is in English, 不是中文。"
    )
    assert list(sentences(text)) == ["这是一个句子。", "他说：“我们去北京吧！”", "后来没有去成"]


def test_of_the_variants_that_wikipedia_gives_the_first_is_read() -> None:
    assert list(sentences("约书亚·-{zh-tw:莱恩;zh-cn:瑞安;}-是演员。")) == ["约书亚·莱恩是演员。"]


def test_spans_of_characters_become_spans_of_tokens() -> None:
    text = "华为公司CEO任正非"
    assert aligned(text, [Span(0, 4, "ORG"), Span(7, 10, "PER")]) == Annotated(
        ("华", "为", "公", "司", "CEO", "任", "正", "非"), (Span(0, 4, "ORG"), Span(5, 8, "PER")), ()
    )


def test_a_span_that_cuts_a_token_is_unknown() -> None:
    assert aligned("用OpenAI的", [Span(1, 5, "ORG")]) == Annotated(("用", "OpenAI", "的"), (), (Span(1, 2, "X"),))


@pytest.mark.parametrize(
    ("first", "second", "sure", "unknown"),
    [
        ([], [], [], []),
        ([(0, 2, "PER")], [(0, 2, "PER")], [(0, 2, "PER")], []),
        # A person needs both, an organisation or a place does not.
        ([(0, 2, "PER")], [], [], [(0, 2)]),
        ([(0, 2, "ORG")], [], [(0, 2, "ORG")], []),
        ([], [(0, 2, "LOC")], [], [(0, 2)]),
        ([(0, 2, "PER")], [(0, 2, "ORG")], [], [(0, 2)]),
        # The second's may lie within it, but not reach beyond it.
        ([(0, 3, "ORG")], [(0, 2, "LOC")], [(0, 3, "ORG")], []),
        ([(0, 2, "LOC")], [(1, 4, "ORG")], [], [(0, 4)]),
        ([(0, 2, "LOC"), (4, 5, "PER")], [(0, 2, "LOC"), (2, 4, "ORG")], [(0, 2, "LOC")], [(2, 5)]),
    ],
)
def test_what_is_sure_and_what_is_unknown_when_two_teachers_differ(
    first: list[tuple[int, int, str]],
    second: list[tuple[int, int, str]],
    sure: list[tuple[int, int, str]],
    unknown: list[tuple[int, int]],
) -> None:
    one = Annotated(tuple("一二三四五"), tuple(Span(*span) for span in first), ())
    assert agreed(one, [Span(*span) for span in second]) == Annotated(
        one.tokens, tuple(Span(*span) for span in sure), tuple(Span(*span, "X") for span in unknown)
    )


def test_two_names_that_cut_one_token_are_unknown_together() -> None:
    text = "与AlphaBeta合作"
    found = aligned(text, [Span(1, 6, "ORG"), Span(6, 10, "PER")])
    assert found.spans == ()
    assert found.unknown == (Span(1, 2, "X"),)
