"""The JSON of answers, whatever their length."""

import json

import pytest

from nerve.service.api.answers import SLICE, json_bytes


@pytest.mark.parametrize("count", [0, 1, SLICE, SLICE + 1, 3 * SLICE, 3 * SLICE + 7])
def test_a_long_answer_in_slices_is_the_answer(count: int) -> None:
    answer = {
        "text": 'a "text"',
        "ents": [{"start": n, "label": "PER"} for n in range(count)],
        "tokens": [],
        "sents": [{"start": 0}],
        "model": "en",
    }
    assert json.loads(json_bytes(answer)) == answer
    assert list(json.loads(json_bytes(answer))) == list(answer)
