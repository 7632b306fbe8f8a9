"""Strings to ids."""

import json
from dataclasses import replace

import pytest

from nerve.model.vocabulary import (
    FEATURES,
    MAX_CHARACTERS,
    PADDING,
    UNKNOWN,
    Vocabulary,
    WordIds,
    features,
    normal_form,
    pairs,
    shape,
)


def vocabulary_of(*words: str, min_count: int = 1) -> Vocabulary:
    """That of one sentence."""
    return Vocabulary.build([words], min_count)


def ids(vocabulary: Vocabulary, word: str) -> WordIds:
    """The ids of a word that is a sentence by itself."""
    (found,) = vocabulary.ids([word])
    return found


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


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Merkel", "merkel"),
        ("NATO", "nato"),
        ("ÉTÉ", "été"),
        ("E\u0301te\u0301", "été"),  # as two characters or as one
        ("2005", "0000"),
        ("B-52s", "b-00s"),
        ("٣", "0"),
        ("²", "0"),
        ("ＮＨＫ", "nhk"),  # full-width
        ("２０２４", "0000"),
        ("（", "("),
        ("ｶﾞ", "ガ"),  # half-width
        ("ﬁnal", "final"),  # a ligature
        ("㈱", "(株)"),
        ("…", "..."),
        ("™", "tm"),  # upper case only once it is taken apart
        ("𝐍𝐀𝐓𝐎", "nato"),
        ("北京", "北京"),
        ("😀", "😀"),
    ],
)
def test_the_normal_form_of_a_word(word, expected):
    assert normal_form(word) == expected
    assert normal_form(expected) == expected


def test_ids_count_from_two_by_falling_count_then_by_the_string():
    vocabulary = vocabulary_of("b", "b", "c", "a")
    assert vocabulary.words == ("b", "a", "c")
    assert [word.features[0] for word in vocabulary.ids(["b", "a", "c"])] == [2, 3, 4]


def test_what_is_unknown_has_the_unknown_id_and_nothing_has_that_of_padding():
    vocabulary = vocabulary_of("Paris")
    r, i = (ids(vocabulary, character).characters[0] for character in "ri")
    assert ids(vocabulary, "Zürich") == ((UNKNOWN,) * 3 + (2,), (UNKNOWN, UNKNOWN, r, i, UNKNOWN, UNKNOWN))
    assert PADDING not in ids(vocabulary, "Paris").features + ids(vocabulary, "Paris").characters


def test_an_unseen_word_shares_the_ids_of_its_affixes_and_its_shape():
    vocabulary = vocabulary_of("Merkel", "Hinkel")
    word, prefix, suffix, form = ids(vocabulary, "Merrikel").features
    known = ids(vocabulary, "Merkel").features
    assert word == UNKNOWN
    assert (prefix, suffix, form) == known[1:]


def test_case_and_digits_do_not_change_a_words_normal_form():
    vocabulary = vocabulary_of("march", "2005")
    assert ids(vocabulary, "MARCH").features[0] == ids(vocabulary, "march").features[0] != UNKNOWN
    assert ids(vocabulary, "1999").features[0] == ids(vocabulary, "2005").features[0] != UNKNOWN


def test_what_is_rarer_than_min_count_stays_unknown():
    vocabulary = vocabulary_of("aaa", "aaa", "bcd", min_count=2)
    assert vocabulary.words == ("aaa",)
    assert ids(vocabulary, "bcd").features[0] == UNKNOWN
    assert vocabulary.characters == ("a",)
    assert vocabulary.shapes == ("xx",), "all three words have it"


def test_the_order_of_the_words_does_not_change_a_vocabulary_without_pairs():
    words = ["the", "cat", "sat", "on", "the", "mat"]
    assert vocabulary_of(*words) == vocabulary_of(*words[::-1])
    assert Vocabulary.build([words[:2], words[2:]]) == vocabulary_of(*words)


@pytest.mark.parametrize("with_pairs", [True, False])
@pytest.mark.parametrize("lexicon", [None, (), ("北京大学 北京大學", "😀😀")])
def test_json_and_back_gives_an_equal_vocabulary(with_pairs, lexicon):
    built = Vocabulary.build([["Zürich", "北京", "U.S."], ["😀", '"']], with_pairs=with_pairs)
    vocabulary = replace(built, lexicon=lexicon)
    back = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert back == vocabulary
    assert back.ids(["北京", "😀"]) == vocabulary.ids(["北京", "😀"])


@pytest.mark.parametrize("table", [*FEATURES, "characters"])
def test_json_without_one_of_the_tables_is_refused(table):
    tables = vocabulary_of("a").to_json()
    del tables[table]
    with pytest.raises(KeyError, match=table):
        Vocabulary.from_json(tables)


@pytest.mark.parametrize("table", ["pairs", "lexicon"])
def test_json_without_pairs_or_lexicon_is_that_of_a_vocabulary_that_does_not_look_at_them(table):
    assert table not in vocabulary_of("a").to_json()
    assert getattr(Vocabulary.from_json(vocabulary_of("a").to_json()), table) is None


def test_every_id_is_a_row_of_its_table():
    sentences = [["Geneva-2", "NATO", "the", "the"], ["the"]]
    vocabulary = Vocabulary.build(sentences, with_pairs=True)
    words = [word for sentence in sentences for word in vocabulary.ids(sentence)]
    for column, name in enumerate(FEATURES):
        assert {word.features[column] for word in words} == rows(vocabulary, name)
    assert {one for word in words for one in word.characters} == rows(vocabulary, "characters")
    assert {one for word in words for one in word.features[len(FEATURES) :]} == rows(vocabulary, "pairs")


