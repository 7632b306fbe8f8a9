"""The Open Inference Protocol, version 2, as KServe, Triton and their clients speak it: `/v2` and below.

A model has one input, `text`, and one output, `entities`, both tensors of BYTES and of the same shape, whatever that
is. An element of the output is the JSON of the entities of the text in its place. Tensors travel in the JSON or, by
Triton's extension, in binary behind it: each element after its length in four bytes, little-endian.

The protocol answers 400 to every request that is not valid.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import prod
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json

from nerve import __version__
from nerve.model.annotation import Entity
from nerve.service.api.body import Items, Text, check_limits, declared_bytes, described, parse, read
from nerve.service.api.schemas import EXAMPLE_ENTITIES, EXAMPLE_TEXT
from nerve.service.errors import (
    BadRequestError,
    InvalidRequestError,
    PlainErrorAnswer,
    PlainErrorRoute,
    TooLargeError,
    plain_errors,
)
from nerve.service.http.disconnect import cancelled_on_hangup
from nerve.service.settings import Settings
from nerve.service.state import Service

INPUT, OUTPUT, BYTES = "text", "entities", "BYTES"
# Of the JSON in front of binary tensors, in bytes.
JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
LENGTH = struct.Struct("<I")
MOST_DIMENSIONS = 8

INFER_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": PlainErrorAnswer, "description": "Not a valid request."},
    **plain_errors(401, 404, 413, 500, 503, 504, "default"),
}

Parameters = dict[str, JsonValue]


class InputTensor(BaseModel):
    """`text`: its elements are in `data`, or `binary_data_size` bytes of them follow the JSON."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    name: str
    shape: Items[Annotated[int, Field(ge=0, lt=2**63)]] = Field(max_length=MOST_DIMENSIONS)
    datatype: str
    parameters: Parameters = {}
    data: list[JsonValue] | None = None


class OutputRequest(BaseModel):
    """`entities`, in binary or not."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    name: str
    parameters: Parameters = {}


class InferRequest(BaseModel):
    """One tensor of texts."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    id: Text | None = Field(None, description="Comes back in the answer.")
    parameters: Parameters = Field({}, description="`binary_data_output`: whether to answer tensors in binary.")
    inputs: Items[InputTensor] = Field(
        description="One tensor, `text`, of BYTES: its elements row by row in `data`, or in binary behind the JSON, "
        f"whose length `{JSON_LENGTH_HEADER}` then says."
    )
    outputs: Items[OutputRequest] = Field(
        [], description="`entities`, whose parameter `binary_data` comes before `binary_data_output`."
    )


