"""Presidio's contracts: requests as its gateways send them to a service process, and its own anonymizer as the oracle
of ours. Its analyzer would bring spaCy along; what reads an analyzer's answers is in the anonymizer's package too.
"""

import concurrent.futures
import hashlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor

from nerve.service.annotate.redaction import LEAST_LIMIT
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.presidio import NAMES
from nerve.service.engine.registry import ServedModel
from nerve.service.settings import BUNDLED_MODEL
from tests.support import loopback
from tests.support.fakes import CapitalisedWords, Decided, served

Serve = Callable[..., Any]
TEXT = f"😀 {EXAMPLE_TEXT}"

PATTERNS = ["CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "URL"]

bundled = pytest.mark.skipif(not BUNDLED_MODEL.is_file(), reason="models/en.pt is not there")


def presidio(text: Any, analyzer_results: Any, anonymizers: Any = None) -> Any:
    """What Presidio's own anonymizer makes of such a request."""
    return json.loads(
        AnonymizerEngine()
        .anonymize(
            text=text,
            analyzer_results=AppEntitiesConvertor.analyzer_results_from_json(analyzer_results),
            operators=AppEntitiesConvertor.operators_config_from_json(json.loads(json.dumps(anonymizers))),
        )
        .to_json()
    )


# -- a service process, called as a gateway does -------------------------------------------------------------------


@pytest.fixture
def gateway(service_url: str) -> Iterator[httpx.Client]:
    with loopback.Client(base_url=service_url, headers={"Accept": "application/json"}) as client:
        yield client


@bundled
def test_a_gateway_finds_the_native_routes_entities(gateway: httpx.Client) -> None:
    native = gateway.post("/v1/entities", json={"text": TEXT}).json()["ents"]
    answer = gateway.post("/analyze", json={"text": TEXT, "language": "en"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [
        {
            "entity_type": NAMES[ent["label"]],
            "start": ent["start"],
            "end": ent["end"],
            "score": ent["score"],
            "analysis_explanation": None,
        }
        for ent in native
    ]


@bundled
@pytest.mark.parametrize("anonymizers", [None, {"DEFAULT": {"type": "redact"}, "PERSON": {"type": "keep"}}])
def test_a_gateway_gets_the_text_that_presidio_would_give_it(gateway: httpx.Client, anonymizers: Any) -> None:
    found = gateway.post("/analyze", json={"text": TEXT, "language": "en"}).json()
    asked = {"text": TEXT, "analyzer_results": found, "anonymizers": anonymizers}
    answer = gateway.post("/anonymize", json=asked).json()
    assert answer == presidio(TEXT, found, anonymizers)
    assert "Apple" not in answer["text"]


@bundled
def test_a_gateway_sees_what_there_is(gateway: httpx.Client) -> None:
    expected = sorted(["DATE_TIME", "LOCATION", "MISC", "ORGANIZATION", "PERSON", *PATTERNS])
    assert gateway.get("/supportedentities", params={"language": "en"}).json() == expected
    assert gateway.get("/recognizers").json() == ["en", "zh", "multi", "patterns"]
    assert gateway.get("/anonymizers").json() == ["replace", "redact", "mask", "hash", "keep"]
    assert gateway.get("/health").status_code == 200


# -- /analyze ------------------------------------------------------------------------------------------------------


def analyze(client: httpx.Client, text: Any = "see Ann BOB", **fields: Any) -> httpx.Response:
    return client.post("/analyze", json={"text": text, "language": "en", **fields})


def result(entity_type: str, start: int, end: int, score: float) -> dict[str, Any]:
    return {
        "entity_type": entity_type,
        "start": start,
        "end": end,
        "score": score,
        "analysis_explanation": None,
    }


ANN, BOB = result("PERSON", 4, 7, 0.9), result("LOCATION", 8, 11, 0.4)


def test_a_text_is_answered_with_a_list(client: httpx.Client) -> None:
    assert analyze(client).json() == [ANN, BOB]


def test_texts_are_answered_with_a_list_each(client: httpx.Client) -> None:
    assert analyze(client, ["", "see Ann BOB"]).json() == [[], [ANN, BOB]]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"entities": None, "score_threshold": None, "allow_list": None, "ad_hoc_recognizers": None}, [ANN, BOB]),
        ({"entities": [], "ad_hoc_recognizers": [], "allow_list": []}, [ANN, BOB]),
        ({"entities": ["PERSON"]}, [ANN]),
        ({"entities": ["LOCATION", "CREDIT_CARD"]}, [BOB]),
        ({"score_threshold": 0}, [ANN, BOB]),
        ({"score_threshold": 0.4}, [ANN, BOB]),
        ({"score_threshold": 0.41}, [ANN]),
        ({"score_threshold": 1}, []),
        ({"allow_list": ["Ann"]}, [BOB]),
        ({"allow_list": ["ann", "An", "BO", "see"]}, [ANN, BOB]),
        ({"allow_list": ["Ann", "BOB"], "allow_list_match": "exact", "regex_flags": 26}, []),
        ({"correlation_id": "a-1", "context": ["name"], "log_decision_process": True}, [ANN, BOB]),
        ({"return_decision_process": False, "guardrail": {"any": "thing"}}, [ANN, BOB]),
    ],
)
def test_fields_choose_what_is_answered(client: httpx.Client, fields: Any, expected: Any) -> None:
    assert analyze(client, **fields).json() == expected