def rows(vocabulary, name):
    """The ids of a table's strings."""
    return set(range(UNKNOWN + 1, UNKNOWN + 1 + len(vocabulary.table(name))))


@pytest.mark.parametrize("table", ["pairs", "lexicon"])
def test_a_vocabulary_without_pairs_or_lexicon_has_an_empty_table_of_them(table):
    assert vocabulary_of("a").table(table) == ()


@pytest.mark.parametrize("with_pairs", [True, False])
def test_the_words_of_the_lexicon_are_the_last_features_of_a_word(with_pairs):
    built = Vocabulary.build(["北京"], with_pairs=with_pairs)
    vocabulary = replace(built, lexicon=("大学", "北京"))
    assert [word.features[:-3] for word in vocabulary.ids("北京")] == [word.features for word in built.ids("北京")]
    # In the normal form, as everywhere.
    vocabulary = replace(built, lexicon=("大学", "a股"))
    assert [word.features[-3:] for word in vocabulary.ids("大学Ａ股")] == [
        (2, UNKNOWN, UNKNOWN),
        (UNKNOWN, 2, UNKNOWN),
        (3, UNKNOWN, UNKNOWN),
        (UNKNOWN, 3, UNKNOWN),
    ]


def test_words_in_one_row_of_the_lexicon_have_one_id():
    vocabulary = replace(vocabulary_of("a"), lexicon=("中国 中國", "大学"))
    assert [vocabulary.ids(word)[0].features[-3] for word in ("中国", "中國", "大学")] == [2, 2, 3]
    assert {word.features[-3:] for word in vocabulary.ids("国大")} == {(UNKNOWN,) * 3}, "no word has a space"


@pytest.mark.parametrize("lexicon", [["ab cd", "ef ab"], ["ab ab"], ["ab", "ab"]])
def test_json_with_a_word_of_the_lexicon_in_two_places_is_refused(lexicon):
    with pytest.raises(ValueError, match="the vocabulary's lexicon hold a string twice"):
        Vocabulary.from_json({**vocabulary_of("a").to_json(), "lexicon": lexicon})


def test_a_very_long_word_is_known_by_its_beginning_and_its_end():
    word = "a" * 16 + "x" * 1000 + "b" * 8
    vocabulary = vocabulary_of("ab")
    a, b = ids(vocabulary, "ab").characters
    assert ids(vocabulary, word).characters == (a,) * 16 + (b,) * 8
    assert len(ids(vocabulary, word).characters) == MAX_CHARACTERS


def test_the_memory_of_words_is_bounded_and_changes_no_answer(monkeypatch):
    monkeypatch.setattr("nerve.model.vocabulary._CACHED_WORDS", 3)
    vocabulary = vocabulary_of(*"abcde")
    first = vocabulary.ids("abcde")
    assert vocabulary.ids("abcde") == first
    assert vocabulary.remembered <= 3


# -- pairs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("北", ["北", "北"]),  # with the edge, which adds nothing
        ("北京", ["北", "北京", "京"]),
        ("北京北", ["北", "北京", "京北", "北"]),
        (["New", "York"], ["new", "newyork", "york"]),
        ("Ａ１", ["a", "a0", "0"]),  # in the normal form
    ],
)
def test_the_pairs_of_a_sentence(sentence, expected):
    assert pairs(sentence) == expected


def test_pairs_are_counted_within_sentences_most_frequent_first():
    vocabulary = Vocabulary.build(["北京", "北京人", "京"], with_pairs=True)
    assert vocabulary.pairs == ("京", "北", "北京", "京人", "人")


def test_pairs_that_are_rarer_than_min_count_stay_unknown():
    assert Vocabulary.build(["北京", "北京人"], 2, with_pairs=True).pairs == ("北", "北京")


def test_a_word_has_the_ids_of_its_pairs_with_its_left_and_its_right_neighbour():
    vocabulary = Vocabulary.build(["北京人"], with_pairs=True)
    pair = {string: n for n, string in enumerate(vocabulary.table("pairs"), start=UNKNOWN + 1)}
    found = [word.features[len(FEATURES) :] for word in vocabulary.ids("北京人")]
    assert found == [(pair["北"], pair["北京"]), (pair["北京"], pair["京人"]), (pair["京人"], pair["人"])]


def test_a_pair_never_seen_is_unknown_though_both_its_words_are_known():
    vocabulary = Vocabulary.build(["北京"], with_pairs=True)
    left, right = vocabulary.ids("京北")
    assert left.features[0] != UNKNOWN != right.features[0]
    assert left.features[-1] == right.features[-2] == UNKNOWN


def test_pairs_leave_the_other_ids_as_they_are():
    sentence = ["New", "York", ",", "New", "York"]
    plain, paired = (Vocabulary.build([sentence], with_pairs=with_pairs) for with_pairs in (False, True))
    assert [word.features[: len(FEATURES)] for word in paired.ids(sentence)] == [
        word.features for word in plain.ids(sentence)
    ]
    assert [word.characters for word in paired.ids(sentence)] == [word.characters for word in plain.ids(sentence)]


@pytest.mark.parametrize("with_pairs", [True, False])
def test_a_sentence_without_words_has_no_ids(with_pairs):
    vocabulary = Vocabulary.build(["a"], with_pairs=with_pairs)
    assert vocabulary.ids([]) == replace(vocabulary, lexicon=("ab",)).ids([]) == ()
