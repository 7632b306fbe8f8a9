"""Log lines of the service and of uvicorn: text for people, or a JSON object a line for programs.

No line holds a text, a piece of one, a path or a key. A request is described by its route's template and its counts,
an error by its types and frames, because the message of a library may quote the text that it failed on.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from pydantic_core import to_json

from nerve.service.observability.record import RequestRecord, current
from nerve.service.observability.stderr import StderrHandler
from nerve.streams import output_failure

access = logging.getLogger("nerve.access")


def configure(form: str, level: str) -> None:
    """Send what is logged from here on to stderr; a process that has been forked has to call this again.

    Args:
        form: text or json.
        level: the lowest level that is logged.
    """
    handler = StderrHandler(2)
    handler.setFormatter(formatter(form))
    # No line shows these, and to find them out takes time (the Logging HOWTO's section on optimization).
    logging.logThreads = logging.logMultiprocessing = False
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def announce(form: str, message: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Print a line for whoever started the process: as it is, or like any other line of JSON.

    Args:
        form: text or json.
        message: the line.
        level: for JSON.
        stream: where to print; by default stdout.
    """
    if form == "json":
        record = logging.LogRecord("service", level, "", 0, message, (), None)
        message = formatter(form).format(record)
    # Whoever started the process may have closed the stream or gone away: that is no reason to end.
    stream = stream or sys.stdout
    try:
        stream.write(f"{message}\n")  # at once: unbuffered, `print` parts a line, and a worker's may come in between
        stream.flush()
    except (OSError, ValueError):
        output_failure()  # what is still buffered would be reported at the end


def answered(method: str, route: str, status: int, seconds: float, seen: RequestRecord, *, quiet: bool) -> None:
    """Log a request that has been answered.

    Args:
        method: of HTTP, or `other`.
        route: the template of its path, or `other`.
        status: of HTTP.
        seconds: from its first byte to its answer.
        seen: what is known of it.
        quiet: log it at the level debug only.
    """
    level = logging.DEBUG if quiet else logging.INFO
    if access.isEnabledFor(level):
        extra = {"fields": _fields(method, route, status, seconds, seen)}
        # `access.log` would look for the line of source that called it, which no line shows: 2 µs.
        access.handle(access.makeRecord(access.name, level, "", 0, "request", (), None, extra=extra))


def frames(error: BaseException) -> str:
    """The types and the frames of an error and its causes, without their messages."""
    parts = []
    cause: BaseException | None = error
    while cause is not None:
        stack = "".join(traceback.format_tb(cause.__traceback__))
        parts.append(f"{type(cause).__module__}.{type(cause).__qualname__}\n{stack}")
        cause = cause.__cause__
    return "caused by ".join(parts).rstrip()


def _fields(method: str, route: str, status: int, seconds: float, seen: RequestRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    if seen.client:
        fields["client"] = seen.client
    if seen.models:
        fields |= {"model": ",".join(seen.models), "texts": 0, "tokens": 0, "entities": 0}
        for count in seen.models.values():
            fields["texts"] += count.texts
            fields["tokens"] += count.tokens
            fields["entities"] += count.entities.total()
    if seen.reason:
        fields["reason"] = seen.reason
    if seen.refused_lines:
        fields["refused_lines"] = seen.refused_lines.total()
    return fields


def formatter(form: str) -> logging.Formatter:
    """What makes lines of this form, text or json, of log records."""
    return _Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(name)s %(message)s")


class _Discreet(logging.Formatter):
    def formatException(  # noqa: N802, as the base class has it
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return frames(ei[1]) if ei[1] is not None else ""


class _Text(_Discreet):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        line = super().formatMessage(record)
        if request_id := current().request_id:
            line += f" request_id={request_id}"
        for key, value in _extra(record).items():
            if value != "":
                line += f" {key}={value}"
        return line


class _Json(_Discreet):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current().request_id:
            line["request_id"] = request_id
        line |= _extra(record)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = frames(record.exc_info[1])
        # A path may hold bytes that are not UTF-8, which JSON cannot say.
        return to_json({key: _sayable(value) for key, value in line.items()}).decode()


def _sayable(value: Any) -> Any:
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    """The fields that our own records carry beside their message."""
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields
