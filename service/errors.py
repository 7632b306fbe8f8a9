"""The errors of a request as a tree, and the one table of statuses: its code in JSON and its meaning in OpenAPI.

    ServiceError
    ├── BadRequestError            the body is not UTF-8, or not gzip although it says so; not HTTP/1.1
    ├── InvalidRequestError        not JSON, a wrong type, an unknown field or label
    ├── UnauthorizedError          no API key, or an unknown one
    ├── NotFoundError              no such route or model
    ├── ClientTooSlowError         the request did not arrive in time
    ├── ConflictError              an archive that cannot replace the one that is served
    ├── TooLargeError              over a limit on bytes, texts, characters, tokens or phrases
    ├── TargetTooLongError         the path and its query are too long
    ├── HeadTooLargeError          too many headers or trailers, or too large ones
    ├── UnsupportedMediaTypeError  the body has an encoding other than gzip
    ├── UnavailableError           queue full, wait too long, starting, draining or broken: try again
    ├── DeadlineError              accepted, but not answered in time
    └── EngineError                the engine raised; the cause is logged, never answered

Each message names the fact and the limit. None repeats what the client sent: a text is private, and must not turn up
in an answer or a log line.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple


class Status(NamedTuple):
    """What the service says of an HTTP status: a code for programs, a sentence for people."""

    code: str
    description: str


STATUSES = {
    400: Status("bad_request", "The body is not UTF-8, or it is not gzip although it says so."),
    401: Status("unauthorized", "The service asks for an API key, and the request has none or an unknown one."),
    404: Status("not_found", "There is no such model."),
    405: Status("method_not_allowed", "The path does not answer this method."),
    408: Status("request_timeout", "The request did not arrive in time."),
    409: Status("conflict", "The archive on disk cannot be served; nothing has changed."),
    413: Status("too_large", "The body, a text, or the number of texts, tokens or phrases is over its limit."),
    414: Status("target_too_long", "The path and its query are too long."),
    415: Status("unsupported_media_type", "The body has a content encoding other than gzip."),
    422: Status("invalid_request", "The body is not a valid request, or it names something that is not served."),
    431: Status("head_too_large", "There are too many headers or trailers, or they are too large."),
    500: Status("internal", "The service failed; its log has the request id."),
    503: Status("unavailable", "The service is overloaded or not ready; try again after `Retry-After` seconds."),
    504: Status("deadline_exceeded", "The deadline passed before the answer."),
}


class ServiceError(Exception):
    """A request that is not answered with what it asked for.

    Attributes:
        status: The HTTP status of the answer.
        message: The fact and the limit, for the client.
        details: Where and what is wrong, for errors that have several places.
        reason: A word for the log and the metrics, where the status alone does not say enough.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str, details: Sequence[Mapping[str, Any]] = (), *, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.reason = reason or STATUSES[self.status].code

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the answer has because of this error."""
        return {}


class BadRequestError(ServiceError):
    """The bytes of the body cannot be read."""

    status = 400


class InvalidRequestError(ServiceError):
    """The body can be read, but it is not a request."""

    status = 422


class UnauthorizedError(ServiceError):
    """A request without a valid API key; `presented` says whether it sent a key at all."""

    status = 401

    def __init__(self, *, presented: bool) -> None:
        super().__init__(
            "the API key is not known"
            if presented
            else "an API key is needed, as the header X-API-Key or as Authorization: Bearer"
        )
        # RFC 6750, section 3: the error is named only where a token was sent.
        self._challenge = 'Bearer realm="nerve"' + (', error="invalid_token"' if presented else "")

    @property
    def headers(self) -> dict[str, str]:
        """How to authenticate (RFC 9110, section 11.6.1)."""
        return {"WWW-Authenticate": self._challenge}


class NotFoundError(ServiceError):
    """There is no such route or model."""

    status = 404


class ClientTooSlowError(ServiceError):
    """The request did not arrive in time."""

    status = 408


class ConflictError(ServiceError):
    """The archive on disk cannot replace the one that is served."""

    status = 409


class TooLargeError(ServiceError):
    """The request is over a limit."""

    status = 413


class TargetTooLongError(ServiceError):
    """The target of the request, its path and query, is over its limit."""

    status = 414


class HeadTooLargeError(ServiceError):
    """The headers or trailers of the request are over their limits."""

    status = 431


class UnsupportedMediaTypeError(ServiceError):
    """The content encoding of the body is not supported."""

    status = 415

    @property
    def headers(self) -> dict[str, str]:
        """Which encodings are supported (RFC 9110, section 12.5.3)."""
        return {"Accept-Encoding": "gzip"}


class UnavailableError(ServiceError):
    """The service cannot answer now; `retry_after` is the number of seconds after which to try again."""

    status = 503

    def __init__(self, message: str, retry_after: float = 1.0, *, reason: str = "") -> None:
        super().__init__(message, reason=reason)
        self.retry_after = max(1, math.ceil(retry_after))

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"Retry-After": str(self.retry_after)}


class DeadlineError(ServiceError):
    """The request was accepted, but its deadline passed before the answer."""

    status = 504


class EngineError(ServiceError):
    """The service failed; the cause is logged and never answered."""

    def __init__(self) -> None:
        super().__init__("the service failed to answer this request")


def too_many_tokens(tokens: int, limit: int) -> TooLargeError:
    """Return the error of a request whose texts have more tokens than the limit, and were read no further."""
    message = f"the request has at least {tokens:,} tokens; the limit is {limit:,}"
    return TooLargeError(message, reason="too_many_tokens")
