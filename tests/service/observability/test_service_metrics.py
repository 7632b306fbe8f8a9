"""`GET /metrics` as Prometheus reads it: every number against what was asked of a real server."""

import concurrent.futures
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from nerve.service.errors import STATUSES
from tests.support.documents import ROOT, table
from tests.support.fakes import CapitalisedWords, HeldEngine, eventually, served

Serve = Callable[..., Any]
URL = "/v1/entities"


class Scrape:
    """The samples of one scrape: `scrape("nerve_texts_total", model="fake")` is their sum."""

    def __init__(self, client: httpx.Client) -> None:
        self.families = list(text_string_to_metric_families(client.get("/metrics").text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def values(self, label: str) -> set[str]:
        return {sample.labels[label] for sample in self.samples if label in sample.labels}


@pytest.fixture
def client(serve: Serve) -> httpx.Client:
    client: httpx.Client = serve(models=[served(), served("other")])[0]
    return client


def test_requests_are_counted_by_method_route_and_status(client: httpx.Client) -> None:
    for _ in range(3):
        client.post(URL, json={"text": "Ann"})
    client.post(URL, json={"text": 1})
    client.get(URL)
    scrape = Scrape(client)
    assert scrape("nerve_http_requests_total", method="POST", route=URL, status="200") == 3
    assert scrape("nerve_http_requests_total", method="POST", route=URL, status="422") == 1
    assert scrape("nerve_http_requests_total", method="GET", route=URL, status="405") == 1


def test_the_time_of_every_request_is_in_the_histogram(client: httpx.Client) -> None:
    for _ in range(3):
        client.post(URL, json={"text": "Ann"})
    scrape = Scrape(client)
    assert scrape("nerve_http_request_duration_seconds_count", method="POST", route=URL) == 3
    assert scrape("nerve_http_request_duration_seconds_bucket", method="POST", route=URL, le="+Inf") == 3
    assert scrape("nerve_http_request_duration_seconds_sum", method="POST", route=URL) > 0


def test_texts_tokens_and_entities_are_counted_by_model_and_label(client: httpx.Client) -> None:
    client.post(URL, json={"texts": ["see Ann and BOB", "Zoe", ""], "labels": ["LOC"]})
    client.post(URL, json={"text": "Ann", "model": "other"})
    scrape = Scrape(client)
    assert (scrape("nerve_texts_total", model="fake"), scrape("nerve_tokens_total", model="fake")) == (3, 5)
    assert (scrape("nerve_texts_total", model="other"), scrape("nerve_tokens_total", model="other")) == (1, 1)
    # What the model found, also where the request asked for less.
    found = {
        (model, label): scrape("nerve_entities_total", model=model, label=label)
        for model in ("fake", "other")
        for label in ("PER", "LOC")
    }
    assert found == {("fake", "PER"): 2, ("fake", "LOC"): 1, ("other", "PER"): 1, ("other", "LOC"): 0}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"text": "\xff"}', "bad_request"),
        (b"{}", "invalid_request"),
        (b'{"text": "a", "labels": ["XX"]}', "unknown_label"),
        (b'{"text": "a", "model": "xx"}', "unknown_model"),
        (b'{"text": "%s"}' % (b"a " * 30), "too_many_characters"),
        (b'{"texts": ["a", "b", "c", "d"]}', "too_many_texts"),
        (b'{"text": "a b c d e f g"}', "too_many_tokens"),
        (b'{"text": "%s"}' % (b"a " * 300), "too_many_bytes"),
    ],
)
def test_a_refused_request_is_counted_by_its_reason_and_its_text_is_not_counted(
    serve: Serve, body: bytes, reason: str
) -> None:
    client, _ = serve(max_characters=50, max_body_bytes=500, max_texts=3, max_tokens=6)
    client.post(URL, content=body)
    scrape = Scrape(client)
    assert {sample.labels["reason"]: sample.value for sample in scrape.samples if "reason" in sample.labels} == {
        reason: 1
    }
    assert scrape("nerve_texts_total") == 0


