"""The columns of a sentence's tokens are a list of them to whoever asks for one."""

import pytest

from nerve.model.annotation import Token, Tokens

LISTED = [Token("Ada", 2, 5), Token("wrote", 6, 11), Token(".", 11, 12)]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(["Ada", "wrote", "."], [2, 6, 11])


def test_they_are_read_as_a_list_is(tokens: Tokens) -> None:
    assert len(tokens) == len(LISTED)
    assert list(tokens) == LISTED
    assert [tokens[n] for n in (0, 1, 2, -1)] == [LISTED[n] for n in (0, 1, 2, -1)]
    assert tokens.ends == [token.end for token in LISTED]


def test_there_is_no_token_behind_the_last_one(tokens: Tokens) -> None:
    with pytest.raises(IndexError):
        tokens[3]


@pytest.mark.parametrize("piece", [slice(1), slice(1, None), slice(1, 1), slice(-1, None)], ids=str)
def test_a_slice_has_columns_too(tokens: Tokens, piece: slice) -> None:
    assert tokens[piece] == Tokens.of(LISTED[piece])
    assert list(tokens[piece]) == LISTED[piece]


def test_they_are_equal_if_words_and_places_are(tokens: Tokens) -> None:
    assert tokens == Tokens.of(LISTED)
    assert tokens != Tokens(["Ada", "wrote", "."], [2, 6, 12])
    assert tokens != Tokens(["Ada", "wrote", "!"], [2, 6, 11])
    assert tokens != LISTED


def test_what_is_in_columns_stays_as_it_is(tokens: Tokens) -> None:
    assert Tokens.of(tokens) is tokens
    assert repr(tokens) == "Tokens(['Ada', 'wrote', '.'], [2, 6, 11])"
