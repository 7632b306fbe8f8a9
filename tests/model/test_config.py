"""The tagger's configuration refuses what cannot be built."""

from dataclasses import fields

import pytest

from nerve.model.config import TaggerConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "transformer"}, "cell is 'transformer'; it can be rnn, gru, lstm"),
        ({"cell": ["lstm"]}, r"cell is \['lstm'\]; it can be rnn, gru, lstm"),
        ({"hidden_size": 0}, "hidden_size is 0; it can be 1 to 4096"),
        ({"hidden_size": 4097}, "hidden_size is 4097; it can be 1 to 4096"),
        ({"hidden_size": 8.0}, "hidden_size is 8.0; it has to be of type int"),
        ({"hidden_size": True}, "hidden_size is True; it has to be of type int"),
        ({"hidden_size": "8"}, "hidden_size is '8'; it has to be of type int"),
        ({"layers": 0}, "layers is 0; it can be 1 to 16"),
        ({"bidirectional": 1}, "bidirectional is 1; it has to be of type bool"),
        ({"dropout": 1.0}, "dropout is 1.0; it can be 0.0 to 0.95"),
        ({"dropout": -0.1}, "dropout is -0.1; it can be 0.0 to 0.95"),
        ({"dropout": float("nan")}, "dropout is nan; it can be 0.0 to 0.95"),
        ({"dropout": False}, "dropout is False; it has to be of type float"),
        ({"word_dropout": float("inf")}, "word_dropout is inf; it can be 0.0 to 0.95"),
        ({"pair_size": -1}, "pair_size is -1; it can be 0 to 4096"),
        ({"character_filters": -1}, "character_filters is -1; it can be 1 to 4096"),
    ],
)
def test_a_setting_out_of_its_limits_is_refused_with_its_limits(settings, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        TaggerConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "rnn"},
        {"hidden_size": 1},
        {"hidden_size": 4096},
        {"dropout": 0},
        {"dropout": 0.95},
        {"layers": 16},
        {"pair_size": 0},
    ],
)
def test_a_setting_at_its_limit_is_taken(settings):
    assert TaggerConfig(**settings)


@pytest.mark.parametrize(("bidirectional", "width"), [(True, 14), (False, 7)])
def test_the_encoded_size_counts_the_directions(bidirectional, width):
    assert TaggerConfig(hidden_size=7, bidirectional=bidirectional).encoded_size == width


def test_every_setting_says_what_it_is():
    assert all(field.metadata["about"] for field in fields(TaggerConfig))
