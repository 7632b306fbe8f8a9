"""What ended the service or held it up once, at full size: each input sends itself, and says what was answered.

An input is made for a port before it is sent, so that making it takes no time from the service. Those of `BODIES` are
sent gzipped, as whoever wants to do harm would.
"""

import concurrent.futures
import gzip
import re
import resource
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

from bench.faults.bodies import BODIES, Body, written

Input = Callable[[int], Callable[[], str]]
"""Takes the port of a service, and returns what sends the input and says what was answered."""

MB = 1_000_000
# A client that waits for so long has got all that comes.
QUIET_SECONDS = 5.0
# Longer than any of the service's limits of time.
SLOW_SECONDS = 150.0
SLOW_CONNECTIONS = 1_000

LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
HEAD = b"GET /health/live HTTP/1.1\r\nhost: x\r\n"
CHUNKED = b"POST /v1/entities HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
POST = "POST {} HTTP/1.1\r\nhost: x\r\n{}content-length: {}\r\n\r\n"
STREAM = b'POST /v1/stream HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{"text": "Ann"}\n\r\n'
# How a slow client begins, and what it goes on with, a byte a second.
SLOW: Mapping[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "head": (HEAD, b"a"),
    "body": (POST.format("/v1/entities", "", 1_000).encode(), b" "),
    "stream": (STREAM, b""),
}
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


def raise_file_limit() -> None:
    """Let this process, and the service that it starts, have as many connections as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def connected(port: int, count: int = 1) -> Iterator[list[socket.socket]]:
    """Connect so many times."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(count)]


def request(body: Body, *, cut: int = 0) -> bytes:
    """Return a request with this body gzipped, without its last `cut` bytes."""
    zipped = gzip.compress(body.make(), 1)
    return POST.format(body.path, "content-encoding: gzip\r\n", len(zipped)).encode() + zipped[: len(zipped) - cut]


def counted(statuses: Sequence[bytes]) -> str:
    """Return how often there is each status: `3 × 200, 1 × 503`."""
    numbers = Counter(status.decode() for status in statuses)
    return ", ".join(f"{count:,} × {status}" if count > 1 else status for status, count in sorted(numbers.items()))


def endless(beginning: bytes, piece: bytes, size: int) -> Input:
    """A beginning, and a piece again and again, `size` bytes in all, on one connection."""

    def made(port: int) -> Callable[[], str]:
        data = piece * (65_536 // len(piece) + 1)

        def send() -> str:
            sent, answer = len(beginning), b""
            with connected(port) as (connection,):
                with suppress(OSError):
                    connection.sendall(beginning)
                    while sent < size:
                        connection.sendall(data)
                        sent += len(data)
                with suppress(OSError):
                    while received := connection.recv(65_536):
                        answer += received
            return f"{counted(STATUS.findall(answer)) or 'reset'}, {sent / MB:.0f} MB sent"

        return send

    return made


def unread_pipeline(port: int) -> Callable[[], str]:
    """Requests one after another whose answers nobody reads."""

    def send() -> str:
        sent, data = 0, LIVE * 1_000
        with connected(port) as (connection,):
            connection.settimeout(QUIET_SECONDS)
            with suppress(TimeoutError):
                while sent < 14 * MB:
                    sent += connection.send(data)
        return f"no more taken after {sent / MB:.1f} MB"

    return send


def read_pipeline(port: int) -> Callable[[], str]:
    """Requests one after another whose answers are read as fast as they come."""

    def send() -> str:
        number, answered, rest = 14 * MB // len(LIVE), 0, b""
        with connected(port) as (connection,):
            sender = threading.Thread(target=connection.sendall, args=(LIVE * number,))
            connection.settimeout(None)
            sender.start()
            while answered < number and (received := connection.recv(65_536)):
                *whole, rest = (rest + received).split(b"HTTP/1.1 200")
                answered += len(whole)
            sender.join()
        return f"{answered:,} of {number:,} answered"

    return send


def slow_connections(port: int) -> Callable[[], str]:
    """Connections that are silent, that send a byte a second, or whose stream stops; many of each."""

    def send() -> str:
        count = min(SLOW_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8)
        begun = time.monotonic()
        with connected(port, count * len(SLOW)) as connections, selectors.DefaultSelector() as selector:
            for number, connection in enumerate(connections):
                beginning, byte = [*SLOW.values()][number % len(SLOW)]
                connection.sendall(beginning)
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, byte)
            beat = begun
            while selector.get_map() and time.monotonic() - begun < SLOW_SECONDS:
                for key, _ in selector.select(1.0):
                    with suppress(BlockingIOError):
                        _unregister_if_ended(selector, key)
                if time.monotonic() - beat >= 1:
                    beat = time.monotonic()
                    for key in [*selector.get_map().values()]:
                        with suppress(OSError):
                            key.fileobj.send(key.data)  # type: ignore[union-attr]  # a socket
            left = len(selector.get_map())
        return f"{len(connections) - left:,} of {len(connections):,} ended, within {time.monotonic() - begun:.0f} s"

    return send


