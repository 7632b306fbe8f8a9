"""Hugging Face's contract: its own client against a service process, and what each parameter does."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from nerve.model.tokenizer import tokenize
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.engine.batcher import EngineStoppedError
from nerve.service.settings import BUNDLED_MODEL
from tests.support import loopback
from tests.support.fakes import Decided, DirectEngine, served

Serve = Callable[..., Any]
GROUPED = ["simple", "first", "average", "max"]
TEXT = f"😀 {EXAMPLE_TEXT}"

bundled = pytest.mark.skipif(not BUNDLED_MODEL.is_file(), reason="models/en.pt is not there")


# -- its own client, and a service process -------------------------------------------------------------------------


@pytest.fixture
def native(service_url: str) -> list[dict[str, Any]]:
    """What the native route finds in the text."""
    answer = loopback.post(service_url + "/v1/entities", json={"text": TEXT}).json()
    ents: list[dict[str, Any]] = answer["ents"]
    assert len(ents) > 2, "or these tests see nothing"
    return ents


def grouped(ent: dict[str, Any]) -> dict[str, Any]:
    return {
        "entity_group": ent["label"],
        "score": ent["score"],
        "word": ent["text"],
        "start": ent["start"],
        "end": ent["end"],
        "entity": None,
    }


@bundled
@pytest.mark.parametrize("path", ["", "/", "/models/en"])
def test_the_client_finds_the_native_routes_entities(
    service_url: str, native: list[dict[str, Any]], path: str
) -> None:
    found = InferenceClient(model=service_url + path).token_classification(TEXT)
    assert [dict(one) for one in found] == [grouped(ent) for ent in native]


@bundled
def test_a_base_url_does_what_a_model_does(service_url: str, native: list[dict[str, Any]]) -> None:
    found = InferenceClient(base_url=service_url).token_classification(TEXT)
    assert [dict(one) for one in found] == [grouped(ent) for ent in native]


@bundled
@pytest.mark.parametrize("strategy", GROUPED)
def test_every_strategy_but_none_gives_the_client_entities(
    service_url: str, native: list[dict[str, Any]], strategy: Any
) -> None:
    found = InferenceClient(model=service_url).token_classification(TEXT, aggregation_strategy=strategy, stride=8)
    assert [dict(one) for one in found] == [grouped(ent) for ent in native]


@bundled
def test_the_strategy_none_gives_the_client_tokens_with_their_tags(
    service_url: str, native: list[dict[str, Any]]
) -> None:
    found = InferenceClient(model=service_url).token_classification(TEXT, aggregation_strategy="none")
    expected = [
        {
            "entity": f"{'B' if token.start == ent['start'] else 'I'}-{ent['label']}",
            "score": ent["score"],
            "index": index,
            "word": token.text,
            "start": token.start,
            "end": token.end,
            "entity_group": None,
        }
        for index, token in enumerate(tokenize(TEXT), 1)
        for ent in native
        if ent["start"] <= token.start < ent["end"]
    ]
    # The field that the client's class does not declare is an attribute of the object, as are the declared ones.
    assert [{**one, "index": one.index} for one in found] == expected


@bundled
def test_labels_to_ignore_are_left_out_for_the_client(service_url: str, native: list[dict[str, Any]]) -> None:
    client = InferenceClient(model=service_url)
    found = client.token_classification(TEXT, aggregation_strategy="simple", ignore_labels=["O", "LOC"])
    assert [one.entity_group for one in found] == [ent["label"] for ent in native if ent["label"] != "LOC"]


@bundled
@pytest.mark.anyio
async def test_the_asynchronous_client_finds_them_too(service_url: str, native: list[dict[str, Any]]) -> None:
    async with AsyncInferenceClient(model=service_url) as client:
        found = await client.token_classification(TEXT)
    assert [one.word for one in found] == [ent["text"] for ent in native]


@bundled
@pytest.mark.parametrize(
    ("path", "parameters", "status", "message"),
    [
        ("/models/xx", {}, 404, "no such model; the models are en"),
        ("", {"aggregation_strategy": "maximum"}, 422, "parameters.aggregation_strategy: Input should be 'none'"),
        ("", {"stride": -1}, 422, "parameters.stride: Input should be greater than or equal to 0"),
    ],
)
def test_the_client_shows_why_it_was_refused(
    service_url: str, path: str, parameters: dict[str, Any], status: int, message: str
) -> None:
    with pytest.raises(HfHubHTTPError) as refusal:
        InferenceClient(model=service_url + path).token_classification(TEXT, **parameters)
    assert refusal.value.response.status_code == status
    assert refusal.value.server_message is not None
    assert message in refusal.value.server_message


class StoppedEngine(DirectEngine):
    async def run(self, *_: Any) -> Any:
        raise EngineStoppedError("gone")


def test_the_client_shows_each_refusal_of_a_server(serve: Serve) -> None:
    small, _ = serve(max_characters=5)
    with pytest.raises(HfHubHTTPError, match="a text has 6 characters; the limit is 5"):
        InferenceClient(model=str(small.base_url)).token_classification("123456")
    stopped, _ = serve(engine=StoppedEngine())
    with pytest.raises(HfHubHTTPError, match="the engine has stopped"):
        InferenceClient(model=str(stopped.base_url)).token_classification("Ann")


# -- the request and its answer ------------------------------------------------------------------------------------


def ask(client: httpx.Client, inputs: Any, **parameters: Any) -> Any:
    return client.post("/", json={"inputs": inputs, "parameters": parameters}).json()


ANN = {"entity_group": "PER", "score": 0.9, "word": "Ann", "start": 4, "end": 7}
BOB = {"entity_group": "LOC", "score": 0.4, "word": "BOB", "start": 8, "end": 11}


def test_a_text_is_answered_with_a_list(client: httpx.Client) -> None:
    assert ask(client, "see Ann BOB") == [ANN, BOB]


def test_texts_are_answered_with_a_list_each(client: httpx.Client) -> None:
    assert ask(client, ["see Ann BOB", ""]) == [[ANN, BOB], []]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": "see Ann BOB"},
        {"inputs": "see Ann BOB", "parameters": None},
        {
            "inputs": "see Ann BOB",
            "parameters": {"aggregation_strategy": None, "ignore_labels": None, "stride": None},
        },
        {"inputs": "see Ann BOB", "options": {"use_cache": False, "wait_for_model": True}},
    ],
)
def test_all_but_the_inputs_may_be_left_out(client: httpx.Client, body: Any) -> None:
    assert client.post("/", json=body).json() == [ANN, BOB]


@pytest.mark.parametrize(
    ("strategy", "ignored", "answered"),
    [
        ("simple", [], ["PER", "LOC"]),
        ("simple", ["O"], ["PER", "LOC"]),
        ("simple", ["PER"], ["LOC"]),
        ("simple", ["LOC", "PER"], []),
        ("simple", ["B-PER", "XX"], ["PER", "LOC"]),
        ("none", ["O"], ["B-PER", "B-LOC"]),
        ("none", ["PER"], ["B-PER", "B-LOC"]),
        ("none", ["B-PER"], ["B-LOC"]),
    ],
)
def test_what_is_ignored_is_a_label_or_with_none_a_tag(
    client: httpx.Client, strategy: str, ignored: list[str], answered: list[str]
) -> None:
    found = ask(client, "see Ann BOB", aggregation_strategy=strategy, ignore_labels=ignored)
    assert [one.get("entity_group", one.get("entity")) for one in found] == answered


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("New York", [(0, 8, "LOC")], [("B-LOC", 1, "New"), ("I-LOC", 2, "York")]),
        ("Ann, Bob", [(0, 3, "PER"), (5, 8, "PER")], [("B-PER", 1, "Ann"), ("B-PER", 3, "Bob")]),
        ("Ann Bob", [(0, 3, "PER"), (4, 7, "PER")], [("B-PER", 1, "Ann"), ("B-PER", 2, "Bob")]),
        ("默克尔 here", [(0, 3, "PER")], [("B-PER", 1, "默"), ("I-PER", 2, "克"), ("I-PER", 3, "尔")]),
        ("well-known", [(5, 10, "PER")], []),  # no token begins in it
        ("a\nb\n\nIn Rome.", [(8, 12, "LOC")], [("B-LOC", 4, "Rome")]),
        ("Rome", [], []),
    ],
)
def test_the_tokens_of_an_entity_are_those_of_the_tokenizer(
    serve: Serve, text: str, entities: Any, expected: list[tuple[str, int, str]]
) -> None:
    client, _ = serve(models=[served(recognizer=Decided(*entities))])
    found = ask(client, text, aggregation_strategy="none")
    assert [(one["entity"], one["index"], one["word"]) for one in found] == expected
    assert all(text[one["start"] : one["end"]] == one["word"] for one in found)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "inputs: Field required"),
        ({"inputs": "a", "input": "SECRET"}, "body: unknown field; the fields are inputs, parameters, options"),
        (
            {"inputs": "a", "parameters": {"SECRET": 1}},
            "parameters: unknown field; the fields are aggregation_strategy, ignore_labels, stride",
        ),
        (
            {"inputs": "a", "parameters": {"ignore_labels": "PER"}},
            "parameters.ignore_labels: Input should be a valid array",
        ),
        ({"inputs": "a", "parameters": {"stride": "SECRET"}}, "parameters.stride: Input should be a valid integer"),
        ({"inputs": ["a", 1]}, "inputs.1: Input should be a valid string"),
    ],
)
def test_a_refusal_names_the_place(client: httpx.Client, body: Any, message: str) -> None:
    answer = client.post("/", json=body)
    assert answer.status_code == 422
    assert message in answer.json()["error"]
    assert "SECRET" not in answer.text


def test_the_page_stays_where_it_was(client: httpx.Client) -> None:
    assert client.get("/").headers["content-type"].startswith("text/html")
