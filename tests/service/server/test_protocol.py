"""Early refusals, on a real socket: requests that never become a task."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from nerve.service.server.refusals import LONGEST_BODY_BYTES, ROUTES, Refusals
from nerve.service.state import Service
from tests.support.fakes import HeldEngine, eventually

Serve = Callable[..., tuple[httpx.Client, Service]]
URL = "/v1/entities"


@pytest.fixture
def full(serve: Serve) -> Iterator[tuple[httpx.Client, Service]]:
    """A service whose queue is full."""
    client, service = serve()
    with service.batcher.announced(service.settings.queue_tokens):
        yield client, service


@pytest.mark.parametrize("path", [URL, "/v1/redact", "/", "/analyze", "/predict"])
def test_an_early_refusal_is_what_the_route_would_answer(full: tuple[httpx.Client, Service], path: str) -> None:
    client, _ = full
    early = client.post(path, json={"text": "see Ann"})
    # A request with an origin is never refused early.
    late = client.post(path, json={"text": "see Ann"}, headers={"Origin": "https://example.org"})
    assert early.status_code == late.status_code == 503
    assert early.json() == late.json()
    assert early.headers.keys() == late.headers.keys() >= {"retry-after", "x-request-id", "date"}


def test_a_refusal_has_the_requests_own_id(full: tuple[httpx.Client, Service]) -> None:
    answer = full[0].post(URL, json={"text": "Ann"}, headers={"X-Request-ID": "mine"})
    assert answer.headers["X-Request-ID"] == "mine"


def test_after_a_refusal_the_connection_goes_on(serve: Serve) -> None:
    client, service = serve()
    with service.batcher.announced(service.settings.queue_tokens):
        assert client.post(URL, json={"text": "see Ann"}).status_code == 503
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
    lines = [record for record in caplog.records if record.name in ("nerve.service.server.refusals", "nerve.access")]
    assert 1 <= len(lines) < 20


def test_what_needs_no_room_is_answered(full: tuple[httpx.Client, Service]) -> None:
    client, _ = full
    assert client.get("/health/ready").status_code == 200
    assert client.post("/anonymize", json={"text": "Ann", "analyzer_results": []}).status_code == 200


def test_a_long_body_is_refused_by_its_route(full: tuple[httpx.Client, Service], caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        answer = full[0].post(URL, content=b" " * LONGEST_BODY_BYTES + json.dumps({"text": "Ann"}).encode())
        assert answer.status_code == 503
        # The line is written when the answer is on its way.
        assert eventually(lambda: "nerve.access" in {record.name for record in caplog.records})


def test_of_requests_that_come_at_the_same_moment_only_those_are_let_in_for_which_there_is_room(serve: Serve) -> None:
    _, service = serve()
    refusals, headers = Refusals(service), [(b"content-length", b"1000")]

    def refused() -> bool:
        return refusals.refusal(ROUTES[URL.encode()], headers, ()) is not None

    async def moments() -> list[list[bool]]:
        with service.batcher.announced(service.settings.queue_tokens - 64):
            first = [refused() for _ in range(3)]
            await asyncio.sleep(0)  # the task of the first would have begun now, and here it takes no room
            return [first, [refused()]]

    assert asyncio.run(moments()) == [[False, True, True], [False]]


def test_a_request_without_room_does_not_reach_the_engine(serve: Serve) -> None:
    engine = HeldEngine()
    client, service = serve(engine=engine)
    with service.batcher.announced(service.settings.queue_tokens):
        client.post(URL, json={"text": "Ann"})
    engine.release()
    assert engine.batches == []
