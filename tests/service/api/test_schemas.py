"""The door of the native contract, without a server: what it lets in, and with which error it refuses the rest."""

import pytest
from pydantic import ValidationError

from nerve.service.api.body import parse
from nerve.service.api.examples import EXAMPLE_ENTS, EXAMPLE_TEXT
from nerve.service.api.huggingface import TokenClassificationRequest
from nerve.service.api.presidio import AnalyzeRequest
from nerve.service.api.requests import EntitiesRequest, parse_request
from nerve.service.errors import BadRequestError, InvalidRequestError, TooLargeError
from nerve.service.settings import Settings


def parsed(body: bytes, settings: Settings | None = None) -> EntitiesRequest:
    return parse_request(body, settings or Settings(), EntitiesRequest)


def test_a_text_alone_is_a_request() -> None:
    assert parsed(b'{"text": "Ann"}').sources == ["Ann"]


def test_an_empty_list_of_texts_is_a_request() -> None:
    assert parsed(b'{"texts": []}').sources == []


@pytest.mark.parametrize(
    ("tokens", "sources", "single"),
    [
        ('["Ann", "left"]', [["Ann", "left"]], True),
        ('[["Ann"], [], ["She", "left"]]', [["Ann"], [], ["She", "left"]], False),
        ('[["Ann"]]', [["Ann"]], False),
        ("[]", [[]], True),
        ("[[]]", [[]], False),
        (r'["\ud83d\ude00", "New York"]', [["😀", "New York"]], True),
    ],
)
def test_tokens_are_a_sentence_or_several(tokens: str, sources: list[list[str]], single: bool) -> None:
    request = parsed(f'{{"tokens": {tokens}}}'.encode())
    assert (request.sources, request.single) == (sources, single)


@pytest.mark.parametrize(
    ("labels", "names"),
    [('["PER"]', {"PER": "PER"}), ('{"PER": "PERSON", "ORG": "PERSON"}', {"PER": "PERSON", "ORG": "PERSON"})],
)
def test_labels_are_a_list_or_their_names_in_the_answer(labels: str, names: dict[str, str]) -> None:
    assert parsed(f'{{"text": "a", "labels": {labels}}}'.encode()).labels == names


def test_null_is_a_field_that_is_not_given() -> None:
    assert parsed(b'{"text": "Ann", "texts": null, "tokens": null, "model": null}') == parsed(b'{"text": "Ann"}')


@pytest.mark.parametrize(("number", "integer"), [("5", 5), ("5.0", 5), ("0.0", 0), ("1e3", 1000)])
def test_a_number_without_a_fraction_is_an_integer(number: str, integer: int) -> None:
    body = f'{{"inputs": "Ann", "parameters": {{"stride": {number}}}}}'.encode()
    parameters = parse(body, TokenClassificationRequest).parameters
    assert parameters is not None
    assert (parameters.stride, type(parameters.stride)) == (integer, int)


