"""Strings to ids."""

import json

import pytest

from model.vocabulary import FEATURES, MAX_CHARACTERS, PADDING, UNKNOWN, Vocabulary, features, shape


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Geneva-2", ("geneva-0", "Gen", "a-2", "Xxx-0")),
        ("a", ("a", "a", "a", "x")),
        ("2005", ("0000", "200", "005", "00")),
        ("U.S.", ("u.s.", "U.S", ".S.", "X.X.")),
        ("北京", ("北京", "北京", "北京", "LL")),
        ("٣", ("0", "٣", "٣", "0")),
    ],
)
def test_the_features_of_a_word(word, expected):
    assert features(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("McDonald's", "XxXxx.x"),
        ("NATO", "XX"),
        ("iPhone", "xXxx"),
        ("B-52s", "X-00x"),
        ("«", "."),
        ("😀😀", ".."),
        ("aB" * 20, "xX" * 6),
    ],
)
def test_the_shape_of_a_word(word, expected):
    assert shape(word) == expected


def test_ids_count_from_two_by_falling_count_then_by_the_string():
    vocabulary = Vocabulary.build(["b", "b", "c", "a"])
    assert vocabulary.words == ("b", "a", "c")
    assert [vocabulary.ids(word).features[0] for word in ("b", "a", "c")] == [2, 3, 4]


def test_what_is_unknown_has_the_unknown_id_and_nothing_has_that_of_padding():
    vocabulary = Vocabulary.build(["Paris"])
    assert vocabulary.ids("Zürich") == ((UNKNOWN,) * 3 + (2,), (UNKNOWN, UNKNOWN, vocabulary.ids("r").characters[0],
                                        vocabulary.ids("i").characters[0], UNKNOWN, UNKNOWN))  # fmt: skip
    assert PADDING not in vocabulary.ids("Paris").features + vocabulary.ids("Paris").characters


def test_an_unseen_word_shares_the_ids_of_its_affixes_and_its_shape():
    vocabulary = Vocabulary.build(["Merkel", "Hinkel"])
    word, prefix, suffix, form = vocabulary.ids("Merrikel").features
    known = vocabulary.ids("Merkel").features
    assert word == UNKNOWN
    assert (prefix, suffix, form) == known[1:]


def test_case_and_digits_do_not_change_a_words_normal_form():
    vocabulary = Vocabulary.build(["march", "2005"])
    assert vocabulary.ids("MARCH").features[0] == vocabulary.ids("march").features[0] != UNKNOWN
    assert vocabulary.ids("1999").features[0] == vocabulary.ids("2005").features[0] != UNKNOWN


def test_what_is_rarer_than_min_count_stays_unknown():
    vocabulary = Vocabulary.build(["aaa", "aaa", "bcd"], min_count=2)
    assert vocabulary.words == ("aaa",)
    assert vocabulary.ids("bcd").features[0] == UNKNOWN
    assert vocabulary.characters == ("a",)
    assert vocabulary.shapes == ("xx",), "all three words have it"


def test_the_order_of_the_words_does_not_change_a_vocabulary():
    words = ["the", "cat", "sat", "on", "the", "mat"]
    assert Vocabulary.build(words) == Vocabulary.build(words[::-1])


def test_json_and_back_gives_an_equal_vocabulary():
    vocabulary = Vocabulary.build(["Zürich", "北京", "U.S.", "😀", '"'])
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


@pytest.mark.parametrize("table", [*FEATURES, "characters"])
def test_json_without_one_of_the_tables_is_refused(table):
    tables = Vocabulary.build(["a"]).to_json()
    del tables[table]
    with pytest.raises(KeyError, match=table):
        Vocabulary.from_json(tables)


def test_every_id_is_a_row_of_the_embedding_of_its_size():
    words = ["Geneva-2", "NATO", "the", "the"]
    vocabulary = Vocabulary.build(words)
    ids = [vocabulary.ids(word) for word in words]
    for column, size in enumerate(vocabulary.sizes):
        assert max(one.features[column] for one in ids) == size - 1
    assert max(max(one.characters) for one in ids) == vocabulary.character_count - 1


def test_a_very_long_word_is_known_by_its_beginning_and_its_end():
    word = "a" * 16 + "x" * 1000 + "b" * 8
    vocabulary = Vocabulary.build(["ab"])
    a, b = vocabulary.ids("ab").characters
    assert vocabulary.ids(word).characters == (a,) * 16 + (b,) * 8
    assert len(vocabulary.ids(word).characters) == MAX_CHARACTERS


def test_the_memory_of_words_is_bounded_and_changes_no_answer(monkeypatch):
    monkeypatch.setattr("model.vocabulary._CACHED_WORDS", 3)
    vocabulary = Vocabulary.build(["a", "b", "c", "d", "e"])
    first = [vocabulary.ids(word) for word in "abcde"]
    assert [vocabulary.ids(word) for word in "abcde"] == first
    assert len(vocabulary._cache) <= 3
