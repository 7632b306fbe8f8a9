"""The bench of documents: the kinds of line, and texts of sentences that follow each other."""

import pytest

from bench.context import blocks, kind


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("He said on Monday that the talks went well .", "running text"),
        ("Rangers was the home side of the match", "running text"),
        ("SOCCER - JAPAN GET LUCKY WIN , CHINA IN SURPRISE DEFEAT .", "headlines"),
        ("LONDON 1996-12-06", "tables and datelines"),
        ("1. Leeds 10 7 2 1", "tables and datelines"),
        ("Attendance : 3,000 in the rain", "tables and datelines"),
        ("SEOUL", "tables and datelines"),
    ],
)
def test_the_kind_of_a_line(line, expected):
    assert kind(line.split()) == expected


@pytest.mark.parametrize(("sentences", "expected"), [(0, []), (19, [19]), (20, [20]), (45, [20, 20, 5])])
def test_twenty_sentences_are_one_text(sentences, expected):
    assert blocks(sentences) == expected