def test_the_decision_is_explained_if_asked(client: httpx.Client) -> None:
    explanation = analyze(client, return_decision_process=True).json()[0]["analysis_explanation"]
    assert (explanation["recognizer"], explanation["original_score"]) == ("fake", 0.9)
    assert explanation["textual_explanation"] == "PER by model fake"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"language": "SECRET"}, "there is no model for this language; the languages are en"),
        ({"language": None}, "language: Input should be a valid string"),
        ({"entities": ["SECRET"]}, "model fake finds none of these entities; it finds CREDIT_CARD, EMAIL_ADDRESS"),
        ({"entities": "PERSON"}, "entities: Input should be a valid array"),
        ({"score_threshold": 1.1}, "score_threshold: Input should be less than or equal to 1"),
        ({"score_threshold": "0.5"}, "score_threshold: Input should be a valid number"),
        ({"allow_list": ["a"], "allow_list_match": "regex"}, "allow_list_match: Input should be 'exact'"),
        (
            {"ad_hoc_recognizers": [{"SECRET": 1}]},
            "ad_hoc_recognizers: recognizers in a request are not supported",
        ),
        ({"text": None}, "text: Input should be a valid string; text: Input should be a valid array"),
    ],
)
def test_what_cannot_be_done_is_refused(client: httpx.Client, fields: Any, message: str) -> None:
    answer = analyze(client, **{"text": "SECRET", **fields})
    assert (answer.status_code, answer.json().keys()) == (422, {"error"})
    assert message in answer.json()["error"]
    assert "SECRET" not in answer.text


def test_the_language_is_required_as_it_is_by_presidio(client: httpx.Client) -> None:
    answer = client.post("/analyze", json={"text": "Ann"})
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "the body is not a valid request: language: Field required",
    )


NUMBERS = "see Ann ann@example.org 4111111111111111 212-555-0123"
MAIL, CARD = result("EMAIL_ADDRESS", 8, 23, 1.0), result("CREDIT_CARD", 24, 40, 0.8)
PHONE = result("PHONE_NUMBER", 41, 53, 0.5)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [ANN, MAIL, CARD, PHONE]),
        ({"entities": ["PERSON", "CREDIT_CARD"]}, [ANN, CARD]),
        ({"entities": ["PHONE_NUMBER"]}, [PHONE]),
        ({"score_threshold": 0.6}, [ANN, MAIL, CARD]),
        ({"allow_list": ["ann@example.org"]}, [ANN, CARD, PHONE]),
    ],
)
def test_patterns_are_found_under_presidios_names(client: httpx.Client, fields: Any, expected: Any) -> None:
    assert analyze(client, NUMBERS, **fields).json() == expected


def test_a_pattern_is_explained_as_one(client: httpx.Client) -> None:
    found = analyze(client, NUMBERS, return_decision_process=True).json()
    recognizers = [one["analysis_explanation"]["recognizer"] for one in found]
    assert recognizers == ["fake", "patterns", "patterns", "patterns"]