@pytest.mark.parametrize(
    ("path", "route", "body"),
    [
        ("/v1/redact", "/v1/redact", {"text": "Ann"}),
        ("/v1/stream", "/v1/stream", {"text": "Ann"}),
        ("/", "/", {"inputs": "Ann"}),
        ("/models/fake", "/models/{name}", {"inputs": "Ann"}),
        ("/analyze", "/analyze", {"text": "Ann", "language": "en"}),
        (
            "/v2/models/fake/infer",
            "/v2/models/{name}/infer",
            {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["Ann"]}]},
        ),
    ],
)
def test_every_contract_is_counted_by_its_route(client: httpx.Client, path: str, route: str, body: Any) -> None:
    client.post(path, json=body)
    client.post(path, content=b"nonsense", headers={"content-encoding": "nonsense"})
    scrape = Scrape(client)
    assert scrape("nerve_http_requests_total", method="POST", route=route, status="200") == 1
    assert scrape("nerve_http_requests_total", method="POST", route=route, status="415") == 1
    assert scrape("nerve_refused_total", reason="unsupported_media_type") == 1
    assert (scrape("nerve_texts_total", model="fake"), scrape("nerve_entities_total", label="PER")) == (1, 1)


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/models/xx", {"inputs": "Ann"}, "unknown_model"),
        ("/", {"inputs": ["a"] * 4}, "too_many_texts"),
        ("/analyze", {"text": "Ann", "language": "xx"}, "unknown_language"),
        ("/analyze", {"text": "Ann", "language": "en", "entities": ["XX"]}, "unknown_label"),
        ("/v1/redact", {"text": "Ann", "operators": {"XX": {"type": "keep"}}}, "unknown_label"),
        (URL, {"text": "Ann", "gazetteer": {"never": [str(n) for n in range(1_001)]}}, "too_many_phrases"),
        ("/v2/models/fake/infer", {"inputs": []}, "bad_request"),
    ],
)
def test_every_contracts_refusals_are_counted_by_their_reasons(
    serve: Serve, path: str, body: Any, reason: str
) -> None:
    client, _ = serve(max_texts=3)
    client.post(path, json=body)
    scrape = Scrape(client)
    assert {sample.labels["reason"]: sample.value for sample in scrape.samples if "reason" in sample.labels} == {
        reason: 1
    }


def test_the_lines_of_a_stream_are_counted_like_requests(serve: Serve) -> None:
    client, _ = serve(max_tokens=2)
    bodies: list[Any] = [{"text": "Ann"}, {"text": "a b c"}, {"text": 1}, {"texts": ["BOB", "Zoe"]}, {"text": 2}]
    client.post("/v1/stream", content="\n".join(map(json.dumps, bodies)))
    scrape = Scrape(client)
    assert (scrape("nerve_texts_total"), scrape("nerve_tokens_total")) == (3, 3)
    assert (scrape("nerve_entities_total", label="PER"), scrape("nerve_entities_total", label="LOC")) == (2, 1)
    assert scrape("nerve_refused_total", reason="too_many_tokens") == 1
    assert scrape("nerve_refused_total", reason="invalid_request") == 2
    assert scrape("nerve_http_requests_total", route="/v1/stream") == 1


@pytest.mark.parametrize(("path", "reason"), [("/nowhere", "not_found"), (URL, "method_not_allowed")])
def test_what_the_framework_refuses_is_counted_too(client: httpx.Client, path: str, reason: str) -> None:
    client.get(path)
    assert Scrape(client)("nerve_refused_total", reason=reason) == 1


def test_a_failure_is_counted_as_such(serve: Serve) -> None:
    class Broken(CapitalisedWords):
        def tag(self, windows: Any) -> Any:
            raise ValueError(len(windows))

    client, _ = serve(models=[served(recognizer=Broken())])
    client.post(URL, json={"text": "Ann"})
    scrape = Scrape(client)
    assert scrape("nerve_refused_total", reason="internal") == 1
    assert scrape("nerve_http_requests_total", route=URL, status="500") == 1


@pytest.fixture
def held() -> Iterator[HeldEngine]:
    engine = HeldEngine()
    yield engine
    engine.release()


def test_what_waits_and_what_is_in_flight_show_while_it_is_so(serve: Serve, held: HeldEngine) -> None:
    client, _ = serve(engine=held)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.post, URL, json={"text": "Ann"})
        assert held.started.wait(10)
        waiting = [pool.submit(client.post, URL, json={"text": "a b c\nd e"}) for _ in range(2)]
        assert eventually(lambda: Scrape(client)("nerve_queue_tokens") == 10)
        scrape = Scrape(client)
        assert scrape("nerve_queue_requests") == 2
        # The scrape is one as well.
        assert scrape("nerve_http_requests_in_flight") == 4
        held.release()
        assert [answer.result().status_code for answer in (first, *waiting)] == [200] * 3
    scrape = Scrape(client)
    assert (scrape("nerve_queue_tokens"), scrape("nerve_queue_requests")) == (0, 0)
    assert scrape("nerve_http_requests_in_flight") == 1
    assert scrape("nerve_queue_wait_seconds_count") == 3


