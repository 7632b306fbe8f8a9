"""Errors sorted by kind, their groups and their order, on sentences made by hand and on a real training."""

from pathlib import Path

import pytest

from nerve.model.annotation import Span
from nerve.model.archive import Archive, load
from nerve.training.evaluate import own_file, to_score
from nerve.training.measure import errors, scores
from nerve.training.measure.errors import KINDS, Error, ReadSentence, paired
from nerve.training.measure.scores import ScoredSentence

PER, LOC, LONG, LATE = Span(1, 3, "PER"), Span(1, 3, "LOC"), Span(1, 5, "PER"), Span(2, 4, "LOC")


@pytest.mark.parametrize(
    ("gold", "predicted", "wrong"),
    [
        ((), (), []),
        ((PER,), (PER,), []),
        ((PER,), (), [(PER, None, "missed")]),
        ((), (PER,), [(None, PER, "spurious")]),
        ((PER,), (LOC,), [(PER, LOC, "wrong label")]),
        ((PER,), (LONG,), [(PER, LONG, "wrong boundary")]),
        ((PER,), (LATE,), [(PER, LATE, "wrong boundary")]),
        # side by side is apart
        ((PER,), (Span(3, 5, "PER"),), [(PER, None, "missed"), (None, Span(3, 5, "PER"), "spurious")]),
        # one predicted name meets one gold name: that with which it shares most
        ((Span(0, 1, "PER"), Span(1, 3, "PER")), (Span(0, 3, "PER"),),
         [(Span(0, 1, "PER"), None, "missed"), (Span(1, 3, "PER"), Span(0, 3, "PER"), "wrong boundary")]),
        # where they share as much, that of the same label
        ((Span(0, 1, "LOC"), Span(1, 2, "PER")), (Span(0, 2, "PER"),),
         [(Span(0, 1, "LOC"), None, "missed"), (Span(1, 2, "PER"), Span(0, 2, "PER"), "wrong boundary")]),
        # a right name meets no other
        ((PER,), (PER, Span(4, 5, "LOC")), [(None, Span(4, 5, "LOC"), "spurious")]),
    ],
)  # fmt: skip
def test_an_error_is_of_one_kind(
    gold: tuple[Span, ...], predicted: tuple[Span, ...], wrong: list[tuple[Span | None, Span | None, str]]
) -> None:
    found = paired(ScoredSentence(6, gold, predicted))
    assert [(one, other, Error(one, other, 0.5, None).kind) for one, other in found] == wrong


def sentence(number: int, *found: Error, length: int = 4) -> ReadSentence:
    return ReadSentence(number, ("a",) * length, ScoredSentence(length, (), ()), found)


def test_the_surest_errors_come_first_and_right_sentences_not_at_all() -> None:
    low, high = Error(None, PER, 0.4, None), Error(PER, None, 0.95, 0.01)
    given = [sentence(1, low), sentence(2), sentence(3, low, high), sentence(4, low)]
    assert [one.number for one in errors.suspicious_first(given)] == [3, 1, 4]
    assert [high.suspicious, low.suspicious] == [True, False]


@pytest.fixture(scope="module")
def archive(trained: Path) -> Archive:
    return load(trained)


@pytest.fixture(scope="module")
def read(archive: Archive, toy_files: list[str]) -> list[ReadSentence]:
    """The toy corpus with the label ORG replaced by LOC, so that the tagger is wrong."""
    corpus = to_score(archive, own_file(Path(toy_files[-1]), {"ORG": "LOC"}), "test", ())
    return errors.read(archive, corpus, "test")


def test_errors_and_right_names_are_all_names(read: list[ReadSentence]) -> None:
    assert any(one.errors for one in read)
    for one in read:
        right = set(one.names.gold) & set(one.names.predicted)
        assert right | {error.gold for error in one.errors if error.gold} == set(one.names.gold)
        assert right | {error.predicted for error in one.errors if error.predicted} == set(one.names.predicted)


def test_each_error_has_probabilities(read: list[ReadSentence]) -> None:
    for error in (error for one in read for error in one.errors):
        assert 0 <= error.score <= 1
        assert (error.gold_score is None) == (error.gold is None)
        # Two things that cannot both be.
        assert error.score + (error.gold_score or 0) <= 1 + 1e-4


def test_the_f1_of_a_label_is_that_of_the_scores(read: list[ReadSentence]) -> None:
    stated = scores.score([one.names for one in read]).labels
    found = errors.by_label(read, tuple(stated))
    assert {label: round(group.f1, 2) for label, group in found.items()} == {
        label: own.f1 for label, own in stated.items()
    }


def test_every_grouping_holds_all_names_and_all_errors(read: list[ReadSentence], archive: Archive) -> None:
    words = errors.trained_words(archive)
    for groups in (errors.by_label(read, archive.labels), errors.by_word(read, words), errors.by_length(read)):
        assert sum(group.names for group in groups.values()) == sum(len(one.names.gold) for one in read)
        assert sum(group.kinds[kind] for group in groups.values() for kind in KINDS) == sum(
            len(one.errors) for one in read
        )


def test_a_name_is_seen_if_all_its_words_are() -> None:
    names = ScoredSentence(4, (Span(0, 2, "LOC"), Span(3, 4, "LOC")), ())
    one = ReadSentence(1, ("New", "York", "and", "Oslo"), names, ())
    counts = [group.names for group in errors.by_word([one], {"new", "oslo"}).values()]
    assert counts == [1, 1]


@pytest.mark.parametrize(("length", "group"), [(1, 0), (10, 0), (11, 1), (20, 1), (40, 2), (41, 3), (400, 3)])
def test_a_sentence_is_in_the_group_of_its_length(length: int, group: int) -> None:
    one = ReadSentence(1, ("a",) * length, ScoredSentence(length, (Span(0, 1, "PER"),), ()), ())
    assert [found.names for found in errors.by_length([one]).values()] == [int(n == group) for n in range(4)]


def test_the_trained_words_are_those_of_the_train_file(archive: Archive) -> None:
    words = errors.trained_words(archive)
    assert "visited" in words
    assert "wuppertal" not in words
