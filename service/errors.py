"""What a request can run into, as a tree, and the one place where it becomes a status and a body.

    ServiceError
    ├── BadRequestError      the body is not UTF-8
    ├── InvalidRequestError  not JSON, a wrong type, an unknown field or label
    ├── UnauthorizedError    no API key, or an unknown one
    ├── NotFoundError        no such route or model
    ├── ConflictError        an archive that cannot take the place of the one it replaces
    ├── TooLargeError        over a limit on bytes, texts, characters or tokens
    ├── UnavailableError     queue full, wait too long, starting, draining or broken: try again
    ├── DeadlineError        accepted, but not answered in time
    └── EngineError          the engine raised; the cause is logged, never answered

Each message names the fact and the limit. None repeats what the client sent: a text is private, and an
answer or a log line is the last place where it should turn up.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import Response
from pydantic_core import to_json

from service import trace
from service.logs import frames

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
    422: "invalid_request",
    500: "internal",
    503: "unavailable",
    504: "deadline_exceeded",
}


def error_response(error: ServiceError) -> Response:
    """The answer to a request that ran into `error`. Its trace learns the reason."""
    trace.current().reason = error.reason
    headers = {}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = error.challenge
    return error_body(STATUS[type(error)], error.message, error.details, headers)


def error_body(
    status: int, message: str, details: Sequence[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The one shape of every error: `{"error": {"code", "message"[, "details"]}}`."""
    error: dict[str, Any] = {"code": CODES.get(status, "error"), "message": message}
    if details:
        error["details"] = details
    return Response(to_json({"error": error}), status, headers, media_type="application/json")


def log_failure(error: BaseException, what: str) -> None:
    """One log record that says `what` failed, with the `frames` of `error`."""
    log.error("%s failed: %s", what, frames(error))
