"""Sentences in another case: which words change, and what stays."""

import pytest

from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated
from nerve.training.data.recasing import recased

SENTENCE = Annotated(("Ann", "met", "McDonald", "in", "Rome", "."), (Span(0, 1, "PER"), Span(4, 5, "LOC")), ())
FORMS = {
    "lower case": ("ann", "met", "mcdonald", "in", "rome", "."),
    "capitals": ("ANN", "MET", "MCDONALD", "IN", "ROME"),
    "a headline": ("Ann", "Met", "McDonald", "In", "Rome"),
}


def forms(sentence: Annotated) -> set[Annotated]:
    """Every form that a sentence gets."""
    return {recased([sentence], 1.0, seed)[0] for seed in range(20)}


def test_the_forms_are_lower_case_capitals_and_a_headline() -> None:
    assert {found.tokens for found in forms(SENTENCE)} == set(FORMS.values())


def test_names_stay_where_they_are() -> None:
    assert {(found.spans, found.unknown) for found in forms(SENTENCE)} == {(SENTENCE.spans, SENTENCE.unknown)}


@pytest.mark.parametrize(
    "sentence",
    [
        Annotated(("Acme", "Inc", "."), (Span(0, 3, "ORG"),), ()),
        Annotated(("Acme", "Inc", "."), (), (Span(0, 3, "?"),)),
        Annotated((".",), (), ()),
    ],
)
def test_a_full_stop_stays_that_is_part_of_a_name_or_stands_alone(sentence: Annotated) -> None:
    assert {len(found.tokens) for found in forms(sentence)} == {len(sentence.tokens)}


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 10), (1.0, 40)])
def test_the_share_says_how_many(share: float, count: int) -> None:
    assert len(recased([SENTENCE] * 40, share, 1)) == count


def test_the_seed_decides_which() -> None:
    sentences = [Annotated((f"A{n}", "b"), (), ()) for n in range(50)]
    assert recased(sentences, 0.2, 1) == recased(sentences, 0.2, 1) != recased(sentences, 0.2, 2)