def _unregister_if_ended(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    try:
        ended = not key.fileobj.recv(65_536)  # type: ignore[union-attr]  # a socket
    except ConnectionError:
        ended = True
    if ended:
        selector.unregister(key.fileobj)


def held(count: int, body: Body, *, cut: int = 0) -> Input:
    """The same body on many connections, which then wait and take of the answers only their first bytes."""

    def made(port: int) -> Callable[[], str]:
        data = request(body, cut=cut)

        def send() -> str:
            statuses: list[bytes] = []
            with connected(port, count) as connections, selectors.DefaultSelector() as selector:
                for connection in connections:
                    connection.sendall(data)
                    selector.register(connection, selectors.EVENT_READ)
                while ready := selector.select(QUIET_SECONDS):
                    for key, _ in ready:
                        statuses += STATUS.findall(key.fileobj.recv(12))  # type: ignore[union-attr]  # a socket
                        selector.unregister(key.fileobj)
            waiting = f"{count - len(statuses)} wait" if len(statuses) < count else ""
            return ", ".join(filter(None, (counted(statuses), waiting)))

        return send

    return made


def asked(*bodies: Body) -> Input:
    """These bodies at the same time, whose answers are read."""

    def made(port: int) -> Callable[[], str]:
        requests = [request(body) for body in bodies]

        def answer(data: bytes) -> tuple[bytes, int]:
            with connected(port) as (connection,):
                connection.sendall(data)
                connection.settimeout(120)
                head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
                found = re.search(rb"(?i)content-length: (\d+)", head)
                length, size = int(found[1]) if found else 0, len(body)
                while size < length and (received := connection.recv(65_536)):
                    size += len(received)
            return STATUS.findall(head)[0], size

        def send() -> str:
            with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
                statuses, sizes = zip(*pool.map(answer, requests), strict=True)
            sent = sum(map(len, requests))
            return f"{counted(statuses)}, {_bytes(sent)} sent, {_bytes(sum(sizes))} received"

        return send

    return made


def _bytes(count: int) -> str:
    return (
        f"{count / MB:.1f} MB" if count >= MB / 10 else f"{count / 1_000:.1f} kB" if count >= 1_000 else f"{count} B"
    )


def _overlapping(characters: int) -> Body:
    """Four overlapping results whose masks take six bytes of JSON for each character."""
    results = [{"entity_type": "A", "start": n, "end": characters - n, "score": 0.5} for n in range(4)]
    mask = {"type": "mask", "masking_char": "\1", "chars_to_mask": characters, "from_end": False}
    value = {"text": "a" * characters, "analyzer_results": results, "anonymizers": {"DEFAULT": mask}}
    return Body("/anonymize", written(value))


_UNFINISHED = Body("/v1/entities", lambda: b'{"text":"' + b"a" * (8 * 2**20 - 100))
_UNTAKEN = Body("/anonymize", written({"text": "\1" * 1_250_000, "analyzer_results": []}))
_REPLACED = Body(
    "/v1/redact",
    written(
        {
            "text": "a " * 8_000,
            "gazetteer": {"always": {"X": ["a"]}},
            "operators": {"X": {"type": "replace", "value": "\1" * 1_000}},
        }
    ),
)
INPUTS: Mapping[str, Input] = {
    "40 MB of header lines": endless(HEAD, b"X: y\r\n", 40 * MB),
    "170,000 lines of X-API-Key": endless(HEAD, b"X-API-Key: wrong\r\n", 170_000 * 18),
    "a header line of 100 MB": endless(HEAD + b"x: ", b"y" * 64, 100 * MB),
    "40 MB of trailers": endless(CHUNKED + b"0\r\n", b"X: y\r\n", 40 * MB),
    "14 MB of pipelined GETs, unread": unread_pipeline,
    "14 MB of pipelined GETs, read": read_pipeline,
    "silent and slow connections": slow_connections,
    "130 unfinished gzip bodies of 8 MB": held(130, _UNFINISHED, cut=10),
    "20 unread answers, masks over 2,000,000 characters": held(20, _overlapping(2_000_000)),
    "30 unread answers of 7.5 MB": held(30, _UNTAKEN),
    "8,000 entities replaced by 1,000 control characters": asked(_REPLACED),
    **{name: asked(body) for name, body in BODIES.items()},
    "339,000 operators, six times at once": asked(*[BODIES["339,000 operators"]] * 6),
    "six of the others at once": asked(*[*BODIES.values()][1:7]),
}