@pytest.mark.parametrize("number", ["5.5", '"5"', "true", "-1", "-1.0", "1e999", "[5]"])
def test_anything_else_is_not_a_natural_number(number: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse(f'{{"inputs": "Ann", "parameters": {{"stride": {number}}}}}'.encode(), TokenClassificationRequest)


def test_a_surrogate_pair_in_an_escape_is_one_character() -> None:
    assert parsed(rb'{"text": "\ud83d\ude00"}').sources == ["😀"]


def test_a_lone_surrogate_is_refused_in_python_strings_too() -> None:
    with pytest.raises(ValidationError):
        EntitiesRequest(text="\ud800")
    with pytest.raises(ValidationError):
        EntitiesRequest(tokens=["a", "\ud800"])


def test_a_byte_order_mark_is_ignored() -> None:
    assert parsed(b'\xef\xbb\xbf{"text": "Ann"}') == parsed(b'{"text": "Ann"}')


def test_a_byte_order_mark_in_a_text_is_a_character_of_it() -> None:
    assert parsed(b'{"text": "\xef\xbb\xbfAnn"}').sources == ["\ufeffAnn"]


@pytest.mark.parametrize("body", [b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', '{"text": "a"}'.encode("utf-16")])
def test_what_is_not_utf_8_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        parsed(body)


@pytest.mark.parametrize(
    "field", [b'"x": "\xff"', b'"\xff": 1', b'"x": [{"a": "\xed\xa0\x80"}]', b'"x": [{"\xc0\xaf": 1}]']
)
def test_what_is_not_utf_8_in_a_field_that_is_ignored_is_a_bad_request(field: bytes) -> None:
    assert AnalyzeRequest.model_config["extra"] == "ignore"
    with pytest.raises(BadRequestError, match="the body is not UTF-8: byte"):
        parse(b'{"text": "a", "language": "en", ' + field + b"}", AnalyzeRequest)


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
        b"[" * 20_000,
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
        b'{"text": "a", "tokens": ["a"]}',
        b'{"tokens": null}',
        b'{"tokens": "a"}',
        b'{"tokens": [1]}',
        b'{"tokens": ["a", ["b"]]}',
        b'{"tokens": [["a"], "b"]}',
        b'{"tokens": [["a"], [["b"]]]}',
        b'{"tokens": ["a", ""]}',
        b'{"tokens": [["a"], [" \\t"]]}',
        rb'{"tokens": ["\ud800"]}',
        b'{"text": "a", "include": ["entities"]}',
        b'{"text": "a", "include": "tokens"}',
        b'{"text": "a", "labels": {}}',
        b'{"text": "a", "labels": [1]}',
        b'{"text": "a", "labels": [["PER"]]}',
        b'{"text": "a", "labels": {"PER": 1}}',
        b'{"text": "a", "labels": {"PER": ""}}',
        b'{"text": "a", "gazetteer": ["a"]}',
        b'{"text": "a", "gazetteer": {"always": ["a"]}}',
        b'{"text": "a", "gazetteer": {"always": {"PER": "a"}}}',
        b'{"text": "a", "gazetteer": {"always": {"": ["a"]}}}',
        b'{"text": "a", "gazetteer": {"never": "a"}}',
        b'{"text": "a", "gazetteer": {"never": [""]}}',
        b'{"text": "a", "gazetteer": {"never": ["  "]}}',
        b'{"text": "a", "gazetteer": {"never": ["a", "a"]}}',
        b'{"text": "a", "gazetteer": {"always": {"PER": ["a b"], "LOC": ["a  b"]}}}',
        b'{"text": "a", "gazetteer": {"always": {"PER": ["a"]}, "never": ["a"]}}',
        b'{"text": "a", "gazetteer": {"always": {"PER": ["a"]}, "never": ["A"], "case_sensitive": false}}',
        b'{"text": "a", "gazetteer": {"never": [], "case_sensitive": 1}}',
    ],
    ids=lambda body: body[:40].decode(),
)
def test_what_is_not_a_request_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parsed(body)


def test_an_unknown_field_is_answered_with_the_known_ones_and_without_its_name() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parsed(b'{"text": "a", "SECRET": 1}')
    assert "offset_unit" in str(refusal.value.details)
    assert "SECRET" not in str(refusal.value.details)


@pytest.mark.parametrize(
    ("field", "place", "message"),
    [
        (b'"texts": [%s]', ["texts", 0], "Input should be a valid string"),
        (
            b'"labels": [%s]',
            ["labels"],
            "labels has 200,001 labels; the limit is 1,000",
        ),
        (b'"tokens": [%s]', ["tokens"], "tokens is a list of strings, or a list of such lists"),
        (b'"gazetteer": {"never": [%s]}', ["gazetteer", "never", 0], "Input should be a valid string"),
        (b'"include": [%s]', ["include", 0], "Input should be 'tokens', 'sents' or 'language'"),
    ],
)
def test_of_many_wrong_items_one_is_named(field: bytes, place: list[str | int], message: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parsed(b"{%s}" % (field % (b"1," * 200_000 + b"1")))
    assert refusal.value.details[0] == {"loc": place, "msg": message}
    assert len(refusal.value.details) == 1


def test_many_mistakes_are_counted_and_not_listed() -> None:
    fields = b",".join(b'"f%d": 1' % number for number in range(1_000))
    with pytest.raises(InvalidRequestError, match="1,000 mistakes") as refusal:
        parsed(b'{"text": "a", %s}' % fields)
    assert not refusal.value.details


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        (b'{"text": "a", "gazetteer": {"SECRET": 1}}', ["gazetteer"], "the fields are always, never, case_sensitive"),
        (b'{"text": "a", "gazetteer": {"always": {"SECRET": [1]}}}', ["gazetteer", "always", 0], "valid string"),
        (b'{"text": "a", "labels": {"SECRET": 1}}', ["labels"], "labels is a list of labels"),
        (b'{"tokens": ["SECRET", 1]}', ["tokens"], "tokens is a list of strings"),
    ],
)
def test_a_refusal_names_the_place_in_words_of_the_service(body: bytes, place: list[str | int], message: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parsed(body)
    (detail,) = refusal.value.details
    assert detail["loc"] == place
    assert message in detail["msg"]
    assert "SECRET" not in str(detail)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"text": "123456"}', "a text has 6 characters; the limit is 5"),
        (b'{"texts": ["1", "123456"]}', "a text has 6 characters; the limit is 5"),
        (b'{"texts": ["1", "2", "3", "4"]}', "the request has 4 texts; the limit is 3"),
        (b'{"tokens": [["1"], ["2"], ["3"], ["4"]]}', "the request has 4 texts; the limit is 3"),
        (b'{"tokens": ["12", "345"]}', "a text has 6 characters; the limit is 5"),
        (
            b'{"text": "1", "gazetteer": {"never": ["%s"]}}' % (b"x" * 101),
            "a phrase has 101 characters; the limit is 100",
        ),
        (
            b'{"text": "1", "gazetteer": {"always": {"PER": ["a"]}, "never": [%s]}}'
            % b",".join(b'"%d"' % number for number in range(1_000)),
            "the gazetteer has 1,001 phrases; the limit is 1,000",
        ),
    ],
)
def test_what_is_over_a_limit_is_too_large(body: bytes, message: str) -> None:
    with pytest.raises(TooLargeError) as refusal:
        parsed(body, Settings(max_characters=5, max_texts=3))
    assert refusal.value.message == message