def test_batches_are_counted_with_their_sentences_and_tokens(serve: Serve, held: HeldEngine) -> None:
    client, service = serve(engine=held)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, URL, json={"text": "Ann"})
        assert held.started.wait(10)
        second = pool.submit(client.post, URL, json={"text": "a b c\n\nd e\n\nf g"})
        assert eventually(lambda: service.batcher.waiting_tokens == 7)
        held.release()
        assert [answer.result().status_code for answer in (first, second)] == [200, 200]
    scrape = Scrape(client)
    assert scrape("nerve_batch_sentences_count") == scrape("nerve_batch_duration_seconds_count") == 2
    assert (scrape("nerve_batch_sentences_sum"), scrape("nerve_batch_tokens_sum")) == (1 + 3, 1 + 7)
    assert scrape("nerve_batch_sentences_bucket", le="1.0") == 1


def test_a_client_that_leaves_is_counted_as_such(serve: Serve, held: HeldEngine) -> None:
    client, service = serve(engine=held)
    body = json.dumps({"text": "Bob"}).encode()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, URL, json={"text": "Ann"})
        assert held.started.wait(10)
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as leaving:
            leaving.sendall(b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            assert eventually(lambda: service.batcher.waiting_tokens == 1)
        assert eventually(lambda: Scrape(client)("nerve_refused_total", reason="client_left") == 1)
        held.release()
        assert first.result().status_code == 200


def test_the_models_and_the_version_are_told(client: httpx.Client) -> None:
    scrape = Scrape(client)
    models = [sample.labels for sample in scrape.samples if sample.name == "nerve_model_info"]
    assert [(model["model"], model["labels"]) for model in models] == [("fake", "LOC,PER"), ("other", "LOC,PER")]
    assert scrape("nerve_build_info") == 1


def test_the_process_tells_its_memory_and_its_start(client: httpx.Client) -> None:
    scrape = Scrape(client)
    assert scrape("nerve_workers") == 1
    assert 2**20 < scrape("process_resident_memory_bytes") < 2**36
    assert scrape("process_start_time_seconds") > 1.6e9


def test_a_client_cannot_make_labels(client: httpx.Client) -> None:
    for number in range(20):
        client.get(f"/nowhere/{number}?q={number}")
        client.request(("LOCK", "MKCOL", "PROPFIND")[number % 3], f"/{number}")
        client.post(URL, json={"text": "a", "model": f"model{number}"})
        client.post(URL, json={"text": "a", "labels": [f"label{number}"]})
    scrape = Scrape(client)
    assert scrape.values("route") == {URL, "other"}
    assert scrape.values("method") == {"GET", "POST", "other"}
    assert scrape.values("model") == {"fake", "other"}
    assert scrape.values("label") == set()


def test_a_request_that_is_refused_before_its_route_is_counted_there(serve: Serve) -> None:
    client, _ = serve(max_body_bytes=10, max_characters=10)
    client.post(URL, json={"text": "a" * 99})
    assert Scrape(client)("nerve_http_requests_total", route=URL, status="413") == 1


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text; version=1.0.0; q=0.5",
        "text/html, application/openmetrics-text;version=nonsense",
    ],
)
def test_openmetrics_is_spoken_to_those_who_ask_for_it(client: httpx.Client, accept: str) -> None:
    client.post(URL, json={"text": "Ann"})
    answer = client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    found = {family.name: family.type for family in open_metrics(answer.text)}
    assert (found["nerve_texts"], found["nerve_model"]) == ("counter", "info")


def test_every_metric_has_a_help_text_and_a_type(client: httpx.Client) -> None:
    client.post(URL, json={"text": "Ann"})
    assert [family.name for family in Scrape(client).families if not family.documentation] == []
    assert {family.type for family in Scrape(client).families} == {"counter", "gauge", "histogram"}


def test_every_metric_is_documented_with_its_type_and_labels(client: httpx.Client) -> None:
    rows = table((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), "metric")
    documented = {name: (kind, set(filter(None, labels.split(", ")))) for name, kind, labels, _ in rows}
    client.post(URL, json={"text": "Ann"})
    client.get("/nowhere")
    client.post("/v1/models/fake:reload")
    told = {}
    for family in Scrape(client).families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        told[name] = (family.type, {label for sample in family.samples for label in sample.labels} - {"le"})
    assert documented == told


def test_every_reason_is_documented() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "service").rglob("*.py"))
    said = {*re.findall(r'reason ?= ?"(\w+)"', sources), *(status.code for status in STATUSES.values())}
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    http_api = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
    assert said >= {"too_many_bytes", "client_left", "not_found"}
    assert [reason for reason in said if f"`{reason}`" not in operations + http_api] == []
