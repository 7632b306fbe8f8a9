"""The head of a request: its limits, what is refused in it, and the ASGI scope that is made of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from nerve.service.errors import BadRequestError, HeadTooLargeError, TargetTooLongError

# Several times what clients and proxies send.
MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_TARGET_BYTES = 8 * 1024

_HOST = re.compile(rb"[!$%&'()*+,.0-9:;=A-Z\[\]_a-z~-]*")

Headers = Sequence[tuple[bytes, bytes]]


class Head(NamedTuple):
    """The head of a request, checked.

    Attributes:
        method: Such as `POST`.
        version: Of HTTP, `1.0` or `1.1`.
        target: The path and the query as they were sent, or a whole URL.
        path: The path, not decoded.
        query: What follows the question mark.
        headers: Their names are in lower case.
        length: The length of the body; None if it is chunked.
        keep_alive: Whether the client lets the connection go on.
    """

    method: bytes
    version: str
    target: bytes
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    length: int | None
    keep_alive: bool

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for an interim answer before it sends the body."""
        for name, value in self.headers:
            if name == b"expect":
                return value.lower() == b"100-continue" and self.version == "1.1"
        return False

    def scope(self, connection: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request for ASGI; `connection` is what all requests of the connection have in common."""
        return {
            **connection,
            "http_version": self.version,
            "method": self.method.decode("ascii"),
            "path": connection["root_path"] + unquote(self.path.decode("ascii")),
            "raw_path": connection["root_path"].encode("ascii") + self.path,
            "query_string": self.query,
            "headers": self.headers,
            "state": connection["state"].copy(),
        }


def check_size(head_bytes: int, target_bytes: int, headers: int) -> None:
    """Check the size of a head, or of the part of it that has been received.

    Raises:
        TargetTooLongError: The target of the request is too long.
        HeadTooLargeError: The head is too large, or has too many headers.
    """
    if target_bytes > MAX_TARGET_BYTES:
        raise TargetTooLongError(f"the path and its query are too long; the limit is {MAX_TARGET_BYTES:,} bytes")
    if head_bytes > MAX_HEAD_BYTES:
        raise HeadTooLargeError(f"the headers or trailers are too large; the limit is {MAX_HEAD_BYTES:,} bytes")
    if headers > MAX_HEADERS:
        raise HeadTooLargeError(f"there are too many headers; the limit is {MAX_HEADERS}")


def body_length(version: str, headers: Headers) -> int | None:
    """Return the length of the body that the headers declare, 0 if they declare none, or None if it is chunked.

    Args:
        version: The version of HTTP, such as `1.1`.
        headers: Their names are in lower case. The parser has checked that the content length is a number.

    Raises:
        BadRequestError: A proxy may understand the request in another way (RFC 9112, sections 2.3, 3.2 and 6.1).
    """
    if version not in ("1.0", "1.1"):
        raise BadRequestError("the version of HTTP is unknown; it can be 1.0 or 1.1")
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1 or (not hosts and version == "1.1"):
        raise BadRequestError(f"the request has {hosts} Host headers; HTTP/1.1 needs exactly one")
    if hosts and not _HOST.fullmatch(headers[names.index(b"host")][1]):
        raise BadRequestError("the Host header is not a host")
    if b"transfer-encoding" in names:
        codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
        if codings != [b"chunked"] or version == "1.0" or b"content-length" in names:
            raise BadRequestError("the transfer encoding must be exactly chunked, in HTTP/1.1, without a length")
        return None
    return int(headers[names.index(b"content-length")][1]) if b"content-length" in names else 0


def without_upgrade(method: bytes, target: bytes, version: str, headers: Headers) -> bytes:
    """Return the head without its `Upgrade` headers, which a server may ignore (RFC 9110, section 7.8)."""
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    lines += [name + b": " + value for name, value in headers if name != b"upgrade"]
    return b"\r\n".join(lines) + b"\r\n\r\n"
