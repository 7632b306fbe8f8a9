"""The tensors of the Open Inference Protocol: texts in, the JSON of entities out.

Tensors are in the JSON or, by Triton's extension for binary tensors, in binary after it: each element after its
length in four bytes, little-endian.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from math import prod
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json
from starlette.responses import Response

from nerve.service.api.body import MOST_FIELDS, WHOLE, Items, Text, check_limits, parse
from nerve.service.api.route import JSON
from nerve.service.api.schema import ARRAY, NULL_IS_DEFAULT, STRING, either
from nerve.service.errors import BadRequestError, InvalidRequestError, TooLargeError
from nerve.service.settings import Settings

INPUT, OUTPUT, BYTES = "text", "entities", "BYTES"
# The header with the length of the JSON in front of binary tensors, in bytes.
JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
LENGTH = struct.Struct("<I")
MOST_DIMENSIONS = 8
# The model has one input and one output; a request with a few more is told so.
MOST_TENSORS = 16

Parameters = Annotated[dict[str, JsonValue], Field(max_length=MOST_FIELDS), NULL_IS_DEFAULT]


class InputTensor(BaseModel):
    """The tensor `text`; its elements are in `data`, or in `binary_data_size` bytes after the JSON."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    name: str = Field(json_schema_extra={"const": INPUT})
    shape: Items[Annotated[int, Field(ge=0, lt=2**63), WHOLE]] = Field(max_length=MOST_DIMENSIONS)
    datatype: str = Field(json_schema_extra={"const": BYTES})
    parameters: Parameters = Field({})
    data: list[JsonValue] | None = Field(None, json_schema_extra={"items": either(ARRAY, STRING)})


class OutputRequest(BaseModel):
    """The tensor `entities`, in JSON or in binary."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    name: str = Field(json_schema_extra={"const": OUTPUT})
    parameters: Parameters = Field({})


class InferRequest(BaseModel):
    """A tensor of texts."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    id: Text | None = Field(None, description="An id, which comes back in the answer.")
    parameters: Parameters = Field({}, description="With `binary_data_output` the answer's tensor is in binary.")
    inputs: Items[InputTensor] = Field(
        max_length=MOST_TENSORS,
        description="One tensor, `text`, of BYTES; elements are in `data`, row by row, or in binary after the JSON. "
        f"For binary elements, the header `{JSON_LENGTH_HEADER}` has the length of the JSON.",
        json_schema_extra={"minItems": 1, "maxItems": 1},
    )
    outputs: Annotated[Items[OutputRequest], Field(max_length=MOST_TENSORS), NULL_IS_DEFAULT] = Field(
        [],
        description="Only `entities`. Its parameter `binary_data` beats `binary_data_output`.",
        json_schema_extra={"maxItems": 1},
    )


class TextTensor(NamedTuple):
    """The texts of a request, row by row, and how to answer them.

    Attributes:
        shape: The shape of the tensor.
        texts: Its elements.
        request_id: The id of the request, which comes back in the answer.
        binary: Whether the output is sent in binary.
    """

    shape: list[int]
    texts: list[str]
    request_id: str | None
    binary: bool


def read_tensor(body: bytes, json_length: str | None, settings: Settings) -> TextTensor:
    """Return the texts in the body of a request.

    Args:
        body: The JSON, and the binary tensor after it, if there is one.
        json_length: The header with the length of the JSON; without it, all of the body is JSON.
        settings: The limits.

    Raises:
        BadRequestError: The body is not a valid request.
        TooLargeError: There are too many texts, or a text has too many characters.
    """
    length = _json_length(json_length, len(body))
    try:
        request = parse(body[:length], InferRequest)
    except InvalidRequestError as error:
        raise BadRequestError(error.message, error.details) from None
    shape, texts = _texts(request, body[length:], settings)
    return TextTensor(shape, texts, request.id, _is_binary(request))


def tensor_response(model: str, tensor: TextTensor, elements: Sequence[bytes]) -> Response:
    """Return the answer to a tensor of texts: a tensor of the same shape with these elements."""
    behind = b"".join(LENGTH.pack(len(element)) + element for element in elements) if tensor.binary else b""
    content = (
        {"parameters": {"binary_data_size": len(behind)}}
        if tensor.binary
        else {"data": [element.decode() for element in elements]}
    )
    answer: dict[str, Any] = {"model_name": model}
    if tensor.request_id is not None:
        answer["id"] = tensor.request_id
    answer["outputs"] = [{"name": OUTPUT, "datatype": BYTES, "shape": tensor.shape, **content}]
    document = to_json(answer)
    if not tensor.binary:
        return Response(document, media_type=JSON)
    return Response(
        document + behind,
        headers={JSON_LENGTH_HEADER: str(len(document))},
        media_type="application/octet-stream",
    )


def _json_length(header: str | None, body_length: int) -> int:
    if header is None:
        return body_length
    if not re.fullmatch("[0-9]{1,18}", header) or int(header) > body_length:
        raise BadRequestError(f"{JSON_LENGTH_HEADER} must be a number up to the body's length, {body_length:,}")
    return int(header)


def _texts(request: InferRequest, binary: bytes, settings: Settings) -> tuple[list[int], list[str]]:
    """Return the shape and the elements of the input; `binary` is what follows the JSON."""
    if [tensor.name for tensor in request.inputs] != [INPUT]:
        raise BadRequestError(f"the model has one input, {INPUT}")
    (tensor,) = request.inputs
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
        raise BadRequestError(f"the elements of {INPUT} must be in data, or in binary after the JSON")
    elements = _binary_elements(binary) if tensor.data is None else _json_elements(tensor.data)
    texts = list(islice(elements, count + 1))
    if len(texts) != count:
        raise BadRequestError(f"{INPUT} must have as many elements as its shape says, {count:,}")
    check_limits(texts, settings)
    return tensor.shape, texts


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
    """Yield the strings of a list, or of lists of lists, row by row: the protocol allows both."""
    for item in data:
        if isinstance(item, list):
            yield from _json_elements(item)
        elif isinstance(item, str):
            yield item
        else:
            raise BadRequestError(f"an element of {INPUT} is not a string")


def _is_binary(request: InferRequest) -> bool:
    """Return whether the request asks for binary output; raise BadRequestError for outputs that are not supported."""
    if [output.name for output in request.outputs] not in ([], [OUTPUT]):
        raise BadRequestError(f"the model has one output, {OUTPUT}")
    parameters = request.outputs[0].parameters if request.outputs else {}
    if parameters.keys() & {"classification", "shared_memory_region"}:
        raise BadRequestError(f"{OUTPUT} supports neither classification nor shared memory")
    return parameters.get("binary_data", request.parameters.get("binary_data_output")) is True
