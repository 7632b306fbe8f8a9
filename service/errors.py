"""What a request can run into, as a tree, and the one place where it becomes a status and a body.

    ServiceError
    ├── BadRequestError      the body is not UTF-8, or not gzip where it says so
    ├── InvalidRequestError  not JSON, a wrong type, an unknown field or label
    ├── UnauthorizedError    no API key, or an unknown one
    ├── NotFoundError        no such route or model
    ├── ConflictError        an archive that cannot take the place of the one it replaces
    ├── TooLargeError        over a limit on bytes, texts, characters, tokens or phrases
    ├── UnsupportedMediaTypeError  the body is encoded in a way that is not gzip
    ├── UnavailableError     queue full, wait too long, starting, draining or broken: try again
    ├── DeadlineError        accepted, but not answered in time
    └── EngineError          the engine raised; the cause is logged, never answered

Each message names the fact and the limit. None repeats what the client sent: a text is private, and an
answer or a log line is the last place where it should turn up.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.types import Scope

from nerve.service.observability import record as trace
from nerve.service.observability.logs import frames

log = logging.getLogger(__name__)


class ServiceError(Exception):
    """`details` is a list of what was wrong and where, for errors that have several places. `reason` is a word for
    the log and the metrics, where the status alone does not say enough."""

    def __init__(self, message: str, details: Sequence[Mapping[str, Any]] = (), *, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.reason = reason or CODES[STATUS[type(self)]]


class BadRequestError(ServiceError): ...


class InvalidRequestError(ServiceError): ...


class UnauthorizedError(ServiceError):
    """`presented` says whether there was a key at all."""

    def __init__(self, *, presented: bool) -> None:
        super().__init__(
            "the API key is not known"
            if presented
            else "an API key is needed, as the header X-API-Key or as Authorization: Bearer"
        )
        # RFC 6750, section 3: the error is named only where a token was sent.
        self.challenge = 'Bearer realm="nerve"' + (', error="invalid_token"' if presented else "")


class NotFoundError(ServiceError): ...


class ConflictError(ServiceError): ...


class TooLargeError(ServiceError): ...


class UnsupportedMediaTypeError(ServiceError): ...


class UnavailableError(ServiceError):
    """`retry_after` is the number of seconds after which the answer may be another one."""

    def __init__(self, message: str, retry_after: float = 1.0, *, reason: str = "") -> None:
        super().__init__(message, reason=reason)
        self.retry_after = max(1, math.ceil(retry_after))


class DeadlineError(ServiceError): ...


class EngineError(ServiceError):
    def __init__(self) -> None:
        super().__init__("the service failed to answer this request")


STATUS: dict[type[ServiceError], int] = {
    BadRequestError: 400,
    UnauthorizedError: 401,
    InvalidRequestError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    TooLargeError: 413,
    UnsupportedMediaTypeError: 415,
    UnavailableError: 503,
    DeadlineError: 504,
    EngineError: 500,
}
CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    500: "internal",
    503: "unavailable",
    504: "deadline_exceeded",
}
DESCRIPTIONS: dict[int | str, str] = {
    400: "The body is not UTF-8.",
    401: "No API key, or an unknown one, where the service asks for one.",
    404: "No such model.",
    413: "The body, a text, or the number of texts or tokens is over its limit.",
    422: "Not a valid request.",
    500: "The service failed; its log has the request id.",
    503: "Overloaded or not ready; try again after `Retry-After` seconds.",
    504: "The deadline passed before the answer.",
    "default": "Any other error.",
}


# What is below it belongs to the Open Inference Protocol, whether there is such a route or not.
PLAIN_PATHS = "/v2/"


class PlainErrorRoute(APIRoute):
    """A route of a contract whose errors are `{"error": "message"}`: Hugging Face's, Presidio's, Open Inference."""


class PlainErrorAnswer(BaseModel):
    """Every error of the contracts that are not our own."""

    error: str


def plain_errors(*statuses: int | Literal["default"]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the errors of a `PlainErrorRoute`."""
    return {status: {"model": PlainErrorAnswer, "description": DESCRIPTIONS[status]} for status in statuses}


def error_response(error: ServiceError, scope: Scope) -> Response:
    """The answer to the request of this scope, which ran into `error`. Its trace learns the reason."""
    trace.current().reason = error.reason
    headers = {}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnsupportedMediaTypeError):
        headers["Accept-Encoding"] = "gzip"
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = error.challenge
    return error_body(scope, STATUS[type(error)], error.message, error.details, headers)


def error_body(
    scope: Scope,
    status: int,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in the shape of its request's contract: `{"error": {"code", "message"[, "details"]}}`, or where a
    `PlainErrorRoute` was asked, `{"error": "message"}`."""
    error: str | dict[str, Any]
    if isinstance(scope.get("route"), PlainErrorRoute) or scope["path"].startswith(PLAIN_PATHS):
        places = [": ".join([".".join(map(str, detail["loc"])) or "body", detail["msg"]]) for detail in details]
        error = f"{message}: {'; '.join(places)}" if places else message
    else:
        error = _content(status, message, details)
    return Response(to_json({"error": error}), status, headers, media_type="application/json")


def error_line(error: ServiceError, number: int) -> bytes:
    """The answer to one line of a stream, with its number, in the shape of the native contract."""
    return to_json({"line": number, "error": _content(STATUS[type(error)], error.message, error.details)})


def _content(status: int, message: str, details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"code": CODES.get(status, "error"), "message": message, **({"details": details} if details else {})}


def log_failure(error: BaseException, what: str) -> None:
    """One log record that says `what` failed, with the `frames` of `error`."""
    log.error("%s failed: %s", what, frames(error))
