"""The scheme as truth tables."""

from itertools import product

import pytest

from nerve.model.annotation import Entity, Span, Token
from nerve.model.tags import (
    TagError,
    apart,
    labels_of,
    may_follow,
    spans_of,
    spans_over,
    split,
    tags_from,
    tags_of,
    without_overlap,
)


@pytest.mark.parametrize(
    ("previous", "tag", "allowed"),
    [
        ("O", "O", True),
        ("O", "B-PER", True),
        ("O", "I-PER", False),
        ("B-PER", "O", True),
        ("B-PER", "B-PER", True),
        ("B-PER", "B-LOC", True),
        ("B-PER", "I-PER", True),
        ("B-PER", "I-LOC", False),
        ("I-PER", "O", True),
        ("I-PER", "B-PER", True),
        ("I-PER", "B-LOC", True),
        ("I-PER", "I-PER", True),
        ("I-PER", "I-LOC", False),
        ("B-a-b", "I-a-b", True),
        ("B-a-b", "I-a", False),
        ("B-a", "I-a-b", False),
    ],
)
def test_which_tag_may_follow_which(previous, tag, allowed):
    assert may_follow(previous, tag) is allowed


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("O", ("O", "")),
        ("B-PER", ("B", "PER")),
        ("I-PER", ("I", "PER")),
        ("B-work-of-art", ("B", "work-of-art")),
        ("I--", ("I", "-")),
        ("B-O", ("B", "O")),
        ("B-组织", ("B", "组织")),
    ],
)
def test_a_tag_is_a_prefix_and_a_label_which_may_hold_hyphens(tag, parts):
    assert split(tag) == parts


@pytest.mark.parametrize("tag", ["", "B", "I", "B-", "-PER", "E-PER", "S-PER", "PER", "o", "b-PER", "BPER", "O-PER"])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError, match="is not a tag: O, B-label or I-label"):
        split(tag)


def test_tags_of_gives_outside_then_both_tags_of_each_label_in_order():
    assert tags_of(["PER", "LOC"]) == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_labels_of_gives_each_label_once_sorted():
    assert labels_of(["O", "B-PER", "I-PER", "I-LOC", "B-a-b"]) == ("LOC", "PER", "a-b")


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-PER", [Span(0, 1, "PER")]),
        ("B-PER I-PER O", [Span(0, 2, "PER")]),
        ("O B-PER I-PER", [Span(1, 3, "PER")]),
        ("B-PER B-PER", [Span(0, 1, "PER"), Span(1, 2, "PER")]),
        ("B-PER I-PER B-LOC", [Span(0, 2, "PER"), Span(2, 3, "LOC")]),
        ("B-a-b I-a-b O B-a", [Span(0, 2, "a-b"), Span(3, 4, "a")]),
    ],
)
def test_the_names_that_tags_mark(tags, spans):
    assert spans_of(tags.split()) == spans


@pytest.mark.parametrize(
    ("tags", "position", "message"),
    [
        ("I-PER", 0, "I-PER may not follow O"),
        ("O I-PER", 1, "I-PER may not follow O"),
        ("B-PER I-PER I-LOC O", 2, "I-LOC may not follow I-PER"),
        ("B-PER O I-PER", 2, "I-PER may not follow O"),
        ("O B-PER E-PER", 2, "'E-PER' is not a tag"),
        ("B- O", 0, "'B-' is not a tag"),
        ("O O X I-PER", 2, "'X' is not a tag"),
    ],
)
def test_a_tag_error_tells_the_first_position_that_is_wrong(tags, position, message):
    with pytest.raises(TagError, match=message) as caught:
        spans_of(tags.split())
    assert caught.value.position == position


def test_spans_and_tags_are_inverse_for_every_valid_sequence():
    tried = 0
    for tags in product(tags_of(["PER", "a-b"]), repeat=5):
        if all(map(may_follow, ("O", *tags), tags)):
            assert tags_from(spans_of(tags), 5) == tags
            tried += 1
    assert tried == 571  # of 3,125: any of O and two B after each tag, and one I after each B or I


def test_a_sequence_is_refused_exactly_when_some_tag_may_not_follow():
    for tags in product(tags_of(["PER", "LOC"]), repeat=4):
        wrong = [n for n, pair in enumerate(zip(("O", *tags), tags, strict=False)) if not may_follow(*pair)]
        if wrong:
            with pytest.raises(TagError) as caught:
                spans_of(tags)
            assert caught.value.position == wrong[0]
        else:
            spans_of(tags)


def test_the_spans_of_a_sentence_may_come_in_any_order():
    assert tags_from([Span(2, 3, "LOC"), Span(0, 2, "PER")], 3) == ("B-PER", "I-PER", "B-LOC")


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([Span(1, 1, "PER")], "is empty or outside a sentence of 3 tokens"),
        ([Span(2, 1, "PER")], "is empty or outside"),
        ([Span(-1, 1, "PER")], "is empty or outside"),
        ([Span(2, 4, "PER")], "is empty or outside"),
        ([Span(0, 2, "PER"), Span(1, 3, "LOC")], "overlaps another span"),
        ([Span(0, 1, "PER"), Span(0, 1, "PER")], "overlaps another span"),
    ],
)
def test_spans_that_no_sentence_can_hold_are_refused(spans, message):
    with pytest.raises(ValueError, match=message):
        tags_from(spans, 3)


@pytest.mark.parametrize(
    ("places", "spans", "alone"),
    [
        ([(0, 3)], [(0, 1)], [(0, 1)]),
        ([(0, 8)], [(0, 2)], [(0, 2)]),
        ([(1, 2)], [(0, 1)], [(0, 1)]),  # inside of a token
        ([(2, 5)], [(0, 2)], [(0, 2)]),
        ([(3, 5)], [(1, 2)], [(1, 2)]),
        ([(4, 5), (6, 8)], [(1, 2), (1, 2)], [(1, 2)]),  # two in a token
        ([(4, 5), (6, 10)], [(1, 2), (1, 3)], [(1, 2), (2, 3)]),
        ([], [], []),
    ],
)
def test_an_entity_spans_the_tokens_of_which_it_has_a_character(
    places: list[tuple[int, int]], spans: list[tuple[int, int]], alone: list[tuple[int, int]]
) -> None:
    text = "abc defg hi"
    tokens = [Token(text[start:end], start, end) for start, end in ((0, 3), (4, 8), (9, 11))]
    found = spans_over([Entity(start, end, "X", text[start:end], 1.0) for start, end in places], tokens)
    assert found == [Span(start, end, "X") for start, end in spans]
    assert list(without_overlap(found)) == [Span(start, end, "X") for start, end in alone]


@pytest.mark.parametrize(
    ("places", "others", "left"),
    [
        ([(0, 3), (4, 6)], [], [(0, 3), (4, 6)]),
        ([(0, 3), (4, 6)], [(3, 4)], [(0, 3), (4, 6)]),
        ([(0, 3), (4, 6)], [(2, 5)], []),
        ([(0, 3), (4, 6), (8, 9)], [(5, 8)], [(0, 3), (8, 9)]),
        ([(0, 9)], [(3, 4), (5, 6)], []),
    ],
)
def test_entities_apart_share_no_character_with_the_others(places, others, left):
    def entities(of):
        return [Entity(start, end, "X", "x" * (end - start), 1.0) for start, end in of]

    assert list(apart(entities(places), entities(others))) == entities(left)