class TensorMetadata(BaseModel):
    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What goes in and what comes out."""

    name: str
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    name: str
    version: str
    extensions: list[str]


class LiveAnswer(BaseModel):
    live: bool


class ReadyAnswer(BaseModel):
    ready: bool


class ModelReadyAnswer(BaseModel):
    name: str
    ready: bool


class OutputTensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[str]


def _json_of(entities: Iterable[Entity]) -> bytes:
    return to_json([entity.to_json() for entity in entities])


class InferAnswer(BaseModel):
    """A tensor of the shape that was sent. Offsets count code points."""

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
    id: str | None
    outputs: list[OutputTensor]


class TextTensor(NamedTuple):
    """The texts of a request, row by row."""

    shape: list[int]
    texts: list[str]


def inference_routes(service: Service) -> APIRouter:
    router = APIRouter(route_class=PlainErrorRoute, prefix="/v2", tags=["Open Inference Protocol"])

    @router.get("", summary="The server, in the Open Inference Protocol", response_model=ServerMetadata)
    async def server() -> Response:
        return _json({"name": "nerve", "version": __version__, "extensions": ["binary_tensor_data"]})

    @router.get("/health/live", summary="The process runs", response_model=LiveAnswer)
    async def live() -> Response:
        return _json({"live": True})

    @router.get(
        "/health/ready", summary="The service answers", response_model=ReadyAnswer, responses=plain_errors(503)
    )
    async def ready() -> Response:
        service.check_ready()
        return _json({"ready": True})

    @router.get(
        "/models/{name}",
        summary="The tensors of a model",
        response_model=ModelMetadata,
        responses=plain_errors(404, "default"),
    )
    async def model(name: str) -> Response:
        known = service.registry.named(name)
        return _json(
            {
                "name": known.name,
                "platform": "pytorch_torchscript",
                "inputs": [{"name": INPUT, "datatype": BYTES, "shape": [-1]}],
                "outputs": [{"name": OUTPUT, "datatype": BYTES, "shape": [-1]}],
            }
        )

    @router.get(
        "/models/{name}/ready",
        summary="A model answers",
        response_model=ModelReadyAnswer,
        responses=plain_errors(404, 503, "default"),
    )
    async def model_ready(name: str) -> Response:
        known = service.registry.named(name)
        service.check_ready()
        return _json({"name": known.name, "ready": True})

    @router.post(
        "/models/{name}/infer",
        summary="Find the entities in a tensor of texts",
        response_model=InferAnswer,
        responses=INFER_ERRORS,
        openapi_extra=described(
            InferRequest,
            {
                "a text": {
                    "id": "1",
                    "inputs": [{"name": INPUT, "shape": [1], "datatype": BYTES, "data": [EXAMPLE_TEXT]}],
                }
            },
        ),
    )
    async def infer(name: str, request: Request) -> Response:
        known = service.registry.named(name)
        service.check_room(declared_bytes(request.scope["headers"]))
        body = await read(request)
        json_length = _json_length(request.headers.get(JSON_LENGTH_HEADER), len(body))
        asked = _parse(body[:json_length])
        tensor = _texts(asked, body[json_length:], service.settings)
        binary = _is_binary(asked)
        async with cancelled_on_hangup(request.scope):
            found = await service.annotator.entities(known.recognizer, tensor.texts)
        return _answer(known.name, asked.id, tensor.shape, [_json_of(entities) for entities in found], binary)

    return router


def _json(content: Any) -> Response:
    return Response(to_json(content), media_type="application/json")


def _json_length(header: str | None, body_length: int) -> int:
    if header is None:
        return body_length
    if not re.fullmatch("[0-9]{1,18}", header) or int(header) > body_length:
        raise BadRequestError(f"{JSON_LENGTH_HEADER} must be a number up to the body's length, {body_length:,}")
    return int(header)


def _parse(document: bytes) -> InferRequest:
    try:
        return parse(document, InferRequest)
    except InvalidRequestError as error:
        raise BadRequestError(error.message, error.details) from None


def _texts(asked: InferRequest, binary: bytes, settings: Settings) -> TextTensor:
    """The input tensor; `binary` is what follows the JSON. Raises BadRequestError and TooLargeError."""
    if [tensor.name for tensor in asked.inputs] != [INPUT]:
        raise BadRequestError(f"the model has one input, {INPUT}")
    (tensor,) = asked.inputs
    if tensor.datatype != BYTES:
        raise BadRequestError(f"the datatype of {INPUT} is {BYTES}")
    count = prod(tensor.shape)
    if count > settings.max_texts:
        message = f"the request has {count:,} texts; the limit is {settings.max_texts:,}"
        raise TooLargeError(message, reason="too_many_texts")
    size = tensor.parameters.get("binary_data_size", 0)
    if size != len(binary):
        raise BadRequestError(f"{len(binary):,} bytes follow the JSON; binary_data_size must say so")
    if (tensor.data is None) != ("binary_data_size" in tensor.parameters):
        raise BadRequestError(f"the elements of {INPUT} must be in data, or in binary behind the JSON")
    elements = _binary_elements(binary) if tensor.data is None else _json_elements(tensor.data)
    texts = list(islice(elements, count + 1))
    if len(texts) != count:
        raise BadRequestError(f"{INPUT} has not as many elements as its shape says, {count:,}")
    check_limits(texts, settings)
    return TextTensor(tensor.shape, texts)


def _binary_elements(binary: bytes) -> Iterator[str]:
    start = number = 0
    while start < len(binary):
        if len(binary) - start < LENGTH.size:
            raise BadRequestError(f"element {number:,} has no length: {len(binary) - start} bytes are left")
        (length,) = LENGTH.unpack_from(binary, start)
        start += LENGTH.size
        if length > len(binary) - start:
            raise BadRequestError(f"element {number:,} has {length:,} bytes; {len(binary) - start:,} are left")
        try:
            yield binary[start : start + length].decode()
        except UnicodeDecodeError:
            raise BadRequestError(f"element {number:,} is not UTF-8") from None
        start += length
        number += 1


def _json_elements(data: Sequence[JsonValue]) -> Iterator[str]:
    """The strings of a list, or of lists of lists, row by row: the protocol allows both."""
    for item in data:
        if isinstance(item, list):
            yield from _json_elements(item)
        elif isinstance(item, str):
            yield item
        else:
            raise BadRequestError(f"an element of {INPUT} is not a string")


def _is_binary(asked: InferRequest) -> bool:
    """Whether the output is asked for in binary. Raises BadRequestError for another output, or another way to it."""
    if [output.name for output in asked.outputs] not in ([], [OUTPUT]):
        raise BadRequestError(f"the model has one output, {OUTPUT}")
    parameters = asked.outputs[0].parameters if asked.outputs else {}
    if parameters.keys() & {"classification", "shared_memory_region"}:
        raise BadRequestError(f"{OUTPUT} has no classification and does not go to shared memory")
    return parameters.get("binary_data", asked.parameters.get("binary_data_output")) is True


def _answer(model: str, request_id: str | None, shape: list[int], elements: list[bytes], binary: bool) -> Response:
    behind = b"".join(LENGTH.pack(len(element)) + element for element in elements) if binary else b""
    content = (
        {"parameters": {"binary_data_size": len(behind)}}
        if binary
        else {"data": [element.decode() for element in elements]}
    )
    answer: dict[str, Any] = {"model_name": model}
    if request_id is not None:
        answer["id"] = request_id
    answer["outputs"] = [{"name": OUTPUT, "datatype": BYTES, "shape": shape, **content}]
    document = to_json(answer)
    if not binary:
        return Response(document, media_type="application/json")
    return Response(
        document + behind,
        headers={JSON_LENGTH_HEADER: str(len(document))},
        media_type="application/octet-stream",
    )
