"""The HTTP contract over a real socket: answers, and every door for bad input that is the service's."""

import concurrent.futures
import html
import json
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.api.pages import POLICY
from nerve.service.api.routes import API
from nerve.service.engine.batcher import EngineStoppedError
from tests.support.fakes import CapitalisedWords, DirectEngine, HeldEngine, eventually, served

Serve = Callable[..., Any]
URL = "/v1/entities"


# -- answers -------------------------------------------------------------------------------------------------------


def test_a_text_is_answered_with_its_entities(client: httpx.Client) -> None:
    assert client.post(URL, json={"text": "yesterday Ann met BOB"}).json() == {
        "text": "yesterday Ann met BOB",
        "ents": [
            {"start": 10, "end": 13, "label": "PER", "text": "Ann", "score": 0.9},
            {"start": 18, "end": 21, "label": "LOC", "text": "BOB", "score": 0.4},
        ],
        "model": "fake",
    }


def test_texts_are_answered_in_their_order(client: httpx.Client) -> None:
    answer = client.post(URL, json={"texts": ["see Ann", "", "Bob"]}).json()
    assert answer == {
        "results": [
            {
                "text": "see Ann",
                "ents": [{"start": 4, "end": 7, "label": "PER", "text": "Ann", "score": 0.9}],
                "model": "fake",
            },
            {"text": "", "ents": [], "model": "fake"},
            {
                "text": "Bob",
                "ents": [{"start": 0, "end": 3, "label": "PER", "text": "Bob", "score": 0.9}],
                "model": "fake",
            },
        ],
        "model": "fake",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "Ann\r\nBob\r",
        "Ann 😀 Bob",
        "Zoe\u0308 Jose\u0301",
        "אנגלה Merkel",
        "默克尔 Merkel",
        'Ann "quoted" \\ back',
        "Ann\x00\x7f\u2028\ufeff",
    ],
)
@pytest.mark.parametrize("unit", ["codepoint", "utf16", "utf8"])
def test_the_text_comes_back_as_it_was_and_the_offsets_cut_the_entities_from_it(
    client: httpx.Client, text: str, unit: str
) -> None:
    encoding, width = {"codepoint": ("utf-32-le", 4), "utf16": ("utf-16-le", 2), "utf8": ("utf-8", 1)}[unit]
    answer = client.post(URL, json={"text": text, "offset_unit": unit}).json()
    encoded = text.encode(encoding)
    cut = [encoded[e["start"] * width : e["end"] * width].decode(encoding) for e in answer["ents"]]
    assert (answer["text"], cut) == (text, [e["text"] for e in answer["ents"]])


def test_a_megabyte_is_answered_whole(client: httpx.Client) -> None:
    text = f"{'y' * 97} Ann\nBob\n" * 10_000
    answer = client.post(URL, json={"text": text}).json()
    assert (len(text), len(answer["ents"]), answer["ents"][-1]["end"]) == (1_060_000, 20_000, 1_059_999)


def test_labels_choose_what_is_answered(client: httpx.Client) -> None:
    answer = client.post(URL, json={"text": "Ann BOB", "labels": ["LOC"]}).json()
    assert [e["text"] for e in answer["ents"]] == ["BOB"]


def test_min_score_leaves_out_what_is_less_probable(client: httpx.Client) -> None:
    answer = client.post(URL, json={"text": "Ann BOB", "min_score": 0.5}).json()
    assert [e["text"] for e in answer["ents"]] == ["Ann"]


def test_a_model_can_be_asked_for_by_name(client: httpx.Client) -> None:
    assert client.post(URL, json={"text": "Ann", "model": "other"}).json()["model"] == "other"


