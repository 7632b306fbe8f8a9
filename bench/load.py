"""Load for a server: as many requests as its connections take (wrk), or so many a second whatever it answers.

Used by bench.http and bench.faults. The second kind counts a request's latency from the moment when it should have
been sent: a server that stands still for a second is late for all the requests of that second, not for the one that
was on its way.
"""

import asyncio
import json
import shutil
import subprocess
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

SCRIPT = Path(__file__).with_name("sentences.lua")
MOST_CONNECTIONS = 8_000
# uvicorn closes a connection after 5 s without a request, perhaps while the next one is on its way.
LONGEST_IDLE_SECONDS = 3.0


class LoadError(Exception):
    """One line: why there can be no load."""


@dataclass(frozen=True)
class Closed:
    """What wrk saw; latencies in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def closed_loop(url: str, bodies: Path, connections: int, seconds: int, core: int) -> Closed:
    """Each of so many connections sends its next request when the last one is answered. Raises LoadError."""
    if shutil.which("wrk") is None:
        raise LoadError("wrk is not installed; Debian and Ubuntu have it: apt-get install wrk")
    words = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
    words += ["-s", str(SCRIPT), url, "--", str(bodies)]
    run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds + 120)
    if run.returncode:
        raise LoadError(f"wrk failed: {(run.stderr or run.stdout).strip()}")
    return Closed(**json.loads(run.stdout.splitlines()[-1]))


@dataclass
class Open:
    """What was sent and when, in seconds from the first request, and what came back."""

    scheduled: list[float] = field(default_factory=list)
    answers: "list[Answer]" = field(default_factory=list)

    def latencies(self, status: int = 200) -> list[float]:
        """Of the answers with this status."""
        return sorted(answer.latency for answer in self.answers if answer.status == status)

    @property
    def statuses(self) -> Counter[int]:
        """How many answers had each status."""
        return Counter(answer.status for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Answer:
    """To the request of this number. `status` is 0 where the connection broke."""

    number: int
    at: float
    latency: float
    status: int
    retry_after: bool
    body: bytes


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Of values in ascending order; not a number if there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


async def open_loop(
    url: str, bodies: Sequence[bytes], rate: float, seconds: float, clock: Callable[[], float] = time.monotonic
) -> Open:
    """`rate` requests a second of `clock`, evenly spaced. Request n has the body n modulo their number.

    With the CPU time of the server as its clock, the load is as many times what the server can do as the rate says,
    whatever else its core does. Latencies are of that clock, too.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
    requests = [head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]
    load = _Load(parts.hostname, parts.port, requests, clock)
    await load.run(rate, seconds)
    return load.seen


class _Load:
    def __init__(self, host: str, port: int, requests: Sequence[bytes], clock: Callable[[], float]) -> None:
        self.seen = Open()
        self._clock = clock
        self._host, self._port = host, port
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._idle: list[_Connection] = []
        self._late: deque[int] = deque()  # due, and no connection is free
        self._connections = 0
        self._all_answered = asyncio.Event()
        self._count = 0

    async def run(self, rate: float, seconds: float) -> None:
        self._count = int(rate * seconds)
        self.begun = self._clock()
        number = 0
        while number < self._count:
            due = min(self._count, int((self._clock() - self.begun) * rate) + 1)
            while number < due:
                self.seen.scheduled.append(number / rate)
                self._send(number)
                number += 1
            await asyncio.sleep(0.001)
        async with asyncio.timeout(120):
            await self._all_answered.wait()
        for connection in self._idle:
            connection.close()

    def _send(self, number: int) -> None:
        while self._idle:
            connection = self._idle.pop()
            if self._loop.time() - connection.idle_since < LONGEST_IDLE_SECONDS:
                connection.send(number, self._requests[number % len(self._requests)])
                return
            connection.close()
        self._late.append(number)
        if self._connections < MOST_CONNECTIONS:
            self._connections += 1
            connect = self._loop.create_connection(lambda: _Connection(self), self._host, self._port)
            task = self._loop.create_task(connect)
            task.add_done_callback(self._connected)

    def _connected(self, task: "asyncio.Task[object]") -> None:
        if task.exception() is not None:
            self._connections -= 1
            if self._late:
                self.answered(None, self._late.popleft(), 0, False, b"")

    def free(self, connection: "_Connection") -> None:
        if self._late:
            number = self._late.popleft()
            connection.send(number, self._requests[number % len(self._requests)])
        else:
            connection.idle_since = self._loop.time()
            self._idle.append(connection)

    def answered(
        self, connection: "_Connection | None", number: int, status: int, retry_after: bool, body: bytes
    ) -> None:
        at = self._clock() - self.begun
        answer = Answer(number, at, at - self.seen.scheduled[number], status, retry_after, body)
        self.seen.answers.append(answer)
        if len(self.seen.answers) == self._count:
            self._all_answered.set()
        if connection is not None:
            self.free(connection)

    def lost(self, connection: "_Connection", number: int | None) -> None:
        self._connections -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if number is not None:
            self.answered(None, number, 0, False, b"")


class _Connection(asyncio.Protocol):
    """One request at a time, and answers that give their length."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._number: int | None = None
        self._received = b""
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._load.free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._load.lost(self, self._number)

    def send(self, number: int, request: bytes) -> None:
        self._number = number
        self._received = b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._number is None:
            return
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        if len(body) < length:
            return
        number, self._number = self._number, None
        retry_after = any(line.startswith(b"retry-after:") for line in lines)
        self._load.answered(self, number, int(head[9:12]), retry_after, body)

    def close(self) -> None:
        self._transport.close()
