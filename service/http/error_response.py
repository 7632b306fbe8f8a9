"""An error as the body and the headers of a response, in the shape of the contract that the request speaks."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from nerve.service.errors import STATUSES, ServiceError
from nerve.service.observability import record


def error_response(error: ServiceError, *, plain: bool) -> Response:
    """Return the response for `error`, and write its reason into the record of the request.

    Args:
        error: What went wrong.
        plain: Whether the contract of the route has plain errors (`RouteProperties.plain_errors`).
    """
    record.current().reason = error.reason
    return error_body(error.status, error.message, error.details, error.headers, plain=plain)


def error_body(
    status: int,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    *,
    plain: bool,
) -> Response:
    """Return an error as `{"error": {"code", "message"[, "details"]}}`, or if plain, as `{"error": "message"}`."""
    error: str | dict[str, Any]
    if plain:
        places = [": ".join([".".join(map(str, detail["loc"])) or "body", detail["msg"]]) for detail in details]
        error = f"{message}: {'; '.join(places)}" if places else message
    else:
        error = _content(status, message, details)
    return Response(to_json({"error": error}), status, headers, media_type="application/json")


def error_line(error: ServiceError, number: int, fields: Mapping[str, Any] | None = None) -> bytes:
    """Return the error that answers line `number` of a stream, counted from 1, behind these fields of the line."""
    return to_json({**(fields or {}), "line": number, "error": _content(error.status, error.message, error.details)})


def _content(status: int, message: str, details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {"code": STATUSES[status].code, "message": message}
    return {**content, "details": details} if details else content