def speaking(language: str, *labels: str) -> ServedModel:
    marks = [(place, place + 1, label) for place, label in enumerate(labels)]
    model = served(f"model-{language}", Decided(*marks))
    return ServedModel(model.name, model.recognizer, {**model.card, "language": language})


def test_labels_have_presidios_names(serve: Serve) -> None:
    labels = ["DATE", "FAC", "GPE", "LOC", "MISC", "NORP", "ORG", "PER", "TIME"]
    names = ["DATE_TIME", "LOCATION", "LOCATION", "LOCATION", "MISC", "NRP", "ORGANIZATION", "PERSON", "DATE_TIME"]
    client, _ = serve(models=[speaking("en", *labels)])
    assert [one["entity_type"] for one in analyze(client, "x" * 9).json()] == names
    assert client.get("/supportedentities").json() == sorted({*names, *PATTERNS})


def test_the_language_chooses_the_model(serve: Serve) -> None:
    client, _ = serve(models=[speaking("en", "PER"), speaking("zh", "LOC"), speaking("zh-TW", "ORG")])
    found = [analyze(client, "x", language=language).json()[0]["entity_type"] for language in ("en", "zh", "zh-TW")]
    assert found == ["PERSON", "LOCATION", "ORGANIZATION"]
    assert client.get("/recognizers", params={"language": "zh"}).json() == ["model-zh", "patterns"]
    assert client.get("/recognizers").json() == ["model-en", "model-zh", "model-zh-TW", "patterns"]
    assert client.get("/supportedentities", params={"language": "zh"}).json() == sorted(["LOCATION", *PATTERNS])
    assert client.get("/supportedentities").json() == sorted(["LOCATION", "ORGANIZATION", "PERSON", *PATTERNS])


def test_a_model_of_several_languages_answers_for_each_of_them(serve: Serve) -> None:
    client, _ = serve(models=[speaking("da, nb,sv", "PER")])
    assert [analyze(client, "x", language=language).status_code for language in ("da", "nb", "sv")] == [200] * 3
    message = "there is no model for this language; the languages are da, nb, sv"
    assert analyze(client, "x", language="de").json() == {"error": message}


@pytest.mark.parametrize("path", ["/supportedentities", "/recognizers"])
def test_an_unknown_language_is_answered_with_the_known_ones(client: httpx.Client, path: str) -> None:
    answer = client.get(path, params={"language": "SECRET"})
    expected = (422, {"error": "there is no model for this language; the languages are en"})
    assert (answer.status_code, answer.json()) == expected


def test_health_is_off_while_no_request_is_answered(serve: Serve) -> None:
    client, service = serve()
    assert client.get("/health").json() == {"status": "UP"}
    service.draining = True
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"error": "the service is shutting down"})


# -- /anonymize, against Presidio's own ----------------------------------------------------------------------------

OPERATORS = [
    {"type": "replace"},
    {"type": "replace", "new_value": ""},
    {"type": "replace", "new_value": "<SOMEBODY 😀>"},
    {"type": "redact"},
    {"type": "keep"},
    {"type": "mask", "masking_char": "*", "chars_to_mask": 4, "from_end": True},
    {"type": "mask", "masking_char": "😀", "chars_to_mask": 100, "from_end": False},
    {"type": "mask", "masking_char": "#", "chars_to_mask": -1, "from_end": False},
    {"type": "hash", "salt": "sixteen bytes it has"},
    {"type": "hash", "hash_type": "sha512", "salt": "sixteen bytes ït has"},
]


