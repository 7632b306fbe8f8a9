"""What a request gives, as a text with the tokens of its sentences."""

import pytest

from nerve.model.annotation import Token
from nerve.service.annotate.document import Source, characters, read


def test_a_text_has_the_sentences_of_the_tokenizer() -> None:
    document = read("Ann left.\n\nBob")
    assert document.text == "Ann left.\n\nBob"
    assert [[token.text for token in sentence] for sentence in document.sentences] == [["Ann", "left", "."], ["Bob"]]


def test_tokens_are_one_sentence_with_a_space_between_them() -> None:
    text, (sentence,) = read(["Ann", "left", "New York", "😀", "."])
    assert text == "Ann left New York 😀 ."
    assert list(sentence) == [
        Token("Ann", 0, 3),
        Token("left", 4, 8),
        Token("New York", 9, 17),
        Token("😀", 18, 19),
        Token(".", 20, 21),
    ]


@pytest.mark.parametrize("source", ["", " \n", []])
def test_nothing_has_no_sentence(source: Source) -> None:
    assert read(source).sentences == []


@pytest.mark.parametrize("source", ["", "Ann left.", [], ["Ann"], ["Ann", "left"]])
def test_the_characters_of_a_source_are_those_of_its_text(source: Source) -> None:
    assert characters(source) == len(read(source).text)


def test_a_text_is_read_no_further_than_the_most_tokens_that_are_wanted() -> None:
    assert len(read("It rains. " * 10, most=4).tokens) == 6
