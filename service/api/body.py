"""The body of a request: read, parsed into the model of its contract, and checked against the limits.

Each contract has its models beside its routes. They are strict. Errors name places and limits, never what the client
sent.
"""

from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, JsonValue, ValidationError
from starlette.requests import ClientDisconnect, Request

from nerve.service.annotate.document import Source, characters
from nerve.service.api.structure import MOST_NAMES, check_structure
from nerve.service.errors import BadRequestError, InvalidRequestError, TooLargeError
from nerve.service.settings import Settings

# Shorter ones cannot hold enough values to take long.
LONG_BODY_BYTES = 10_000

# Of an object whose names the client chooses, such as labels: models have tens of labels.
MOST_FIELDS = 1_000

# More mistakes than these in one answer help nobody.
MOST_DETAILS = 20

Kind = TypeVar("Kind", bound=BaseModel)


async def read(request: Request) -> bytearray:
    """Return the whole body.

    It grows in place, however small its pieces are: to join megabytes at the end would hold up the event loop.
    `Request.body` does so, and reads through two generators, which for a body of one piece cost more than the rest.

    Raises:
        ClientDisconnect: The client has disconnected before it sent the whole body.
        TooLargeError: The body is over the limit.
        BadRequestError: The body is not gzip although it says so.
        UnsupportedMediaTypeError: The body has another encoding.
    """
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def parse(body: bytes, kind: type[Kind], most_names: int = MOST_NAMES) -> Kind:
    """Return the request of this kind in `body`, which has at most so many names of fields if it is long.

    Raises:
        BadRequestError: The body is not UTF-8.
        InvalidRequestError: The body is not such a request.
        TooLargeError: The body has too many values.
    """
    if len(body) > LONG_BODY_BYTES:
        check_structure(body, most_names)
    try:
        # A byte order mark, as some editors put in front of a file, says nothing of UTF-8.
        return kind.model_validate_json(body.removeprefix(BOM_UTF8))
    except ValidationError as error:
        # What is not UTF-8 is no JSON. Its place costs a decoding, during which nobody else runs, so it comes last.
        _check_utf8(body)
        raise _invalid(error, kind) from None


def check_limits(texts: Sequence[Source], settings: Settings) -> None:
    """Check the number and the lengths of the texts.

    Raises:
        TooLargeError: There are too many texts, or a text has too many characters.
    """
    if len(texts) > settings.max_texts:
        message = f"the request has {len(texts):,} texts; the limit is {settings.max_texts:,}"
        raise TooLargeError(message, reason="too_many_texts")
    longest = max(map(characters, texts), default=0)
    if longest > settings.max_characters:
        message = f"a text has {longest:,} characters; the limit is {settings.max_characters:,}"
        raise TooLargeError(message, reason="too_many_characters")


def _check_utf8(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: byte {error.start:,} is invalid") from None


def encodable(text: str) -> str:
    """Return the text itself, or raise ValueError if UTF-8 cannot encode it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text must not contain lone surrogates") from None
    return text


def _whole(number: Any) -> Any:
    return int(number) if type(number) is float and number.is_integer() else number


Text = Annotated[str, AfterValidator(encodable)]
# To JSON and its schema 5.0 is an integer, too: some clients know only one kind of number.
WHOLE = BeforeValidator(_whole)
Natural = Annotated[int, Field(ge=0), WHOLE]
Item = TypeVar("Item")
# Only the first wrong item of a list is reported: to report millions would take minutes, and gigabytes.
Items = Annotated[list[Item], Field(fail_fast=True)]


def _nothing(_: Any) -> None:
    return None


Name = TypeVar("Name")
# An object whose names the client chooses.
Fields = Annotated[dict[Name, Item], Field(max_length=MOST_FIELDS)]
# A field that is accepted and has no effect; what it holds is not kept while the request is answered.
Unused = Annotated[JsonValue, AfterValidator(_nothing)]


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
    """Return the fields and positions on a path into a request, and the fields of the last object on it.

    Everything else on the path is left out: it is what the client sent, such as the name of an unknown field, or a
    word of pydantic's.
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
    """Return the request model that a field's annotation is or contains."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
