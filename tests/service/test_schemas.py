"""The door of the native contract, without a server: what it lets in, and with which error it refuses the rest."""

import pytest
from pydantic import ValidationError

from service.errors import BadRequestError, InvalidRequestError, TooLargeError
from service.schemas import EXAMPLE_ENTS, EXAMPLE_TEXT, EntitiesRequest, parse_request
from service.settings import Settings

SETTINGS = Settings()


def test_a_text_alone_is_a_request() -> None:
    assert parse_request(b'{"text": "Ann"}', SETTINGS).all_texts == ["Ann"]


def test_an_empty_list_of_texts_is_a_request() -> None:
    assert parse_request(b'{"texts": []}', SETTINGS).all_texts == []


def test_a_surrogate_pair_in_an_escape_is_one_character() -> None:
    assert parse_request(rb'{"text": "\ud83d\ude00"}', SETTINGS).all_texts == ["😀"]


def test_a_lone_surrogate_is_refused_in_python_strings_too() -> None:
    with pytest.raises(ValidationError):
        EntitiesRequest(text="\ud800")


@pytest.mark.parametrize("body", [b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', '{"text": "a"}'.encode("utf-16")])
def test_what_is_not_utf_8_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        parse_request(body, SETTINGS)


def test_the_example_is_cut_from_its_text() -> None:
    assert [EXAMPLE_TEXT[e["start"] : e["end"]] for e in EXAMPLE_ENTS] == [e["text"] for e in EXAMPLE_ENTS]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text=Ann",
        b"[]",
        b'"Ann"',
        b"{}",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"text": "a"} {}',
        b'{"text": null}',
        b'{"text": 1}',
        b'{"text": NaN}',
        b'{"text": ["a"]}',
        b'{"texts": "a"}',
        b'{"texts": [NaN]}',
        b'{"texts": ["a", null]}',
        b'{"text": "a", "texts": ["a"]}',
        b'{"text": "a", "unknown": 1}',
        rb'{"text": "\ud800"}',
        rb'{"text": "\udc00\ud800"}',
        rb'{"texts": ["a", "\udfff"]}',
        b'{"text": "a\nb"}',
        b'{"text": "a", "model": 1}',
        b'{"text": "a", "labels": "PER"}',
        b'{"text": "a", "labels": []}',
        b'{"text": "a", "min_score": -0.1}',
        b'{"text": "a", "min_score": 1.1}',
        b'{"text": "a", "min_score": NaN}',
        b'{"text": "a", "min_score": "0.5"}',
        b'{"text": "a", "min_score": true}',
        b'{"text": "a", "offset_unit": "bytes"}',
    ],
    ids=lambda body: body[:40].decode(),
)
def test_what_is_not_a_request_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parse_request(body, SETTINGS)


def test_an_unknown_field_is_answered_with_the_known_ones_and_without_its_name() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_request(b'{"text": "a", "SECRET": 1}', SETTINGS)
    assert "offset_unit" in str(refusal.value.details)
    assert "SECRET" not in str(refusal.value.details)


@pytest.mark.parametrize("field", ["texts", "labels"])
def test_of_a_million_wrong_items_the_first_is_named(field: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_request(b'{"text": "a", "%s": [%s1]}' % (field.encode(), b"1," * 1_000_000), SETTINGS)
    assert refusal.value.details == [{"loc": [field, 0], "msg": "Input should be a valid string"}]


def test_many_mistakes_are_counted_and_not_listed() -> None:
    fields = b",".join(b'"f%d": 1' % number for number in range(1_000))
    with pytest.raises(InvalidRequestError, match="1,000 mistakes") as refusal:
        parse_request(b'{"text": "a", %s}' % fields, SETTINGS)
    assert not refusal.value.details


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"text": "123456"}', "a text has 6 characters; the limit is 5"),
        (b'{"texts": ["1", "123456"]}', "a text has 6 characters; the limit is 5"),
        (b'{"texts": ["1", "2", "3", "4"]}', "the request has 4 texts; the limit is 3"),
    ],
)
def test_what_is_over_a_limit_is_too_large(body: bytes, message: str) -> None:
    with pytest.raises(TooLargeError) as refusal:
        parse_request(body, Settings(max_characters=5, max_texts=3))
    assert refusal.value.message == message
