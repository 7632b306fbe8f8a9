"""The Open Inference Protocol, version 2, of KServe, Triton and their clients: `/v2` and below.

A model has one input, `text`, and one output, `entities`. Both are tensors of BYTES with the same shape, which may be
any shape. An element of the output is the JSON of the entities of the text in the same position.

The protocol has the status 400 for every request that is not valid.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve import __version__
from nerve.model.annotation import Entity
from nerve.service.annotate.annotator import Task
from nerve.service.annotate.document import Annotation
from nerve.service.api.examples import EXAMPLE_ENTITIES, EXAMPLE_TEXT
from nerve.service.api.route import Route, json_response
from nerve.service.api.tensors import (
    BYTES,
    INPUT,
    JSON_LENGTH_HEADER,
    OUTPUT,
    InferRequest,
    TextTensor,
    read_tensor,
    tensor_response,
)
from nerve.service.state import Service

TAG = "Open Inference Protocol"
PREFIX = "/v2/"


class TensorMetadata(BaseModel):
    """The name, the datatype and the shape of a tensor; -1 is any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """The tensors that a model takes and answers."""

    name: str
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The server and the extensions of the protocol that it supports."""

    name: str
    version: str
    extensions: list[str]


class LiveAnswer(BaseModel):
    """That the process runs."""

    live: bool


class ReadyAnswer(BaseModel):
    """That the service answers."""

    ready: bool


class ModelReadyAnswer(BaseModel):
    """That a model answers."""

    name: str
    ready: bool


class OutputTensor(BaseModel):
    """The tensor `entities`; each element is the JSON of the entities of a text."""

    name: str
    datatype: str
    shape: list[int]
    data: list[str]


def _json_of(entities: Iterable[Entity]) -> bytes:
    return to_json([entity.to_json() for entity in entities])


class InferAnswer(BaseModel):
    """A tensor of the shape of the request's. Offsets count code points."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_name": "en",
                    "id": "1",
                    "outputs": [
                        {
                            "name": OUTPUT,
                            "datatype": BYTES,
                            "shape": [1],
                            "data": [_json_of(EXAMPLE_ENTITIES).decode()],
                        }
                    ],
                }
            ]
        }
    )

    model_name: str
    id: str | SkipJsonSchema[None] = None
    outputs: list[OutputTensor]


async def infer_server(_: Service, _request: Request) -> Response:
    """Answer the server's name and extensions."""
    return json_response({"name": "nerve", "version": __version__, "extensions": ["binary_tensor_data"]})


async def infer_live(_: Service, _request: Request) -> Response:
    """Answer that the process runs."""
    return json_response({"live": True})


async def infer_ready(service: Service, _: Request) -> Response:
    """Answer that the service is ready."""
    service.check_ready()
    return json_response({"ready": True})


async def infer_model(service: Service, request: Request) -> Response:
    """Answer the tensors of a model."""
    return json_response(
        {
            "name": service.registry.named(request.path_params["name"]).name,
            "platform": "pytorch_torchscript",
            "inputs": [{"name": INPUT, "datatype": BYTES, "shape": [-1]}],
            "outputs": [{"name": OUTPUT, "datatype": BYTES, "shape": [-1]}],
        }
    )


async def infer_model_ready(service: Service, request: Request) -> Response:
    """Answer that a model is ready."""
    model = service.registry.named(request.path_params["name"])
    service.check_ready()
    return json_response({"name": model.name, "ready": True})


def _parse(service: Service, request: Request, body: bytes) -> TextTensor:
    return read_tensor(body, request.headers.get(JSON_LENGTH_HEADER), service.settings)


async def infer(service: Service, request: Request, tensor: TextTensor) -> Response:
    """Answer the entities of a tensor of texts."""
    model = service.registry.named(request.path_params["name"])
    with service.annotator.work(sum(map(len, tensor.texts))) as work:
        tasks = [Task(text, [model]) for text in tensor.texts]
        elements = await work.compute(partial(_elements, await work.annotate(tasks)))
        return tensor_response(model.name, tensor, elements)


def _elements(annotations: Sequence[Annotation]) -> list[bytes]:
    return [_json_of(annotation.likely) for annotation in annotations]


ROUTES = (
    Route(
        "GET",
        "/v2",
        endpoint=infer_server,
        summary="Open Inference: describe the server",
        tag=TAG,
        answer=ServerMetadata,
        plain_errors=True,
    ),
    Route(
        "GET",
        "/v2/health/live",
        endpoint=infer_live,
        summary="Open Inference: check that the process runs",
        tag=TAG,
        answer=LiveAnswer,
        needs_key=False,
        quiet=True,
        plain_errors=True,
    ),
    Route(
        "GET",
        "/v2/health/ready",
        endpoint=infer_ready,
        summary="Open Inference: check that the service answers",
        tag=TAG,
        answer=ReadyAnswer,
        needs_key=False,
        quiet=True,
        plain_errors=True,
        statuses=(503,),
    ),
    Route(
        "GET",
        "/v2/models/{name}",
        by_model=True,
        endpoint=infer_model,
        summary="Open Inference: describe the tensors of a model",
        tag=TAG,
        answer=ModelMetadata,
        plain_errors=True,
    ),
    Route(
        "GET",
        "/v2/models/{name}/ready",
        by_model=True,
        endpoint=infer_model_ready,
        summary="Open Inference: check that a model answers",
        tag=TAG,
        answer=ModelReadyAnswer,
        quiet=True,
        plain_errors=True,
        statuses=(503,),
    ),
    Route(
        "POST",
        "/v2/models/{name}/infer",
        by_model=True,
        endpoint=infer,
        summary="Open Inference: find the entities in a tensor of texts",
        tag=TAG,
        request=InferRequest,
        parse=_parse,
        answer=InferAnswer,
        examples={
            "a text": {
                "id": "1",
                "inputs": [{"name": INPUT, "shape": [1], "datatype": BYTES, "data": [EXAMPLE_TEXT]}],
            }
        },
        plain_errors=True,
        admission=True,
        invalid=400,
    ),
)
