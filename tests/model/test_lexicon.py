"""The longest words of a lexicon at each token: a table of cases, and the definition as oracle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nerve.model.lexicon import Around, Lexicon

WORDS = ("北京", "北京大学", "大学", "大学生", "学生")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("", []),
        ("京", [("", "", "")]),
        ("北京", [("北京", "", ""), ("", "北京", "")]),
        # A word within a longer one; one that two begin with; one token of two words.
        (
            "在北京大学生",
            [
                ("", "", ""),
                ("北京大学", "", ""),
                ("", "北京", "北京大学"),
                ("大学生", "", "北京大学"),
                ("学生", "北京大学", "大学生"),
                ("", "大学生", ""),
            ],
        ),
        # The beginning of a word is none.
        ("北京大", [("北京", "", ""), ("", "北京", ""), ("", "", "")]),
        # Tokens are joined whatever their length; one token alone is no match.
        (["北京", "大学"], [("北京大学", "", ""), ("", "北京大学", "")]),
        (["大学"], [("", "", "")]),
        # Of two equally long words around a token, the first.
        ("甲乙丙丁", [("甲乙丙", "", ""), ("乙丙丁", "", "甲乙丙"), ("", "甲乙丙", "乙丙丁"), ("", "乙丙丁", "")]),
    ],
)
def test_the_longest_words_at_each_token(tokens: list[str], expected: list[tuple[str, str, str]]) -> None:
    assert Lexicon([*WORDS, "甲乙丙", "乙丙丁"]).around(list(tokens)) == [Around(*words) for words in expected]


def test_a_lexicon_without_words_finds_none() -> None:
    assert Lexicon([]).around(["北", "京"]) == [Around("", "", "")] * 2


SHORT = st.text("ab", min_size=1, max_size=4)


@given(words=st.sets(SHORT), tokens=st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=8))
def test_they_are_the_longest_of_all_words_at_each_token(words: set[str], tokens: list[str]) -> None:
    runs = [(start, end) for end in range(len(tokens)) for start in range(end)]
    matches = [(start, end) for start, end in runs if "".join(tokens[start : end + 1]) in words]

    def longest(some: list[tuple[int, int]]) -> str:
        return max(("".join(tokens[start : end + 1]) for start, end in sorted(some)), key=len, default="")

    assert Lexicon(words).around(tokens) == [
        Around(
            longest([match for match in matches if match[0] == n]),
            longest([match for match in matches if match[1] == n]),
            longest([match for match in matches if match[0] < n < match[1]]),
        )
        for n in range(len(tokens))
    ]
