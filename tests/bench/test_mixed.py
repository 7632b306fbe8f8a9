"""Requests of all kinds at once: each gets the answer that its texts would get alone, and no other."""

import asyncio
from urllib.parse import urlsplit

import pytest

from bench.faults.mixed import (
    Case,
    cases,
    right_analysis,
    right_anonymization,
    right_entities,
    right_redaction,
    right_regions,
    run,
)
from tests.service.conftest import bundled_service, service_url

__all__ = ["bundled_service", "service_url"]

REQUESTS = 1_000
ENT = {"start": 0, "end": 3, "label": "PER", "text": "Ann", "score": 0.5}
CASE = Case("Ann left", "en", [ENT])


def test_each_of_a_thousand_requests_of_all_kinds_gets_the_right_answer(service_url: str) -> None:
    port = urlsplit(service_url).port
    assert port is not None
    outcome = asyncio.run(run(port, REQUESTS, 16, cases(60)))
    assert not outcome.wrong
    assert outcome.requests.total() >= REQUESTS
    assert min(outcome.requests.values()) > REQUESTS / 30


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({}, True),
        ({"ents": [{**ENT, "score": 0.500009}]}, True),
        ({"ents": [{**ENT, "score": 0.50002}]}, False),
        ({"ents": [{**ENT, "end": 2}]}, False),
        ({"ents": []}, False),
        ({"ents": [ENT, ENT]}, False),
        ({"text": "Bob left"}, False),
        ({"model": "zh"}, False),
    ],
)
def test_an_answer_is_right_if_all_but_the_last_digit_of_its_scores_is(
    changed: dict[str, object], right: bool
) -> None:
    assert right_entities({"text": CASE.text, "model": CASE.model, "ents": CASE.ents, **changed}, CASE) == right


def test_a_redaction_is_right_if_labels_are_in_the_places_of_the_entities() -> None:
    assert right_redaction({"text": "<PER> left", "model": "en"}, CASE)
    assert not right_redaction({"text": "Ann left", "model": "en"}, CASE)


PLACE = {"start": 0, "end": 3, "score": 0.5}


@pytest.mark.parametrize(("changed", "right"), [({}, True), ({"end": 2}, False), ({"entity_type": "PER"}, False)])
def test_an_analysis_is_right_with_the_names_of_presidio(changed: dict[str, object], right: bool) -> None:
    assert right_analysis([{**PLACE, "entity_type": "PERSON", **changed}], CASE) == right


def test_an_anonymization_is_right_with_the_names_of_presidio() -> None:
    assert right_anonymization({"text": "<PERSON> left", "items": [{}]}, CASE)
    assert not right_anonymization({"text": "<PER> left", "items": [{}]}, CASE)


@pytest.mark.parametrize(("changed", "right"), [({}, True), ({"end": 2}, False), ({"text": "Bob"}, False)])
def test_a_prediction_is_right_with_the_regions_of_the_entities(changed: dict[str, object], right: bool) -> None:
    value = {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"], **changed}
    assert right_regions({"result": [{"value": value, "score": 0.5}]}, CASE) == right
