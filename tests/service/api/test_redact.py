"""`POST /v1/redact`: which words stand where the names were, and that nothing else changes."""

import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Serve = Callable[..., Any]
URL = "/v1/redact"
TEXT = "😀 Ann met Bob in ROME, Bob left"


def redacted(client: httpx.Client, **request: Any) -> Any:
    answer = client.post(URL, json={"text": TEXT, **request})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_without_operators_labels_stand_in_the_names_places(client: httpx.Client) -> None:
    assert redacted(client) == {
        "text": "😀 <PER> met <PER> in <LOC>, <PER> left",
        "ents": [
            {"start": 2, "end": 7, "label": "PER", "text": "<PER>", "score": 0.9, "operator": "replace"},
            {"start": 12, "end": 17, "label": "PER", "text": "<PER>", "score": 0.9, "operator": "replace"},
            {"start": 21, "end": 26, "label": "LOC", "text": "<LOC>", "score": 0.4, "operator": "replace"},
            {"start": 28, "end": 33, "label": "PER", "text": "<PER>", "score": 0.9, "operator": "replace"},
        ],
        "model": "fake",
    }


SALT = "a salt that is long enough"


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ({"type": "replace"}, "😀 <PER> met <PER> in ROME, <PER> left"),
        ({"type": "replace", "value": "someone"}, "😀 someone met someone in ROME, someone left"),
        ({"type": "replace", "value": ""}, "😀  met  in ROME,  left"),
        ({"type": "redact"}, "😀  met  in ROME,  left"),
        ({"type": "keep"}, TEXT),
        ({"type": "mask"}, "😀 *** met *** in ROME, *** left"),
        ({"type": "mask", "character": "#", "count": 2}, "😀 ##n met ##b in ROME, ##b left"),
        ({"type": "mask", "count": 2, "from_end": True}, "😀 A** met B** in ROME, B** left"),
        ({"type": "pseudonym"}, "😀 PER_1 met PER_2 in ROME, PER_2 left"),
        ({"type": "mask", "character": None, "count": None, "from_end": None}, "😀 *** met *** in ROME, *** left"),
    ],
)
def test_a_label_has_its_operator(client: httpx.Client, operator: dict[str, Any], expected: str) -> None:
    assert redacted(client, operators={"PER": operator}, default={"type": "keep"})["text"] == expected


@pytest.mark.parametrize(("algorithm", "digest"), [(None, hashlib.sha256), ("sha512", hashlib.sha512)])
def test_with_a_salt_the_same_name_has_the_same_digest(
    client: httpx.Client, algorithm: str | None, digest: Callable[[bytes], Any]
) -> None:
    operator = {"type": "hash", "salt": SALT, **({"algorithm": algorithm} if algorithm else {})}
    ann, bob, rome, bob_again = redacted(client, default=operator)["ents"]
    assert bob["text"] == bob_again["text"] == digest(f"Bob{SALT}".encode()).hexdigest()
    assert len({ann["text"], bob["text"], rome["text"]}) == 3


def test_without_a_salt_no_digest_comes_twice(client: httpx.Client) -> None:
    answers = [redacted(client, default={"type": "hash"}) for _ in range(2)]
    assert len({ent["text"] for answer in answers for ent in answer["ents"]}) == 8


def test_the_default_is_for_the_labels_without_an_operator(client: httpx.Client) -> None:
    answer = redacted(client, operators={"LOC": {"type": "redact"}}, default={"type": "mask"})
    assert answer["text"] == "😀 *** met *** in , *** left"
    assert [ent["operator"] for ent in answer["ents"]] == ["mask", "mask", "redact", "mask"]


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "utf8"])
@pytest.mark.parametrize("kind", ["replace", "redact", "mask", "hash", "keep", "pseudonym"])
def test_the_offsets_cut_the_new_words_from_the_new_text(client: httpx.Client, unit: str, kind: str) -> None:
    encoding, width = {"codepoint": ("utf-32-le", 4), "utf16": ("utf-16-le", 2), "utf8": ("utf-8", 1)}[unit]
    answer = redacted(
        client, default={"type": kind}, operators={"LOC": {"type": "replace", "value": "😀"}}, offset_unit=unit
    )
    encoded = answer["text"].encode(encoding)
    cut = [encoded[ent["start"] * width : ent["end"] * width].decode(encoding) for ent in answer["ents"]]
    assert cut == [ent["text"] for ent in answer["ents"]]


# -- pseudonyms ------------------------------------------------------------------------------------------------------


def test_a_pseudonym_is_one_name_throughout_a_text(client: httpx.Client) -> None:
    text = "Ann met BOB and Eve. Eve left Ann.\n\nlater Ann met BOB and Zoe"
    answer = redacted(client, text=text, default={"type": "pseudonym"})
    assert answer["text"] == "PER_1 met LOC_1 and PER_2. PER_2 left PER_1.\n\nlater PER_1 met LOC_1 and PER_3"


