"""The difference of two taggers, its interval, and the sentences that one alone gets right."""

import random
from collections.abc import Sequence

import pytest

from nerve.model.annotation import Span
from nerve.training.measure import comparison, scores
from nerve.training.measure.errors import Error, ReadSentence
from nerve.training.measure.scores import ScoredSentence

NAMES = (Span(0, 1, "PER"), Span(2, 4, "LOC"))


def sentences(share: float, seed: int, count: int = 200) -> list[ScoredSentence]:
    """Sentences with two names, each of which is found with this probability, else with a wrong boundary."""
    generator = random.Random(seed)
    found = []
    for _ in range(count):
        predicted = tuple(
            span if generator.random() < share else Span(span.start, span.end + 1, span.label) for span in NAMES
        )
        found.append(ScoredSentence(6, NAMES, predicted))
    return found


def each(count: int = 200) -> Sequence[int]:
    """Each sentence a document."""
    return range(count)


def test_both_f1_are_those_of_the_scores_for_all_names_and_for_each_label() -> None:
    first, second = sentences(0.6, 1), sentences(0.8, 2)
    for label in (None, "PER", "LOC"):
        found = comparison.difference(first, second, each(), label)
        stated = [scores.score(some) for some in (first, second)]
        expected = [(one.labels[label] if label else one).f1 for one in stated]
        assert [round(found.first, 2), round(found.second, 2)] == expected
        assert found.names == (200 if label else 400)


def test_a_large_difference_is_no_chance_and_its_sign_says_who_is_better() -> None:
    worse, better = sentences(0.6, 1), sentences(0.8, 2)
    found, back = comparison.difference(worse, better, each()), comparison.difference(better, worse, each())
    assert 0 < found.low < found.points < found.high
    assert (found.verdict, found.better) == ("B is better", 1.0)
    assert (back.verdict, back.better) == ("A is better", 0.0)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_taggers_that_say_the_same_do_not_differ() -> None:
    same = sentences(0.7, 1)
    found = comparison.difference(same, same, each())
    assert (found.low, found.points, found.high) == (0.0, 0.0, 0.0)
    assert found.verdict == "the difference may be chance"


def test_the_interval_is_that_of_the_definition() -> None:
    """The standard error of a mean of independent differences, by formula: of 200 with a variance that is known."""
    # One name a sentence: A finds none of them, B a half, so the difference of recall is a mean of 200 coins.
    gold = (Span(0, 1, "PER"),)
    wrong = (Span(3, 4, "PER"),)
    first = [ScoredSentence(6, gold, wrong)] * 200
    second = [ScoredSentence(6, gold, gold if number % 2 else wrong) for number in range(200)]
    found = comparison.difference(first, second, each())
    error = 100 * (0.5 * 0.5 / 200) ** 0.5
    assert found.points == 50.0
    assert (found.low, found.high) == pytest.approx((50 - 1.96 * error, 50 + 1.96 * error), abs=1.0)


def test_sentences_of_one_document_are_drawn_together_so_that_the_interval_is_wider() -> None:
    # In every document of twenty sentences one tagger is right throughout, and the other one nowhere.
    gold, wrong = (Span(0, 1, "PER"),), (Span(3, 4, "PER"),)
    right = [number // 20 % 2 == 0 for number in range(400)]
    first = [ScoredSentence(6, gold, gold if one else wrong) for one in right]
    second = [ScoredSentence(6, gold, wrong if one else gold) for one in right]
    alone = comparison.difference(first, second, range(400))
    together = comparison.difference(first, second, [number // 20 for number in range(400)])
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_without_names_nothing_differs() -> None:
    empty = [ScoredSentence(3, (), ())]
    found = comparison.difference(empty, empty, [0])
    assert (found.names, found.first, found.second, found.points) == (0, 0.0, 0.0, 0.0)


def test_who_alone_is_right_is_shown_with_the_errors_of_the_other_the_surest_first() -> None:
    low, high = Error(None, Span(0, 1, "PER"), 0.4, None), Error(None, Span(0, 1, "PER"), 0.9, None)

    def read(*found: tuple[Error, ...]) -> list[ReadSentence]:
        return [
            ReadSentence(number, ("a", "b"), ScoredSentence(2, (), ()), errors)
            for number, errors in enumerate(found, start=1)
        ]

    first = read((), (low,), (), (), (low,))
    second = read((low,), (), (), (high,), (low,))
    found = comparison.only_right(first, second)
    assert [one.number for one in found["A"]] == [4, 1]
    assert [one.number for one in found["B"]] == [2]
    assert found["A"][0].errors == (high,)
