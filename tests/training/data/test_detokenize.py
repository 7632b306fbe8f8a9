"""Gold tokens written as text, with the offsets of tokens and names."""

import pytest

from nerve.model.annotation import Span
from nerve.model.tokenizer import tokenize
from nerve.training.data.detokenize import join, to_document

# Tokens with spaces between, and the text one would write.
TEXTS = [
    ("The cat sat .", "The cat sat."),
    ("Obama ( born 1961 ) , of Hawaii ; left : now !", "Obama (born 1961), of Hawaii; left: now!"),
    ("I do n't think it 's Britain 's", "I don't think it's Britain's"),
    ("It ’s , is n’t", "It’s, isn’t"),
    ("it ' s , do n ' t", "it's, do n't"),
    ('He said , " Stop . "', 'He said, "Stop."'),
    ('" Stop , " he said , " now . "', '"Stop," he said, "now."'),
    ('We left . "', 'We left."'),
    ('that , " he said , " is all . "', 'that," he said, "is all."'),
    ("the workers ' house", "the workers' house"),
    ("the ' old ' house", "the 'old' house"),
    ("“ Yes ” , ‘ no ’", "“Yes”, ‘no’"),
    ("`` Yes '' -LRB- so -RRB-", "``Yes'' -LRB-so-RRB-"),
    ("$ 5 , US$ 5 and 10 %", "$5, US$5 and 10%"),
    ("@ user : # tag", "@user: #tag"),
    ("at @ home", "at @home"),
    ("his / her", "his/her"),
    ("al - Qaeda , US - led , 2006 - 7", "al-Qaeda, US-led, 2006-7"),
    ("Tulkarem - the town - fell", "Tulkarem - the town - fell"),
    ("wait ... what ? !", "wait... what?!"),
    ("艾 达 （ Ada ） 去 了 伦 敦 ， 2010 年 。", "艾达（ Ada ）去了伦敦， 2010 年。"),
    ("東 京 タワー に 行 っ た 。", "東京タワーに行った。"),
    ("マリー キュリー", "マリー キュリー"),
    ("看 i P h o n e 1 5 h t t p : / / t . c n", "看iPhone15http://t.cn"),
    ("I I I", "I I I"),
]


@pytest.mark.parametrize(("tokens", "text"), TEXTS)
def test_tokens_are_joined_as_one_writes(tokens: str, text: str) -> None:
    assert join(tokens.split(" "))[0] == text


@pytest.mark.parametrize("tokens", [tokens for tokens, _ in TEXTS])
def test_each_offset_holds_its_token(tokens: str) -> None:
    text, offsets = join(tokens.split(" "))
    assert [text[start:end] for start, end in offsets] == tokens.split(" ")


def test_no_tokens_are_no_text() -> None:
    assert join([]) == ("", [])


def test_a_document_has_its_names_at_the_offsets_of_its_text() -> None:
    text, names = to_document(
        [
            (("Ann", "Lee", "'s", "cat", "."), [Span(0, 2, "PER")]),
            (("(", "Rome", ")"), [Span(1, 2, "LOC")]),
        ]
    )
    assert text == "Ann Lee's cat. (Rome)"
    assert names == [Span(0, 7, "PER"), Span(16, 20, "LOC")]


def test_a_sentence_without_an_end_stands_on_a_line_of_its_own() -> None:
    sentences = [(("hi", "Ann"), [Span(1, 2, "PER")]), (("Rome", "!"), [Span(0, 1, "LOC")])]
    assert to_document(sentences) == ("hi Ann\n\nRome!", [Span(3, 6, "PER"), Span(8, 12, "LOC")])


def test_no_sentences_are_an_empty_document() -> None:
    assert to_document([]) == ("", [])


def test_the_projects_tokenizer_undoes_it() -> None:
    written = "Mr. Smith , of the U.S. , did n't say \" It 's Britain 's al-Qaida , \" he said ( on Monday ) ."
    tokens = written.split(" ")
    assert [token.text for token in tokenize(join(tokens)[0])] == tokens
