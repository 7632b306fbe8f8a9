"""Sentences that are read together."""

import pytest

from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated
from recipes.passages import joined, parted, passages
from recipes.silver import UNKNOWN

ANNA = Annotated(("Anna", "slept"), (Span(0, 1, "PER"),), ())
OSLO = Annotated(("In", "Oslo"), (Span(1, 2, "LOC"),), (Span(0, 1, UNKNOWN),))


@pytest.mark.parametrize(
    ("longest", "sizes"),
    [(0, [1, 1, 1]), (3, [1, 1, 1]), (4, [2, 1]), (5, [2, 1]), (6, [3])],
)
def test_a_passage_has_as_many_sentences_as_fit_and_at_least_one(longest: int, sizes: list[int]) -> None:
    assert [len(passage) for passage in passages([ANNA, OSLO, ANNA], longest)] == sizes


def test_a_joined_passage_has_the_names_of_its_sentences() -> None:
    assert joined([ANNA, OSLO]) == Annotated(
        ("Anna", "slept", "In", "Oslo"), (Span(0, 1, "PER"), Span(3, 4, "LOC")), (Span(2, 3, UNKNOWN),)
    )


def test_parted_undoes_joined() -> None:
    assert list(parted(joined([ANNA, OSLO, ANNA]), [2, 2, 2])) == [ANNA, OSLO, ANNA]


def test_a_name_across_two_sentences_is_unknown_in_both() -> None:
    whole = Annotated(("He", "met", "Anna", "Oslo", "sleeps"), (Span(2, 4, "PER"),), ())
    assert [one.unknown for one in parted(whole, [3, 2])] == [(Span(2, 3, UNKNOWN),), (Span(0, 1, UNKNOWN),)]
    assert [one.spans for one in parted(whole, [3, 2])] == [(), ()]