@pytest.mark.parametrize("operator", OPERATORS, ids=json.dumps)
def test_an_operator_does_what_presidios_does(client: httpx.Client, operator: dict[str, Any]) -> None:
    text = "😀 Ann met Bob in Köln."
    found = [result("PERSON", 2, 5, 0.9), result("LOCATION", 17, 21, 0.8), result("PERSON", 10, 13, 1)]
    asked = {"text": text, "analyzer_results": found, "anonymizers": {"PERSON": operator}}
    assert client.post("/anonymize", json=asked).json() == presidio(**asked)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_overlaps_comes_out_as_from_presidio(client: httpx.Client, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        text = "".join(chance.choices("abc  \n😀", k=chance.randrange(30)))
        found = []
        for _ in range(chance.randrange(8)):
            start = chance.randint(0, len(text))
            end = min(len(text), start + chance.randrange(8))
            found.append(result(chance.choice("XYZ"), start, end, chance.choice([0.25, 0.5, 0.75, 1.0])))
        anonymizers = {name: chance.choice(OPERATORS) for name in chance.sample(["DEFAULT", "X", "Y"], 2)}
        asked = {"text": text, "analyzer_results": found, "anonymizers": anonymizers}
        assert client.post("/anonymize", json=asked).json() == presidio(**asked), asked


def test_texts_are_answered_with_a_result_each(client: httpx.Client) -> None:
    asked = {"text": ["see Ann", "", "Bob"], "analyzer_results": [[result("PERSON", 4, 7, 1)], [], []]}
    assert client.post("/anonymize", json=asked).json() == [
        presidio("see Ann", [result("PERSON", 4, 7, 1)]),
        {"text": "", "items": []},
        {"text": "Bob", "items": []},
    ]


def test_a_hash_without_a_salt_is_another_every_time(client: httpx.Client) -> None:
    found = [result("PERSON", 0, 3, 1), result("PERSON", 5, 8, 1)]
    asked = {"text": "Ann, Ann", "analyzer_results": found, "anonymizers": {"PERSON": {"type": "hash"}}}
    answer = client.post("/anonymize", json=asked).json()
    hashes = [item["text"] for item in answer["items"]]
    assert (len(set(hashes)), len(hashes[0])) == (2, hashlib.sha256().digest_size * 2)


def test_a_mask_hides_all_of_an_entity_where_it_does_not_say_how_much(client: httpx.Client) -> None:
    asked = {"text": "Ann", "analyzer_results": [result("X", 0, 3, 1)], "anonymizers": {"X": {"type": "mask"}}}
    assert client.post("/anonymize", json=asked).json()["text"] == "***"


FOUND = [{"entity_type": "PERSON", "start": 0, "end": 3, "score": 1}]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": None}, "text: Input should be a valid string"),
        ({"analyzer_results": None}, "analyzer_results: Input should be a valid array"),
        (
            {"analyzer_results": [{**FOUND[0], "start": -1}]},
            "analyzer_results.0.start: Input should be greater than or",
        ),
        ({"analyzer_results": [{**FOUND[0], "end": "3"}]}, "analyzer_results.0.end: Input should be a valid integer"),
        (
            {"analyzer_results": [{**FOUND[0], "entity_type": ""}]},
            "analyzer_results.0.entity_type: Value should have at least 1 item",
        ),
        ({"analyzer_results": [{"start": 0, "end": 1}]}, "analyzer_results.0.score: Field required"),
        ({"analyzer_results": [{**FOUND[0], "end": 8}]}, "a result goes from 0 to 8; its text has 7 characters"),
        ({"analyzer_results": [{**FOUND[0], "start": 4}]}, "a result goes from 4 to 3; its text has 7 characters"),
        (
            {"analyzer_results": [FOUND]},
            "analyzer_results is a list of results for one text, a list of such lists for s",
        ),
        (
            {"text": ["SECRET"]},
            "analyzer_results is a list of results for one text, a list of such lists for several",
        ),
        ({"text": ["SECRET"], "analyzer_results": [[], []]}, "there are 1 texts and results for 2"),
        ({"text": ["SECRET"], "analyzer_results": []}, "there are 1 texts and results for 0"),
        (
            {"anonymizers": {"SECRET": {"type": "SECRET"}}},
            "anonymizers.type: Input should be 'replace', 'redact', 'mask'",
        ),
        (
            {"anonymizers": {"SECRET": {"type": "encrypt", "key": "SECRET"}}},
            "anonymizers.type: Input should be 'replace'",
        ),
        ({"anonymizers": {"SECRET": {}}}, "anonymizers.type: Field required"),
        (
            {"anonymizers": {"X": {"type": "mask", "masking_char": "SECRET"}}},
            "anonymizers: the mask has 6 characters; it must have 1",
        ),
        (
            {"anonymizers": {"X": {"type": "hash", "salt": "SECRET"}}},
            "anonymizers: the salt has 6 bytes; it must have at least 16",
        ),
        (
            {"anonymizers": {"X": {"type": "hash", "hash_type": "md5"}}},
            "anonymizers.hash_type: Input should be 'sha256'",
        ),
    ],
)
def test_what_cannot_be_anonymized_is_refused(client: httpx.Client, fields: Any, message: str) -> None:
    answer = client.post("/anonymize", json={"text": "SECRET.", "analyzer_results": FOUND, **fields})
    assert (answer.status_code, answer.json().keys()) == (422, {"error"})
    assert message in answer.json()["error"]
    assert "SECRET" not in answer.text