def test_the_content_type_need_not_be_said(client: httpx.Client) -> None:
    # curl -d sends application/x-www-form-urlencoded unless told otherwise.
    answer = client.post(
        URL, content=b'{"text": "Ann"}', headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 200


def test_the_models_are_listed_with_their_cards(client: httpx.Client) -> None:
    models = client.get("/v1/models").json()["models"]
    assert models[0] == {
        "name": "fake",
        "default": True,
        "labels": ["LOC", "PER"],
        "language": "en",
        "licence": "CC0-1.0",
        "description": "capitals",
        "datasets": [],
        "scores": {"dev": 1.0},
    }
    assert [(model["name"], model["default"]) for model in models] == [("fake", True), ("other", False)]


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/health/live", "/health/ready"])
def test_a_get_is_answered(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_documentation_shows_a_request_and_its_answer(client: httpx.Client) -> None:
    page = html.unescape(client.get("/docs").text)
    assert "POST /v1/entities" in page
    assert EXAMPLE_TEXT in page
    assert '"label": "PER"' in page


def test_the_documentation_shows_lines_as_lines(client: httpx.Client) -> None:
    page = html.unescape(client.get("/docs").text)
    assert '-H \'Content-Type: application/x-ndjson\' --data-binary \'{"id": 1, "text": ' in page
    assert '"}\n{"' in page


def test_the_documentation_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    answer = client.get("/docs")
    assert not re.search(r"https?://|@import", answer.text.replace("http://HOST:PORT", ""))
    assert answer.headers["content-security-policy"] == POLICY


def test_the_documentation_s_links_lead_somewhere_whatever_the_path_that_it_is_served_below(
    client: httpx.Client,
) -> None:
    page = client.get("/docs").text
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert "openapi.json" in links
    assert not [link for link in links if link.startswith("/")]
    anchors = {link[1:] for link in links if link.startswith("#")}
    assert anchors == {route.name for route in API}
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    assert {client.get(f"/{link.removeprefix('./')}").status_code for link in links if link[0] != "#"} == {200}


def test_the_documented_examples_are_requests(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"][URL]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"].values()
    assert {client.post(URL, json=example["value"]).status_code for example in examples} == {200}


def test_concurrent_requests_get_their_own_answers(client: httpx.Client) -> None:
    texts = [f"see Person{number}" for number in range(64)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: client.post(URL, json={"text": text}).json(), texts))
    assert [(a["text"], a["ents"][0]["text"]) for a in answers] == [(text, text[4:]) for text in texts]


# -- bad input -----------------------------------------------------------------------------------------------------


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """The status, code and message of an error in the one shape there is."""
    body = answer.json()
    assert body.keys() == {"error"}
    assert {"code", "message"} <= body["error"].keys() <= {"code", "message", "details"}
    return answer.status_code, body["error"]["code"], body["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": "SECRET\xff"}', 400),
        (b'{"text": "SECRET"', 422),
        (b'["SECRET"]', 422),
        (b'{"text": ["SECRET"]}', 422),
        (b'{"text": "a", "SECRET": 1}', 422),
        (b'{"text": "a", "texts": ["SECRET"]}', 422),
        (rb'{"text": "SECRET\ud800"}', 422),
        (b'{"texts": ["SECRET", NaN]}', 422),
        (b'{"text": "SECRET", "min_score": NaN}', 422),
        (b'{"text": "SECRET", "min_score": 2}', 422),
        (b'{"text": "SECRET", "offset_unit": "SECRET"}', 422),
        (b'{"text": "SECRET", "labels": ["SECRET"]}', 422),
        (b'{"text": "SECRET", "model": "SECRET"}', 404),
    ],
)
def test_a_bad_request_is_refused_and_not_echoed(client: httpx.Client, body: bytes, status: int) -> None:
    answer = client.post(URL, content=body)
    assert error_of(answer)[0] == status
    assert "SECRET" not in answer.text


def test_a_wrong_type_is_answered_with_its_place(client: httpx.Client) -> None:
    details = client.post(URL, json={"texts": ["a", 1]}).json()["error"]["details"]
    assert details == [{"loc": ["texts", 1], "msg": "Input should be a valid string"}]


def test_an_unknown_model_is_answered_with_the_known_ones(client: httpx.Client) -> None:
    answer = client.post(URL, json={"text": "a", "model": "xx"})
    assert error_of(answer) == (404, "not_found", "no such model; the models are fake, other")


def test_an_unknown_label_is_answered_with_the_known_ones(client: httpx.Client) -> None:
    status, code, message = error_of(client.post(URL, json={"text": "a", "labels": ["PER", "XX"]}))
    assert (status, code) == (422, "invalid_request")
    assert "LOC, PER" in message


