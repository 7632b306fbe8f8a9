"""What holds for every contract alike: the native route's entities, its limits and its refusals, in their shape."""

import concurrent.futures
import json
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.fakes import CapitalisedWords, HeldEngine, eventually, served

Serve = Callable[..., Any]


class Contract(NamedTuple):
    """How texts are asked for, how entities come back, and which status is for what is not a request."""

    path: str
    body: Callable[[list[str]], Any]
    entities: Callable[[Any], list[list[tuple[int, int, str]]]]
    invalid: int = 422

    def ask(self, client: httpx.Client, *texts: str, **options: Any) -> httpx.Response:
        return client.post(self.path, json=self.body(list(texts)), **options)


def infer_body(texts: list[str]) -> dict[str, Any]:
    return {"inputs": [{"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts}]}


LABELLING = """
<View>
  <Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>
  <Text name="text" value="$text"/>
</View>
"""

CONTRACTS = {
    "hugging face": Contract(
        "/",
        lambda texts: {"inputs": texts, "parameters": {}},
        lambda answer: [[(e["start"], e["end"], e["entity_group"]) for e in entities] for entities in answer],
    ),
    "hugging face, by name": Contract(
        "/models/fake",
        lambda texts: {"inputs": texts},
        lambda answer: [[(e["start"], e["end"], e["entity_group"]) for e in entities] for entities in answer],
    ),
    "presidio": Contract(
        "/analyze",
        lambda texts: {"text": texts, "language": "en"},
        lambda answer: [
            [(e["start"], e["end"], {"PERSON": "PER", "LOCATION": "LOC"}[e["entity_type"]]) for e in entities]
            for entities in answer
        ],
    ),
    "open inference": Contract(
        "/v2/models/fake/infer",
        infer_body,
        lambda answer: [
            [(e["start"], e["end"], e["label"]) for e in json.loads(element)]
            for element in answer["outputs"][0]["data"]
        ],
        invalid=400,
    ),
    "label studio": Contract(
        "/predict",
        lambda texts: {"tasks": [{"id": 1, "data": {"text": text}} for text in texts], "label_config": LABELLING},
        lambda answer: [
            [(r["value"]["start"], r["value"]["end"], r["value"]["labels"][0]) for r in prediction["result"]]
            for prediction in answer["results"]
        ],
    ),
}


@pytest.fixture(params=CONTRACTS.values(), ids=CONTRACTS.keys())
def contract(request: pytest.FixtureRequest) -> Contract:
    found: Contract = request.param
    return found


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """The status and message of an error in the shape that these contracts share."""
    body = answer.json()
    assert body.keys() == {"error"}
    assert isinstance(body["error"], str)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, body["error"]


# -- answers -------------------------------------------------------------------------------------------------------


def test_the_entities_are_the_native_routes_in_code_points(client: httpx.Client, contract: Contract) -> None:
    texts = ["", "see Ann", "😀 Bob\r\nZoe\u0308 MET 默克尔 Ann\x00\u2028", "nothing"]
    native = client.post("/v1/entities", json={"texts": texts}).json()["results"]
    expected = [[(ent["start"], ent["end"], ent["label"]) for ent in result["ents"]] for result in native]
    assert contract.entities(contract.ask(client, *texts).json()) == expected


def test_no_texts_are_answered_with_no_lists(client: httpx.Client, contract: Contract) -> None:
    assert contract.entities(contract.ask(client).json()) == []


def test_the_content_type_need_not_be_said(client: httpx.Client, contract: Contract) -> None:
    answer = client.post(contract.path, content=json.dumps(contract.body(["Ann"])).encode())
    assert contract.entities(answer.json()) == [[(0, 3, "PER")]]


# -- limits --------------------------------------------------------------------------------------------------------


def test_a_body_that_declares_to_be_too_long_is_refused(serve: Serve, contract: Contract) -> None:
    client, _ = serve(max_body_bytes=1_000, max_characters=1_000)
    answer = contract.ask(client, "a" * 1_000)
    assert error_of(answer) == (413, "the body is too long; the limit is 1,000 bytes")


def test_a_chunked_body_that_becomes_too_long_is_refused(serve: Serve, contract: Contract) -> None:
    client, _ = serve(max_body_bytes=1_000, max_characters=1_000)
    answer = client.post(contract.path, content=iter([b"a" * 100] * 11))
    assert error_of(answer) == (413, "the body is too long; the limit is 1,000 bytes")


def test_a_text_with_too_many_characters_is_refused(serve: Serve, contract: Contract) -> None:
    client, _ = serve(max_characters=10)
    assert error_of(contract.ask(client, "a" * 11)) == (413, "a text has 11 characters; the limit is 10")


def test_too_many_texts_are_refused(serve: Serve, contract: Contract) -> None:
    client, _ = serve(max_texts=2)
    assert error_of(contract.ask(client, "a", "a", "a")) == (413, "the request has 3 texts; the limit is 2")


def test_too_many_tokens_are_refused(serve: Serve, contract: Contract) -> None:
    client, _ = serve(max_tokens=3)
    assert error_of(contract.ask(client, "a b", "c d")) == (413, "the request has at least 4 tokens; the limit is 3")


# -- load and failure ----------------------------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def held() -> Iterator[HeldEngine]:
    engine = HeldEngine()
    yield engine
    engine.release()


def test_a_full_queue_refuses_and_says_when_to_try_again(
    serve: Serve, held: HeldEngine, pool: concurrent.futures.ThreadPoolExecutor, contract: Contract
) -> None:
    client, service = serve(engine=held, max_tokens=3, queue_tokens=3)
    pool.submit(contract.ask, client, "a b c")
    assert held.started.wait(10)
    pool.submit(contract.ask, client, "a b")
    assert eventually(lambda: service.batcher.waiting_tokens == 2)
    answer = contract.ask(client, "a b")
    held.release()
    assert error_of(answer) == (503, "the queue is full: 2 tokens wait, 2 more were sent; the limit is 3")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_passed_deadline_is_answered_as_such(serve: Serve, held: HeldEngine, contract: Contract) -> None:
    client, _ = serve(engine=held, deadline_seconds=0.05)
    assert error_of(contract.ask(client, "a")) == (504, "the deadline passed before the answer")


class Broken(CapitalisedWords):
    def __init__(self, step: str) -> None:
        setattr(self, step, self._fail)

    def _fail(self, *arguments: Any) -> Any:
        raise ValueError(f"cannot read {arguments}")


@pytest.mark.parametrize("step", ["windows_of", "tag", "entities"])
def test_a_failure_is_answered_without_detail_and_logged_without_the_text(
    serve: Serve, caplog: pytest.LogCaptureFixture, contract: Contract, step: str
) -> None:
    client, _ = serve(models=[served(recognizer=Broken(step))])
    answer = contract.ask(client, "SECRET", headers={"X-Request-ID": "the-id"})
    assert error_of(answer) == (500, "the service failed to answer this request")
    log = "".join(logging.Formatter().format(record) for record in caplog.records)
    assert "the-id" in log
    assert "SECRET" not in log


def test_a_client_that_hangs_up_costs_no_compute(
    serve: Serve, held: HeldEngine, pool: concurrent.futures.ThreadPoolExecutor, contract: Contract
) -> None:
    client, service = serve(engine=held)
    first = pool.submit(contract.ask, client, "Ann")
    assert held.started.wait(10)
    body = json.dumps(contract.body(["Bob"])).encode()
    head = f"POST {contract.path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as leaving:
        leaving.sendall(head + body)
        assert eventually(lambda: service.batcher.waiting_tokens == 1)
    assert eventually(lambda: service.batcher.waiting_tokens == 0)
    held.release()
    assert first.result().status_code == 200
    assert len(held.batches) == 1


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"SECRET", b'["SECRET"]', b"{}", b'{"SECRET": 1}', b'{"text": NaN, "inputs": NaN}', b"[" * 20_000],
    ids=lambda body: body[:20].decode(),
)
def test_what_is_not_a_request_is_refused_and_not_echoed(
    client: httpx.Client, contract: Contract, body: bytes
) -> None:
    answer = client.post(contract.path, content=body)
    status, message = error_of(answer)
    assert status == contract.invalid
    assert message.startswith("the body is not a valid request: ")
    assert "SECRET" not in answer.text


def test_what_is_not_utf_8_is_a_bad_request(client: httpx.Client, contract: Contract) -> None:
    body = json.dumps(contract.body(["SECRET"])).encode().replace(b"SECRET", b"SECRET\xff")
    answer = client.post(contract.path, content=body)
    assert (error_of(answer)[0], "SECRET" in answer.text) == (400, False)


def test_a_lone_surrogate_is_refused(client: httpx.Client, contract: Contract) -> None:
    body = json.dumps(contract.body(["SECRET"])).replace("SECRET", r"SECRET\ud800").encode()
    answer = client.post(contract.path, content=body)
    assert (error_of(answer)[0], "SECRET" in answer.text) == (contract.invalid, False)


@pytest.mark.parametrize("text", [1, None, True, {}])
def test_a_text_that_is_no_string_is_refused(client: httpx.Client, contract: Contract, text: Any) -> None:
    assert error_of(client.post(contract.path, json=contract.body(["SECRET", text])))[0] == contract.invalid


def test_a_wrong_method_is_answered_with_the_right_ones(client: httpx.Client, contract: Contract) -> None:
    answer = client.put(contract.path, json={})
    right = "GET, HEAD, OPTIONS, POST" if contract.path == "/" else "OPTIONS, POST"
    assert (*error_of(answer), answer.headers["allow"]) == (405, f"this path answers {right} only", right)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/models/xx"),
        ("POST", "/v2/models/xx/infer"),
        ("GET", "/v2/models/xx"),
        ("GET", "/v2/models/xx/ready"),
    ],
)
def test_an_unknown_model_is_answered_with_the_known_ones(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path, json=infer_body(["Ann"]))
    assert error_of(answer) == (404, "no such model; the models are fake, other")


# -- the document --------------------------------------------------------------------------------------------------


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else []
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_document_refers_to_nothing_that_it_does_not_have(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for reference in set(references(document)):
        assert reference.startswith("#/components/schemas/")
        assert reference.rsplit("/", 1)[1] in document["components"]["schemas"]


def test_the_document_promises_no_error_of_the_frameworks(client: httpx.Client) -> None:
    assert "HTTPValidationError" not in client.get("/openapi.json").text


def test_every_documented_example_is_a_request(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    asked = [
        (path, name, client.post(path.replace("{name}", "fake"), **sent).status_code)
        for path, operations in paths.items()
        for kind, content in operations.get("post", {}).get("requestBody", {}).get("content", {}).items()
        for name, example in content["examples"].items()
        for sent in [{("json" if kind == "application/json" else "content"): example["value"]}]
    ]
    assert {path for path, _, _ in asked} >= {
        contract.path.replace("fake", "{name}") for contract in CONTRACTS.values()
    }
    assert [(path, name, status) for path, name, status in asked if status != 200] == []


def test_the_documentation_shows_every_route(client: httpx.Client) -> None:
    page = client.get("/docs").text
    paths = client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            assert f"<code>{method.upper()} {path}</code></h2>" in page
