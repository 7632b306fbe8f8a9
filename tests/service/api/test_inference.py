"""The Open Inference Protocol: Triton's own client against a service process, and the protocol byte by byte."""

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from nerve import __version__
from nerve.service.api.examples import EXAMPLE_TEXT
from nerve.service.engine.batcher import EngineStoppedError
from nerve.service.settings import BUNDLED_MODEL
from tests.support import loopback
from tests.support.fakes import DirectEngine

Serve = Callable[..., Any]
INFER = "/v2/models/fake/infer"
HEADER = "Inference-Header-Content-Length"
TEXTS = [f"😀 {EXAMPLE_TEXT}", "", "Nothing\x00 here. Zoë", "München"]

bundled = pytest.mark.skipif(not BUNDLED_MODEL.is_file(), reason="models/en.pt is not there")


# -- Triton's client, and a service process ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def triton(service_url: str) -> Iterator[InferenceServerClient]:
    with closing(InferenceServerClient(service_url.removeprefix("http://"))) as client:
        yield client


@pytest.fixture(scope="module")
def native(service_url: str) -> list[Any]:
    """What the native route finds in the texts."""
    answer = loopback.post(service_url + "/v1/entities", json={"texts": TEXTS}).json()
    assert len(answer["results"][0]["ents"]) > 2, "or these tests see nothing"
    return [result["ents"] for result in answer["results"]]


def tensor(*shape: int, binary: bool, texts: list[str] = TEXTS) -> InferInput:
    found = InferInput("text", list(shape), "BYTES")
    found.set_data_from_numpy(np.array(texts, dtype=object).reshape(shape), binary_data=binary)
    return found


@bundled
@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 2), (1, 4, 1)])
@pytest.mark.parametrize("binary_input", [True, False], ids=["binary in", "JSON in"])
@pytest.mark.parametrize(
    "outputs",
    [None, [InferRequestedOutput("entities")], [InferRequestedOutput("entities", binary_data=False)]],
    ids=["all out", "binary out", "JSON out"],
)
def test_the_client_finds_the_native_routes_entities(
    triton: InferenceServerClient, native: list[Any], shape: tuple[int, ...], binary_input: bool, outputs: Any
) -> None:
    answer = triton.infer("en", [tensor(*shape, binary=binary_input)], outputs=outputs, request_id="7")
    found = answer.as_numpy("entities")
    assert found.shape == shape
    assert [json.loads(element) for element in found.reshape(-1)] == native
    assert (answer.get_response()["id"], answer.get_response()["model_name"]) == ("7", "en")


@bundled
def test_what_the_client_asks_in_binary_is_answered_in_binary(triton: InferenceServerClient) -> None:
    answers = [
        triton.infer("en", [tensor(4, binary=True)], outputs=[InferRequestedOutput("entities", binary_data=binary)])
        for binary in (True, False)
    ]
    assert ["data" in answer.get_output("entities") for answer in answers] == [False, True]


@bundled
def test_an_empty_tensor_comes_back_empty_to_the_client(triton: InferenceServerClient) -> None:
    assert triton.infer("en", [tensor(0, binary=True, texts=[])]).as_numpy("entities").shape == (0,)


@bundled
def test_the_clients_parallel_requests_get_their_own_answers(
    triton: InferenceServerClient, native: list[Any]
) -> None:
    waiting = [triton.async_infer("en", [tensor(1, binary=True, texts=[text])]) for text in TEXTS * 4]
    found = [json.loads(request.get_result().as_numpy("entities")[0]) for request in waiting]
    assert found == native * 4


@bundled
def test_the_client_sees_server_and_model(triton: InferenceServerClient) -> None:
    assert (triton.is_server_live(), triton.is_server_ready()) == (True, True)
    assert (triton.is_model_ready("en"), triton.is_model_ready("xx")) == (True, False)
    assert triton.get_server_metadata() == {
        "name": "nerve",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }
    assert triton.get_model_metadata("en") == {
        "name": "en",
        "platform": "pytorch_torchscript",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [{"name": "entities", "datatype": "BYTES", "shape": [-1]}],
    }


@bundled
@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (lambda triton: triton.infer("xx", [tensor(4, binary=True)]), 404, "no such model; the models are en"),
        (lambda triton: triton.infer("en", []), 400, "the model has one input, text"),
        (
            lambda triton: triton.infer("en", [tensor(4, binary=True)], outputs=[InferRequestedOutput("labels")]),
            400,
            "the model has one output, entities",
        ),
        (
            lambda triton: triton.infer(
                "en", [tensor(4, binary=True)], outputs=[InferRequestedOutput("entities", class_count=2)]
            ),
            400,
            "entities supports neither classification nor shared memory",
        ),
        (lambda triton: triton.infer("en", [tensor(4, binary=True)], model_version="2"), 404, "no such path; "),
        (lambda triton: triton.get_model_repository_index(), 404, "no such path; the routes are POST /v1/entities"),
    ],
    ids=["model", "no input", "output", "classification", "version", "path"],
)
def test_the_client_shows_why_it_was_refused(
    triton: InferenceServerClient, call: Callable[[InferenceServerClient], Any], status: int, message: str
) -> None:
    with pytest.raises(InferenceServerException) as refusal:
        call(triton)
    assert refusal.value.status() == str(status)
    assert refusal.value.message().startswith(message)


