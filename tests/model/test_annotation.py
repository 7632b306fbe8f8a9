"""The frozen values."""

from copy import copy
from dataclasses import FrozenInstanceError

import pytest

from nerve.model.annotation import Entity, Sentence, Span, Token


def test_a_token_is_a_tuple_of_text_start_and_end():
    assert Token("Berlin", 3, 9) == ("Berlin", 3, 9)


def test_a_sentence_needs_one_tag_per_token():
    with pytest.raises(ValueError, match=r"^2 tokens but 1 tags$"):
        Sentence(("New", "York"), ("B-LOC",))


def test_spans_sort_by_where_they_start_then_by_where_they_end():
    assert sorted([Span(2, 3, "A"), Span(0, 2, "B"), Span(0, 1, "C")]) == [
        Span(0, 1, "C"),
        Span(0, 2, "B"),
        Span(2, 3, "A"),
    ]


@pytest.mark.parametrize(
    ("value", "field"),
    [(Entity(0, 1, "PER", "A", 0.5), "score"), (Span(0, 1, "PER"), "label"), (Sentence(("A",), ("O",)), "tags")],
)
def test_annotation_cannot_be_changed_and_can_be_a_member_of_a_set(value, field):
    assert len({value, copy(value)}) == 1
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, 1)
