"""The bench of documents: the kinds of line, and which sentence an entity of a text is in."""

import pytest

from bench.context import kind, spans_in
from nerve.model.annotation import Entity, Span
from nerve.model.tokenizer import joined


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


def test_an_entity_is_a_span_of_the_sentence_in_which_it_begins():
    text, tokens = joined(["Ann", "left", "New", "York", "."])
    entities = [Entity(0, 3, "PER", "Ann", 1.0), Entity(9, 17, "LOC", "New York", 1.0)]
    assert text[9:17] == "New York"
    assert [list(spans_in(sentence, entities)) for sentence in (tokens[:2], tokens[2:])] == [
        [Span(0, 1, "PER")],
        [Span(0, 2, "LOC")],
    ]
