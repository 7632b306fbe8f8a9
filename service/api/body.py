"""The body of a request, for every contract: read into the contract's own model within the limits, or refused.

Each contract has its models beside its routes. They are strict, and refusals name places and limits, never the
client's words.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from nerve.service.annotate.document import Source, characters
from nerve.service.errors import BadRequestError, InvalidRequestError, TooLargeError
from nerve.service.settings import Settings

# An answer that lists more mistakes than this helps nobody.
MOST_DETAILS = 20

Kind = TypeVar("Kind", bound=BaseModel)


async def read(request: Request) -> bytes:
    """The whole body. Raises ClientDisconnect, and whatever limits raise (`service/middleware.py`).

    Request.body does the same through two generators, which for a body of one piece cost more than all the rest.
    """
    pieces = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def declared_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """How long a body with these headers says it is, which the server holds it to; 0 where it does not say."""
    return int(next((value for name, value in headers if name == b"content-length"), b"0"))


def parse(body: bytes, kind: type[Kind]) -> Kind:
    """The request of this kind that `body` holds.

    Raises BadRequestError when it is not UTF-8, InvalidRequestError when it is not such a request.
    """
    try:
        document = body.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: byte {error.start:,} is invalid") from None
    try:
        return kind.model_validate_json(document)
    except ValidationError as error:
        raise _invalid(error, kind) from None


def check_limits(texts: Sequence[Source], settings: Settings) -> None:
    """Raises TooLargeError when there are too many texts or a text has too many characters."""
    if len(texts) > settings.max_texts:
        message = f"the request has {len(texts):,} texts; the limit is {settings.max_texts:,}"
        raise TooLargeError(message, reason="too_many_texts")
    longest = max(map(characters, texts), default=0)
    if longest > settings.max_characters:
        message = f"a text has {longest:,} characters; the limit is {settings.max_characters:,}"
        raise TooLargeError(message, reason="too_many_characters")


def encodable(text: str) -> str:
    """The text itself. Raises ValueError when UTF-8 cannot hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text must not contain lone surrogates") from None
    return text


Text = Annotated[str, AfterValidator(encodable)]
Item = TypeVar("Item")
# The first wrong item of a list is enough: to name millions of them would take minutes, and gigabytes.
Items = Annotated[list[Item], Field(fail_fast=True)]


def described(kind: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of an operation whose body is a request of this kind: the routes read it themselves, in one
    pass from bytes to the request, so they describe it themselves too."""
    schema = kind.model_json_schema()
    content = {
        "schema": _without_references(schema, schema.pop("$defs", {})),
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _without_references(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with its definitions in the places that name them: in another document nobody would find them."""
    if isinstance(schema, list):
        return [_without_references(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rsplit("/", 1)[1]], **schema}
        del schema["$ref"]
    return {key: _without_references(part, definitions) for key, part in schema.items()}


def _invalid(error: ValidationError, kind: type[BaseModel]) -> InvalidRequestError:
    if error.error_count() > MOST_DETAILS:
        return InvalidRequestError(f"the body is not a valid request: {error.error_count():,} mistakes are in it")
    details = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place, fields = _place(problem["loc"], kind)
        unknown = problem["type"] == "extra_forbidden"
        message = f"unknown field; the fields are {', '.join(fields)}" if unknown else problem["msg"]
        details.append({"loc": place, "msg": message.removeprefix("Value error, ")})
    return InvalidRequestError("the body is not a valid request", details)


def _place(path: Sequence[str | int], kind: type[BaseModel]) -> tuple[list[str | int], list[str]]:
    """The fields and positions of a path into a request, and the fields of the last object on it.

    What else is in a path is left out: it is the client's words, such as the name of an unknown field, or pydantic's.
    """
    place: list[str | int] = []
    fields = list(kind.model_fields)
    model: type[BaseModel] | None = kind
    for part in path:
        if isinstance(part, int):
            place.append(part)
        elif model is not None and part in model.model_fields:
            place.append(part)
            model = _model_in(model.model_fields[part].annotation)
            fields = list(model.model_fields) if model is not None else fields
    return place, fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The request model that a field's annotation is or holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
