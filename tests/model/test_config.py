"""The tagger's configuration refuses what cannot be built."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from nerve.model.config import TaggerConfig, explain


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "transformer"}, "cell is 'transformer'; it must be 'rnn', 'gru' or 'lstm'"),
        ({"cell": ["lstm"]}, "cell is ['lstm']; it must be 'rnn', 'gru' or 'lstm'"),
        ({"hidden_size": 0}, "hidden_size is 0; it must be at least 1"),
        ({"hidden_size": 4097}, "hidden_size is 4097; it must be at most 4,096"),
        ({"hidden_size": 8.0}, "hidden_size is 8.0; it must be a whole number"),
        ({"hidden_size": True}, "hidden_size is True; it must be a whole number"),
        ({"hidden_size": "8"}, "hidden_size is '8'; it must be a whole number"),
        ({"layers": 0}, "layers is 0; it must be at least 1"),
        ({"bidirectional": 1}, "bidirectional is 1; it must be true or false"),
        ({"dropout": 1.0}, "dropout is 1.0; it must be at most 0.95"),
        ({"dropout": -0.1}, "dropout is -0.1; it must be at least 0.0"),
        ({"dropout": float("nan")}, "dropout is nan; it must be at most 0.95"),
        ({"dropout": False}, "dropout is False; it must be a number"),
        ({"word_dropout": float("inf")}, "word_dropout is inf; it must be at most 0.95"),
        ({"pair_size": -1}, "pair_size is -1; it must be at least 0"),
        ({"character_filters": -1}, "character_filters is -1; it must be at least 1"),
    ],
)
def test_a_setting_out_of_its_limits_is_refused_with_its_limits(settings, message):
    with pytest.raises(ValidationError) as refusal:
        TaggerConfig(**settings)
    assert explain(refusal.value) == message


def test_an_unknown_key_is_refused_by_name():
    with pytest.raises(ValidationError) as refusal:
        TaggerConfig(hidden=8)
    assert explain(refusal.value) == "unknown key 'hidden'"


def test_a_refusal_shows_a_long_value_in_short():
    with pytest.raises(ValidationError) as refusal:
        TaggerConfig(cell="x" * 1000)
    assert len(explain(refusal.value)) < 150


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
    assert all(field.default.description for field in fields(TaggerConfig))
