"""Patterns and `min_score` by label in native requests: what is found, what beats what, what is refused."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nerve.patterns import NAMES
from nerve.service.annotate.annotator import LONG_TEXT_CHARACTERS
from tests.support.fakes import Decided, served

Serve = Callable[..., Any]
TEXT = "😀 Ann wrote to ann@example.org, Bob to 212-555-0123"
NAMES_OF_TEXT = ["PER Ann", "PER Bob"]
ALL = ["PER Ann", "EMAIL ann@example.org", "PER Bob", "PHONE 212-555-0123"]


def found(client: httpx.Client, text: str = TEXT, **request: Any) -> list[str]:
    answer = client.post("/v1/entities", json={"text": text, **request})
    assert answer.status_code == 200, answer.text
    return [f"{ent['label']} {ent['text']}" for ent in answer.json()["ents"]]


def redacted(client: httpx.Client, text: str = TEXT, **request: Any) -> str:
    answer = client.post("/v1/redact", json={"text": text, **request})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (None, NAMES_OF_TEXT),
        (False, NAMES_OF_TEXT),
        ([], NAMES_OF_TEXT),
        (True, ALL),
        (list(NAMES), ALL),
        (["EMAIL", "EMAIL"], ALL[:3]),
        (["PHONE", "URL"], ["PER Ann", "PER Bob", "PHONE 212-555-0123"]),
    ],
)
def test_a_request_for_entities_says_which_patterns_it_wants(
    client: httpx.Client, patterns: Any, expected: list[str]
) -> None:
    assert found(client, patterns=patterns) == expected


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (None, "😀 <PER> wrote to <EMAIL>, <PER> to <PHONE>"),
        (True, "😀 <PER> wrote to <EMAIL>, <PER> to <PHONE>"),
        (False, "😀 <PER> wrote to ann@example.org, <PER> to 212-555-0123"),
        (["PHONE"], "😀 <PER> wrote to ann@example.org, <PER> to <PHONE>"),
    ],
)
def test_all_patterns_are_redacted_unless_a_request_says_which(
    client: httpx.Client, patterns: Any, expected: str
) -> None:
    assert redacted(client, patterns=patterns) == expected


def test_a_setting_finds_patterns_in_requests_that_do_not_say(serve: Serve) -> None:
    client, _ = serve(patterns="PHONE,EMAIL", phone_regions="DE")
    text = "ann@example.org 030 901820, 212-555-0123 http://a.org"
    assert found(client, text) == ["EMAIL ann@example.org", "PHONE 030 901820"]
    assert found(client, text, patterns=False) == []
    assert found(client, text, patterns=["URL"]) == ["URL http://a.org"]
    assert redacted(client, text) == "<EMAIL> <PHONE>, 212-555-0123 <URL>"
    assert client.post("/analyze", json={"text": text, "language": "en"}).json()[1]["end"] == 26


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "utf8"])
def test_the_offsets_of_patterns_are_in_the_unit_that_is_asked_for(client: httpx.Client, unit: str) -> None:
    encoding, width = {"codepoint": ("utf-32-le", 4), "utf16": ("utf-16-le", 2), "utf8": ("utf-8", 1)}[unit]
    request = {"text": TEXT, "patterns": True, "offset_unit": unit, "include": ["tokens"]}
    answer = client.post("/v1/entities", json=request).json()
    encoded = TEXT.encode(encoding)
    cut = [encoded[ent["start"] * width : ent["end"] * width].decode(encoding) for ent in answer["ents"]]
    assert cut == [ent["text"] for ent in answer["ents"]] == [name.partition(" ")[2] for name in ALL]


def test_labels_select_and_rename_patterns_too(client: httpx.Client) -> None:
    assert found(client, patterns=True, labels=["EMAIL"]) == ["EMAIL ann@example.org"]
    assert found(client, patterns=True, labels={"PHONE": "TEL", "PER": "PER"})[-1] == "TEL 212-555-0123"
    assert redacted(client, labels=["EMAIL"]) == "😀 Ann wrote to <EMAIL>, Bob to 212-555-0123"


def test_operators_are_for_patterns_too(client: httpx.Client) -> None:
    operators = {"PHONE": {"type": "mask", "count": 8}, "EMAIL": {"type": "pseudonym"}}
    assert redacted(client, operators=operators) == "😀 <PER> wrote to EMAIL_1, <PER> to ********0123"


# -- what beats what -------------------------------------------------------------------------------------------------


def test_a_pattern_beats_a_name_and_leaves_what_is_outside_of_it(serve: Serve) -> None:
    text = "Ann Lee ann@example.org"
    client, _ = serve(models=[served(recognizer=Decided((0, len(text), "PER")))])
    assert found(client, text, patterns=True) == ["PER Ann Lee", "EMAIL ann@example.org"]
    assert redacted(client, text) == "<PER> <EMAIL>"


def test_a_pattern_that_is_not_answered_beats_nothing(serve: Serve) -> None:
    client, _ = serve(models=[served(recognizer=Decided((0, 12, "ORG")))])
    text = "212-555-0123"
    assert found(client, text, patterns=True) == ["PHONE 212-555-0123"]
    assert found(client, text, patterns=True, labels=["ORG"]) == ["ORG 212-555-0123"]
    assert found(client, text, patterns=True, min_score={"PHONE": 0.6}) == ["ORG 212-555-0123"]


def test_always_beats_a_pattern_and_never_beats_both(client: httpx.Client) -> None:
    text = "mail help@example.org or 212-555-0123"
    always = {"always": {"DESK": ["212-555-0123"]}}
    never = {"never": ["help@example.org"]}
    assert found(client, text, patterns=True, gazetteer=always) == ["EMAIL help@example.org", "DESK 212-555-0123"]
    assert found(client, text, patterns=True, gazetteer=never) == ["PHONE 212-555-0123"]


# -- tokens ----------------------------------------------------------------------------------------------------------


def test_a_pattern_has_the_tokens_of_which_it_has_a_character(client: httpx.Client) -> None:
    request = {"tokens": ["mail:a@b.org,", "212", "555-0123", "c@d.org/e@f.org"], "include": ["tokens"]}
    answer = client.post("/v1/entities", json={**request, "patterns": ["EMAIL", "PHONE"]}).json()
    spans = [(ent["text"], ent["start_token"], ent["end_token"]) for ent in answer["ents"]]
    assert spans == [("a@b.org", 0, 1), ("212 555-0123", 1, 3), ("c@d.org", 3, 4), ("e@f.org", 3, 4)]
    assert [token["tag"] for token in answer["tokens"]] == ["B-EMAIL", "B-PHONE", "I-PHONE", "B-EMAIL"]


# -- min_score by label ----------------------------------------------------------------------------------------------

SCORED = "Ann ROME 212-555-0123"  # 0.9, 0.4 and 0.5


@pytest.mark.parametrize(
    ("min_score", "expected"),
    [
        ({}, ["PER", "LOC", "PHONE"]),
        ({"LOC": 0.5}, ["PER", "PHONE"]),
        ({"PER": 1, "LOC": 0.4}, ["LOC", "PHONE"]),
        ({"PHONE": 0.6, "PER": 0}, ["PER", "LOC"]),
        (0.45, ["PER", "PHONE"]),
    ],
)
def test_a_label_has_its_own_min_score_and_the_others_the_default(
    client: httpx.Client, min_score: Any, expected: list[str]
) -> None:
    answer = client.post("/v1/entities", json={"text": SCORED, "min_score": min_score, "patterns": True}).json()
    assert [ent["label"] for ent in answer["ents"]] == expected


def test_the_default_of_the_other_labels_is_that_of_the_route(serve: Serve) -> None:
    client, _ = serve(models=[served(recognizer=Unsure())])
    assert found(client, "x", min_score={"ORG": 0.1}) == []
    assert redacted(client, "x", min_score={"ORG": 0.1}) == "<PER>"


class Unsure(Decided):
    """Finds a name with a score below the default of /v1/entities."""

    def __init__(self) -> None:
        super().__init__((0, 1, "PER"))
        self.labels = ("ORG", "PER")

    def entities(self, text: str, windows: Any, taggings: Any) -> Any:
        from dataclasses import replace

        return [replace(entity, score=0.2) for entity in super().entities(text, windows, taggings)]


def test_the_labels_of_min_score_are_those_before_they_are_renamed(client: httpx.Client) -> None:
    request = {"labels": {"LOC": "PLACE", "PER": "PERSON"}, "min_score": {"LOC": 0.5}}
    assert found(client, SCORED, **request) == ["PERSON Ann"]


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/entities", "/v1/redact"])
@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        ({"patterns": ["SECRET"]}, "patterns is true, false, or a list of URL, EMAIL, IBAN, CARD, IP, PHONE"),
        ({"patterns": "EMAIL"}, "patterns is true, false, or a list of"),
        ({"patterns": [["EMAIL"]]}, "patterns is true, false, or a list of"),
        ({"patterns": 1}, "patterns is true, false, or a list of"),
        (
            {"min_score": {"SECRET": 0.5}},
            "min_score has a label that model fake does not know; the known labels are ",
        ),
        ({"min_score": {"PER": 1.5}}, "min_score is a number from 0 to 1, or an object of such numbers by label"),
        ({"min_score": {"PER": True}}, "min_score is a number from 0 to 1"),
        ({"min_score": {"PER": {"SECRET": 1}}}, "min_score is a number from 0 to 1"),
        ({"min_score": "0.5"}, "min_score is a number from 0 to 1"),
        ({"min_score": {str(n): 0.5 for n in range(1_001)}}, "min_score has 1,001 labels; the limit is 1,000"),
        ({"patterns": ["URL"], "labels": ["EMAIL"]}, "labels has a label that model fake does not know"),
    ],
)
def test_a_wrong_request_is_refused_and_not_echoed(
    client: httpx.Client, path: str, request_body: dict[str, Any], message: str
) -> None:
    answer = client.post(path, json={"text": "a", **request_body})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert message in answer.text
    assert "SECRET" not in answer.text


# -- long texts ------------------------------------------------------------------------------------------------------


def test_patterns_are_found_in_long_texts(client: httpx.Client) -> None:
    text = "x " * LONG_TEXT_CHARACTERS + TEXT
    assert found(client, text, patterns=True) == ALL