@pytest.mark.parametrize("path", ["/v1/entity", "/v1/entities/"])
def test_an_unknown_path_is_answered_with_the_routes(client: httpx.Client, path: str) -> None:
    status, code, message = error_of(client.post(path, json={"text": "a"}))
    assert (status, code) == (404, "not_found")
    assert "POST /v1/entities" in message


def test_a_wrong_method_is_answered_with_the_right_one(client: httpx.Client) -> None:
    answer = client.get(URL)
    assert (error_of(answer)[0], answer.headers["allow"]) == (405, "OPTIONS, POST")


def test_a_body_that_declares_to_be_too_long_is_refused(serve: Serve) -> None:
    client, _ = serve(max_body_bytes=1_000, max_characters=1_000)
    answer = client.post(URL, json={"text": "a" * 1_000})
    assert error_of(answer) == (413, "too_large", "the body is too long; the limit is 1,000 bytes")


def test_a_chunked_body_that_becomes_too_long_is_refused(serve: Serve) -> None:
    client, _ = serve(max_body_bytes=1_000, max_characters=1_000)

    def chunks() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"a" * 100

    assert error_of(client.post(URL, content=chunks()))[0] == 413


def test_a_chunked_body_within_the_limit_is_answered(client: httpx.Client) -> None:
    assert client.post(URL, content=iter([b'{"text": ', b'"Ann"}'])).json()["ents"][0]["text"] == "Ann"


def test_a_text_with_too_many_characters_is_refused(serve: Serve) -> None:
    client, _ = serve(max_characters=10)
    answer = client.post(URL, json={"text": "a" * 11})
    assert error_of(answer) == (413, "too_large", "a text has 11 characters; the limit is 10")


def test_too_many_texts_are_refused(serve: Serve) -> None:
    client, _ = serve(max_texts=2)
    answer = client.post(URL, json={"texts": ["a"] * 3})
    assert error_of(answer) == (413, "too_large", "the request has 3 texts; the limit is 2")


@pytest.mark.parametrize("body", [{"text": "a b c d"}, {"texts": ["a b", "c d"]}, {"text": "a &nbsp; &nbsp; \u200b"}])
def test_too_many_tokens_are_refused(serve: Serve, body: dict[str, Any]) -> None:
    client, _ = serve(max_tokens=3)
    answer = client.post(URL, json=body)
    assert error_of(answer) == (413, "too_large", "the request has at least 4 tokens; the limit is 3")


# -- load, failure and shutdown ------------------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def held() -> Iterator[HeldEngine]:
    engine = HeldEngine()
    yield engine
    engine.release()


@pytest.mark.parametrize("body", [{"text": "a b"}, {"texts": ["a b"]}])
def test_a_full_queue_refuses_a_text_and_a_list_of_one_alike(
    serve: Serve, held: HeldEngine, pool: concurrent.futures.ThreadPoolExecutor, body: dict[str, Any]
) -> None:
    client, service = serve(engine=held, max_tokens=3, queue_tokens=3)
    pool.submit(client.post, URL, json={"text": "a b c"})
    assert held.started.wait(10)
    pool.submit(client.post, URL, json={"text": "a b"})
    assert eventually(lambda: service.batcher.waiting_tokens == 2)
    answer = client.post(URL, json=body)
    held.release()
    assert error_of(answer)[:2] == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_passed_deadline_is_answered_as_such(serve: Serve, held: HeldEngine) -> None:
    client, _ = serve(engine=held, deadline_seconds=0.05)
    assert error_of(client.post(URL, json={"text": "a"}))[:2] == (504, "deadline_exceeded")


def test_the_deadline_counts_the_tokenizing_of_a_long_text(serve: Serve) -> None:
    gate = threading.Event()

    class Slow(CapitalisedWords):
        def windows_of(self, sentences: Any, **settings: Any) -> Any:
            gate.wait(10)
            return super().windows_of(sentences, **settings)

    client, _ = serve(models=[served(recognizer=Slow())], deadline_seconds=0.05)
    answer = client.post(URL, json={"text": "a " * 10_000})
    gate.set()
    assert error_of(answer)[0] == 504