def test_white_space_makes_no_other_name(client: httpx.Client) -> None:
    gazetteer = {"always": {"LOC": ["New York"]}}
    answer = redacted(client, text="New York, New\n York", gazetteer=gazetteer, default={"type": "pseudonym"})
    assert answer["text"] == "LOC_1, LOC_1"


def test_each_text_counts_its_names_from_one(client: httpx.Client) -> None:
    request = {"texts": ["Ann met Bob", "Bob met Ann"], "default": {"type": "pseudonym"}}
    results = client.post(URL, json=request).json()["results"]
    assert [result["text"] for result in results] == ["PER_1 met PER_2", "PER_1 met PER_2"]


# -- with what else a request says -----------------------------------------------------------------------------------


def test_other_names_of_labels_are_those_of_operators_and_pseudonyms(client: httpx.Client) -> None:
    answer = redacted(client, labels={"PER": "PERSON"}, operators={"PERSON": {"type": "pseudonym"}})
    assert answer["text"] == "😀 PERSON_1 met PERSON_2 in ROME, PERSON_2 left"


def test_what_is_not_asked_for_stays(client: httpx.Client) -> None:
    gazetteer = {"always": {"CITY": ["ROME"]}, "never": ["Ann"]}
    answer = redacted(client, labels=["PER", "CITY"], min_score=0.5, gazetteer=gazetteer)
    assert answer["text"] == "😀 Ann met <PER> in <CITY>, <PER> left"


def test_a_text_without_names_is_as_it_was(client: httpx.Client) -> None:
    assert redacted(client, text="nothing\r\n here ") == {"text": "nothing\r\n here ", "ents": [], "model": "fake"}


def test_texts_are_answered_each_as_if_it_were_alone(client: httpx.Client) -> None:
    texts = [TEXT, "", "Ann"]
    answer = client.post(URL, json={"texts": texts}).json()
    assert answer == {"results": [redacted(client, text=text) for text in texts], "model": "fake"}


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        ({"tokens": ["Ann"]}, "unknown field; the fields are text, texts, model, labels"),
        ({"text": "a", "include": ["tokens"]}, "unknown field"),
        ({"text": "a", "texts": ["a"]}, "a request has exactly one of text and texts"),
        ({"text": "a", "default": {}}, "Field required"),
        ({"text": "a", "default": {"type": "SECRET"}}, "Input should be 'replace', 'redact', 'mask'"),
        ({"text": "a", "default": "mask"}, "an object"),
        (
            {"text": "a", "default": {"type": "mask", "SECRET": 1}},
            "unknown field; the fields are type, value, character",
        ),
        (
            {"text": "a", "default": {"type": "mask", "value": "SECRET"}},
            "mask takes only character, count, from_end",
        ),
        ({"text": "a", "default": {"type": "keep", "count": 1}}, "keep takes no options"),
        ({"text": "a", "default": {"type": "mask", "character": "**"}}, "the mask has 2 characters; it must have 1"),
        ({"text": "a", "default": {"type": "mask", "character": ""}}, "the mask has 0 characters; it must have 1"),
        ({"text": "a", "default": {"type": "mask", "count": -1}}, "greater than or equal to 0"),
        ({"text": "a", "default": {"type": "mask", "count": 1.5}}, "valid integer"),
        (
            {"text": "a", "default": {"type": "hash", "salt": "SECRET"}},
            "the salt has 6 bytes; it must have at least 16",
        ),
        ({"text": "a", "default": {"type": "hash", "algorithm": "md5"}}, "Input should be 'sha256' or 'sha512'"),
        ({"text": "a", "default": {"type": "replace", "value": "x" * 1_001}}, "at most 1000"),
        ({"text": "a", "operators": {"PER": "mask"}}, "an object"),
        (
            {"text": "a", "operators": {"SECRET": {"type": "mask"}}},
            "operators has a label that is not among the labels",
        ),
        (
            {"text": "a", "labels": ["PER"], "operators": {"LOC": {"type": "mask"}}},
            "operators has a label that is not",
        ),
        ({"text": "a", "labels": {"PER": "X"}, "operators": {"PER": {"type": "mask"}}}, "operators has a label"),
        ({"text": "a", "labels": ["SECRET"]}, "labels has a label that model fake does not know"),
    ],
)
def test_a_wrong_request_is_refused_and_not_echoed(
    client: httpx.Client, request_body: dict[str, Any], message: str
) -> None:
    answer = client.post(URL, json=request_body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert message in answer.text
    assert "SECRET" not in answer.text


def test_a_redacted_text_that_is_too_long_is_refused(client: httpx.Client) -> None:
    replace = {"type": "replace", "value": "\1" * 1_000}
    gazetteer = {"always": {"X": ["a"]}}
    answer = client.post(URL, json={"text": "a " * 4_000, "gazetteer": gazetteer, "default": replace})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert "more than 1,048,576 bytes of JSON" in answer.json()["error"]["message"]


def test_the_documented_examples_are_requests(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"][URL]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"].values()
    assert {client.post(URL, json=example["value"]).status_code for example in examples} == {200}