# -- the protocol, byte by byte ------------------------------------------------------------------------------------


def element(text: str | bytes) -> bytes:
    encoded = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<I", len(encoded)) + encoded


def request_of(*texts: str, **changed: Any) -> dict[str, Any]:
    """A request in JSON whose tensor is changed as asked; None takes a field away."""
    found = {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts), **changed}
    return {"inputs": [{key: value for key, value in found.items() if value is not None}]}


def post_binary(
    client: httpx.Client, behind: bytes, size: Any = None, header: str | None = None, **changed: Any
) -> httpx.Response:
    """A request with `behind` as its binary part, of two texts unless the tensor is changed."""
    parameters = {"binary_data_size": len(behind) if size is None else size}
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "parameters": parameters, **changed}
    document = json.dumps({"inputs": [tensor]}).encode()
    return client.post(
        INFER, content=document + behind, headers={HEADER: str(len(document)) if header is None else header}
    )


ANN = '[{"start":0,"end":3,"label":"PER","text":"Ann","score":0.9}]'


def test_a_request_in_json_is_answered_in_json(client: httpx.Client) -> None:
    assert client.post(INFER, json=request_of("Ann", "")).json() == {
        "model_name": "fake",
        "outputs": [{"name": "entities", "datatype": "BYTES", "shape": [2], "data": [ANN, "[]"]}],
    }


def test_a_binary_answer_is_the_json_and_each_element_behind_its_length(client: httpx.Client) -> None:
    answer = client.post(INFER, json={**request_of("Ann", ""), "parameters": {"binary_data_output": True}})
    length = int(answer.headers[HEADER])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content[length:] == element(ANN) + element("[]")
    assert json.loads(answer.content[:length])["outputs"] == [
        {
            "name": "entities",
            "datatype": "BYTES",
            "shape": [2],
            "parameters": {"binary_data_size": len(answer.content) - length},
        }
    ]


@pytest.mark.parametrize(
    ("all_outputs", "this_output", "binary"),
    [
        (None, None, False),
        (True, None, True),
        (False, None, False),
        (None, True, True),
        (None, False, False),
        (True, False, False),
        (False, True, True),
    ],
)
def test_what_is_said_of_an_output_comes_before_what_is_said_of_all(
    client: httpx.Client, all_outputs: bool | None, this_output: bool | None, binary: bool
) -> None:
    body = request_of("Ann")
    if all_outputs is not None:
        body["parameters"] = {"binary_data_output": all_outputs}
    if this_output is not None:
        body["outputs"] = [{"name": "entities", "parameters": {"binary_data": this_output}}]
    assert (HEADER.lower() in client.post(INFER, json=body).headers) is binary


def test_binary_texts_are_read_behind_the_json(client: httpx.Client) -> None:
    answer = post_binary(client, element("Ann") + element(""))
    assert answer.json()["outputs"][0]["data"] == [ANN, "[]"]


@pytest.mark.parametrize("data", [["Ann", ""], [["Ann"], [""]], [["Ann", ""]], [[["Ann", ""]], []]])
def test_data_may_be_nested(client: httpx.Client, data: Any) -> None:
    answer = client.post(INFER, json=request_of(data=data, shape=[2]))
    assert answer.json()["outputs"][0]["data"] == [ANN, "[]"]


@pytest.mark.parametrize(("shape", "texts"), [([], ["Ann"]), ([1, 1], ["Ann"]), ([0], []), ([3, 0], [])])
def test_the_shape_comes_back(client: httpx.Client, shape: list[int], texts: list[str]) -> None:
    output = client.post(INFER, json=request_of(*texts, shape=shape)).json()["outputs"][0]
    assert (output["shape"], len(output["data"])) == (shape, len(texts))


def test_the_id_comes_back(client: httpx.Client) -> None:
    assert client.post(INFER, json={**request_of("Ann"), "id": "42 ü"}).json()["id"] == "42 ü"


