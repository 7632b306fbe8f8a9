"""The table of words seen before: each word is computed once, a slice at a time, within a bound."""

import pytest
import torch

from nerve.model.word_table import WordTable


class Counted:
    """A word's representation is its normal form's id and its length; `calls` has the words of each call."""

    def __init__(self):
        self.calls = []
        self.interrupted = False

    def __call__(self, features, characters):
        self.calls.append(len(features))
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        return torch.stack([features[:, 0], (characters > 0).sum(1)], 1).float()


@pytest.fixture
def represent():
    return Counted()


@pytest.fixture
def look_up(vocabulary, represent):
    """Builds a table and returns the function that looks sentences up in it: the vector of each word."""

    def make(**bounds):
        table = WordTable(vocabulary.ids, represent, lambda vectors: 10 * vectors, **bounds)

        def look_up(*sentences):
            rows_of, rows = table.look_up([words.split() for words in sentences])
            return rows_of[rows].tolist()

        return table, look_up

    return make


def vectors(vocabulary, *words):
    return [[10.0 * word.features[0], 10.0 * len(word.characters)] for word in vocabulary.ids(words)]


def test_each_word_gets_its_vector_sentence_after_sentence(vocabulary, look_up):
    _, vectors_of = look_up()
    assert vectors_of("Angela visited", "New York") == vectors(vocabulary, "Angela", "visited", "New", "York")


def test_a_word_is_computed_when_it_is_first_seen_and_never_again(represent, look_up):
    table, vectors_of = look_up()
    first = vectors_of("Angela visited Angela")
    vectors_of("visited York", "Angela")
    assert vectors_of("Angela visited Angela") == first
    assert represent.calls == [2, 1]
    assert len(table) == 3


def test_new_words_are_computed_a_slice_at_a_time(represent, vocabulary, look_up):
    _, vectors_of = look_up(slice_words=2)
    assert vectors_of("Angela Merkel visited New York") == vectors(
        vocabulary, "Angela", "Merkel", "visited", "New", "York"
    )
    assert len(represent.calls) == 3
    assert max(represent.calls) == 2


def test_a_full_table_is_emptied_and_never_exceeds_its_capacity(vocabulary, look_up):
    table, vectors_of = look_up(capacity=3)
    for words, held in (("Angela Merkel", 2), ("Merkel visited", 3), ("New York", 2), ("York New Angela", 3)):
        assert vectors_of(words) == vectors(vocabulary, *words.split())
        assert len(table) == held


def test_a_look_up_that_was_interrupted_leaves_no_word_without_its_vector(represent, vocabulary, look_up):
    _, vectors_of = look_up(slice_words=2)
    vectors_of("New")
    represent.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        vectors_of("Angela Merkel New York")
    assert vectors_of("Angela Merkel New York") == vectors(vocabulary, "Angela", "Merkel", "New", "York")


def test_words_that_differ_in_unknown_characters_alone_have_one_vector_and_a_row_each(vocabulary, look_up):
    table, vectors_of = look_up()
    first, second, other = vectors_of("北北 京京 York")
    assert first == second != other
    assert [first, other] == vectors(vocabulary, "北北", "York")
    assert len(table) == 3