def test_too_much_to_anonymize_is_refused(serve: Serve) -> None:
    client, _ = serve(max_characters=10, max_texts=2, max_body_bytes=1_000)
    bodies = [
        {"text": "a" * 11, "analyzer_results": []},
        {"text": ["a"] * 3, "analyzer_results": [[]] * 3},
        {"text": "a", "analyzer_results": FOUND * 50},
    ]
    answers = [client.post("/anonymize", json=body) for body in bodies]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (413, "a text has 11 characters; the limit is 10"),
        (413, "the request has 3 texts; the limit is 2"),
        (413, "the body is too long; the limit is 1,000 bytes"),
    ]


@pytest.mark.parametrize("texts", [1, 2])
def test_texts_that_would_grow_too_long_together_are_refused(client: httpx.Client, texts: int) -> None:
    found = [result("X", 0, 1, 1), result("X", 1, 2, 1)][: 3 - texts]
    # Each of the two replacements is in the answer twice, and a control character has six bytes.
    anonymizers = {"X": {"type": "replace", "new_value": "\1" * (LEAST_LIMIT // 24 + 1)}}
    asked = {"text": ["aa"] * texts, "analyzer_results": [found] * texts, "anonymizers": anonymizers}
    answer = client.post("/anonymize", json=asked)
    assert answer.status_code == 413
    assert "have more than 1,048,576 bytes of JSON" in answer.json()["error"]


def test_overlaps_under_a_mask_of_six_bytes_do_not_fill_the_memory(client: httpx.Client) -> None:
    text = "a" * 2_000_000
    found = [result(str(n), n, len(text) - 4 + n, 1) for n in range(4)]
    mask = {"type": "mask", "masking_char": "\1", "chars_to_mask": len(text), "from_end": False}
    asked = {"text": text, "analyzer_results": found, "anonymizers": {"DEFAULT": mask}}
    answer = client.post("/anonymize", json=asked)
    assert answer.status_code == 413
    assert "have more than 8,000,000 bytes of JSON" in answer.json()["error"]


def test_the_deadline_counts_the_wait_of_a_long_anonymization(serve: Serve) -> None:
    begun, gate = threading.Event(), threading.Event()

    class Slow(CapitalisedWords):
        def windows_of(self, sentences: Any, **settings: Any) -> Any:
            begun.set()
            gate.wait(60)
            return super().windows_of(sentences, **settings)

    client, _ = serve(models=[served(recognizer=Slow())], deadline_seconds=0.05)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        # Long texts are read, and long texts anonymized, one after another.
        pool.submit(analyze, client, "a " * 10_000)
        assert begun.wait(60)
        answer = client.post("/anonymize", json={"text": "a" * 20_000, "analyzer_results": []})
        gate.set()
    assert (answer.status_code, answer.json()) == (504, {"error": "the deadline passed before the answer"})


def test_a_body_full_of_overlaps_costs_no_more_than_the_limit(client: httpx.Client) -> None:
    # 20,000 types whose places all overlap: operated on whole, they would be 20 GB.
    text = "a" * 1_020_000
    found = [{"entity_type": str(n), "start": n, "end": n + 1_000_000, "score": 1} for n in range(20_000)]
    asked = {"text": text, "analyzer_results": found, "anonymizers": {"DEFAULT": {"type": "redact"}}}
    answer = client.post("/anonymize", json=asked)
    assert (answer.status_code, answer.json()) == (
        413,
        {"error": "the entities have more than 4,080,000 characters, which is the limit"},
    )