def test_a_long_text_being_tokenized_does_not_hold_up_others(
    serve: Serve, pool: concurrent.futures.ThreadPoolExecutor
) -> None:
    begun, gate = threading.Event(), threading.Event()

    class Slow(CapitalisedWords):
        def windows_of(self, sentences: Any, **settings: Any) -> Any:
            if sum(map(len, sentences)) > 9_000:
                begun.set()
                gate.wait(10)
            return super().windows_of(sentences, **settings)

    client, _ = serve(models=[served(recognizer=Slow())])
    long = pool.submit(client.post, URL, json={"text": "Ann " * 10_000})
    assert begun.wait(10)
    short = client.post(URL, json={"text": "Bob"})
    assert not long.done()
    gate.set()
    assert (short.status_code, long.result().status_code) == (200, 200)


class Broken(CapitalisedWords):
    def __init__(self, step: str) -> None:
        setattr(self, step, self._fail)

    def _fail(self, *arguments: Any, **_settings: Any) -> Any:
        raise ValueError(f"cannot read {arguments}")


@pytest.mark.parametrize("step", ["windows_of", "tag", "entities"])
def test_a_failure_is_answered_without_detail_and_logged_without_the_text(
    serve: Serve, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    client, _ = serve(models=[served(recognizer=Broken(step))])
    answer = client.post(URL, json={"text": "SECRET"}, headers={"X-Request-ID": "the-id"})
    assert error_of(answer) == (500, "internal", "the service failed to answer this request")
    assert answer.headers["x-request-id"] == "the-id"
    log = "".join(logging.Formatter().format(record) for record in caplog.records)
    assert "the-id" in log
    assert "ValueError" in log
    assert "SECRET" not in log


def test_after_a_failure_the_next_request_is_answered(serve: Serve) -> None:
    client, _ = serve(models=[served(), served("broken", Broken("tag"))])
    assert client.post(URL, json={"text": "Ann", "model": "broken"}).status_code == 500
    assert client.post(URL, json={"text": "Ann"}).status_code == 200


def test_a_dead_engine_turns_readiness_off_and_leaves_liveness_on(serve: Serve) -> None:
    class Dead(DirectEngine):
        async def run(self, *_: Any) -> Any:
            raise EngineStoppedError("gone")

    client, _ = serve(engine=Dead())
    assert error_of(client.post(URL, json={"text": "Ann"}))[0] == 503
    assert error_of(client.get("/health/ready"))[0] == 503
    assert client.get("/health/live").status_code == 200


def test_draining_turns_readiness_off_and_still_answers(serve: Serve) -> None:
    client, service = serve()
    service.draining = True
    assert error_of(client.get("/health/ready"))[2] == "the service is shutting down"
    assert client.post(URL, json={"text": "Ann"}).status_code == 200


def test_a_client_that_hangs_up_costs_no_compute(
    serve: Serve, held: HeldEngine, pool: concurrent.futures.ThreadPoolExecutor
) -> None:
    client, service = serve(engine=held)
    first = pool.submit(client.post, URL, json={"text": "Ann"})
    assert held.started.wait(10)
    body = json.dumps({"text": "Bob"}).encode()
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as leaving:
        leaving.sendall(b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert eventually(lambda: service.batcher.waiting_tokens == 1)
    assert eventually(lambda: service.batcher.waiting_tokens == 0)
    held.release()
    assert first.result().status_code == 200
    assert len(held.batches) == 1


# -- request ids ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health/live", "/nowhere", URL])
def test_every_answer_has_a_request_id(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["x-request-id"]


def test_two_answers_have_two_request_ids(client: httpx.Client) -> None:
    assert len({client.get("/health/live").headers["x-request-id"] for _ in range(2)}) == 2


def test_a_clients_request_id_is_kept(client: httpx.Client) -> None:
    sent = {"X-Request-ID": "3f_2-b.1"}
    assert client.get("/health/live", headers=sent).headers["x-request-id"] == "3f_2-b.1"


@pytest.mark.parametrize("insane", ["", "a b", 'a"b', "a" * 65, "ü"])
def test_an_insane_request_id_is_replaced(client: httpx.Client, insane: str) -> None:
    answer = client.get("/health/live", headers={"X-Request-ID": insane.encode()})
    assert answer.headers["x-request-id"] not in ("", insane)