def test_parameters_that_mean_nothing_here_are_passed_over(client: httpx.Client) -> None:
    body = {**request_of("Ann"), "parameters": {"priority": 1, "timeout": 5, "sequence_id": "a"}, "extra": None}
    assert client.post(INFER, json=body).status_code == 200


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "SECRET"}, "the model has one input, text"),
        ({"datatype": "INT32"}, "the datatype of text is BYTES"),
        ({"data": None}, "the elements of text must be in data, or in binary after the JSON"),
        (
            {"data": ["a"], "parameters": {"binary_data_size": 0}},
            "the elements of text must be in data, or in binary",
        ),
        ({"data": ["a", 1]}, "an element of text is not a string"),
        ({"data": [["a", {"SECRET": 1}]]}, "an element of text is not a string"),
        ({"data": ["a"]}, "text must have as many elements as its shape says, 2"),
        ({"data": ["a"] * 3}, "text must have as many elements as its shape says, 2"),
        ({"parameters": {"binary_data_size": 5}}, "0 bytes follow the JSON; binary_data_size must say so"),
        ({"parameters": {"shared_memory_region": "a"}, "data": None}, "the elements of text must be in data"),
        ({"shape": [-1]}, "the body is not a valid request: inputs.0.shape.0: Input should be greater than or equal"),
        ({"shape": [2.5]}, "the body is not a valid request: inputs.0.shape.0: Input should be a valid integer"),
        ({"shape": [True, 2]}, "the body is not a valid request: inputs.0.shape.0: Input should be a valid integer"),
        ({"shape": [1] * 9}, "the body is not a valid request: inputs.0.shape: "),
        ({"shape": [2**63]}, "the body is not a valid request: inputs.0.shape.0: "),
        ({"shape": None}, "the body is not a valid request: inputs.0.shape: Field required"),
    ],
)
def test_a_tensor_that_is_not_one_of_texts_is_refused(
    client: httpx.Client, changed: dict[str, Any], message: str
) -> None:
    answer = client.post(INFER, json=request_of("SECRET", "b", **changed))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(message)
    assert "SECRET" not in answer.text


def test_more_texts_than_the_limit_are_refused_whatever_the_data(client: httpx.Client) -> None:
    answer = client.post(INFER, json=request_of("a", shape=[2**62] * 8))
    assert answer.status_code == 413
    assert answer.json()["error"].endswith("texts; the limit is 1,000")


@pytest.mark.parametrize(
    ("behind", "message"),
    [
        (element("a"), "text must have as many elements as its shape says, 2"),
        (element("a") * 3, "text must have as many elements as its shape says, 2"),
        (b"\0" * 4_000_000, "text must have as many elements as its shape says, 2"),
        (element("a") + b"\1\0\0", "element 1 has no length: 3 bytes are left"),
        (element("a") + element("SECRET")[:-1], "element 1 has 6 bytes; 5 are left"),
        (element("a") + b"\xff\xff\xff\xff", "element 1 has 4,294,967,295 bytes; 0 are left"),
        (element("a") + element(b"SECRET\xff"), "element 1 is not UTF-8"),
        (element("a") + element(b"SECRET\xed\xa0\x80"), "element 1 is not UTF-8"),
    ],
)
def test_binary_data_that_is_not_of_texts_is_refused(client: httpx.Client, behind: bytes, message: str) -> None:
    answer = post_binary(client, behind)
    assert (answer.status_code, answer.json()["error"]) == (400, message)


@pytest.mark.parametrize("size", [0, 4, 11, -1, 2**70, "10", 10.5, None, [10]])
def test_a_wrong_size_of_the_binary_data_is_refused(client: httpx.Client, size: Any) -> None:
    behind = element("a") + element("b")
    answer = post_binary(client, behind, parameters={"binary_data_size": size})
    expected = (400, "10 bytes follow the JSON; binary_data_size must say so")
    assert (answer.status_code, answer.json()["error"]) == expected


@pytest.mark.parametrize("header", ["", "x", "-1", "1e2", "100000", "9" * 400, "²", "1_0"])
def test_a_wrong_length_of_the_json_is_refused(client: httpx.Client, header: str) -> None:
    answer = client.post(INFER, json=request_of("Ann"), headers={HEADER: header.encode("latin-1")})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{HEADER} must be a number up to the body's length, ")


def test_binary_data_without_the_length_of_the_json_is_refused(client: httpx.Client) -> None:
    document = json.dumps(request_of("Ann")).encode()
    assert client.post(INFER, content=document + element("Ann")).status_code == 400


def test_live_is_always_and_ready_only_while_requests_are_answered(serve: Serve) -> None:
    class Dead(DirectEngine):
        async def run(self, *_: Any) -> Any:
            raise EngineStoppedError("gone")

    client, _ = serve(engine=Dead())
    paths = ("/v2/health/ready", "/v2/models/fake/ready", "/v2/health/live", "/v2/models/fake")
    assert [client.get(path).status_code for path in paths] == [200] * 4
    assert client.post(INFER, json=request_of("Ann")).status_code == 503
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [503, 503, 200, 200]
    assert answers[0].json() == {"error": "the engine has stopped"}


def test_what_is_ready_says_so(client: httpx.Client) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/other/ready").json() == {"name": "other", "ready": True}


@pytest.mark.parametrize("path", ["/v2/", "/v2/models", "/v2/models/fake/versions/1/infer", "/v2/repository/index"])
def test_an_unknown_path_is_answered_with_the_routes(client: httpx.Client, path: str) -> None:
    answer = client.post(path, json={})
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("no such path; the routes are POST /v1/entities, ")
