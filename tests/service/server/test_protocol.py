"""The door before everything else, on a real socket: refusals that never become a task."""

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nerve.service.server.protocol import LONGEST_BODY_BYTES
from nerve.service.state import Service
from tests.support.fakes import HeldEngine, eventually

Serve = Callable[..., tuple[httpx.Client, Service]]
URL = "/v1/entities"


@pytest.fixture
def full(serve: Serve) -> tuple[httpx.Client, Service]:
    """A service whose queue holds nothing."""
    client, service = serve()
    service.batcher._queue_tokens = 0
    return client, service


@pytest.mark.parametrize("path", [URL, "/v1/redact"])
def test_a_refusal_is_what_the_routes_would_answer(full: tuple[httpx.Client, Service], path: str) -> None:
    client, _ = full
    at_the_door = client.post(path, json={"text": "see Ann"})
    # An origin is a matter for those behind the door.
    behind = client.post(path, json={"text": "see Ann"}, headers={"Origin": "https://example.org"})
    assert at_the_door.status_code == behind.status_code == 503
    assert at_the_door.json() == behind.json()
    assert at_the_door.headers.keys() == behind.headers.keys() >= {"retry-after", "x-request-id", "date"}


def test_a_refusal_has_the_requests_own_id(full: tuple[httpx.Client, Service]) -> None:
    answer = full[0].post(URL, json={"text": "Ann"}, headers={"X-Request-ID": "mine"})
    assert answer.headers["X-Request-ID"] == "mine"


def test_after_a_refusal_the_connection_goes_on(full: tuple[httpx.Client, Service]) -> None:
    client, service = full
    assert client.post(URL, json={"text": "see Ann"}).status_code == 503
    service.batcher._queue_tokens = 1_000
    assert client.post(URL, json={"text": "see Ann"}).json()["ents"][0]["text"] == "Ann"


def test_a_refusal_counts_as_any_other(full: tuple[httpx.Client, Service]) -> None:
    client, _ = full
    for _ in range(3):
        client.post(URL, json={"text": "Ann"})
    scrape = client.get("/metrics").text
    assert f'nerve_http_requests_total{{method="POST",route="{URL}",status="503"}} 3.0' in scrape
    assert 'nerve_refused_total{reason="queue_full"} 3.0' in scrape


def test_many_refusals_are_a_line_in_the_log(
    full: tuple[httpx.Client, Service], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(20):
            full[0].post(URL, json={"text": "Ann"})
    lines = [record for record in caplog.records if record.name in ("nerve.service.server.protocol", "nerve.access")]
    assert 1 <= len(lines) < 20


def test_what_needs_no_room_is_answered(full: tuple[httpx.Client, Service]) -> None:
    client, _ = full
    assert client.get("/health/ready").status_code == 200
    assert client.post("/anonymize", json={"text": "Ann", "analyzer_results": []}).status_code == 200


def test_a_long_body_is_judged_behind_the_door(full: tuple[httpx.Client, Service], caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        answer = full[0].post(URL, content=b" " * LONGEST_BODY_BYTES + json.dumps({"text": "Ann"}).encode())
        assert answer.status_code == 503
        # The line is written when the answer is on its way.
        assert eventually(lambda: "nerve.access" in {record.name for record in caplog.records})


def test_a_request_without_room_does_not_reach_the_engine(serve: Serve) -> None:
    engine = HeldEngine()
    client, service = serve(engine=engine)
    service.batcher._queue_tokens = 0
    client.post(URL, json={"text": "Ann"})
    engine.release()
    assert engine.batches == []
