"""A body of many lines, answered line by line while it arrives: in its order, and in bounded memory.

It knows lines of bytes and a function that answers a line, and nothing of entities.

A pump takes what the client sends, a reader cuts it into lines and begins to answer each, and a writer sends the
answers in the order of the lines. The lines between reader and writer are bounded in number and in bytes, so a client
that does not take its answers cannot send more lines.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from nerve.service.budget import BYTES_PER_BODY, Holding
from nerve.service.errors import EngineError, ServiceError, TooLargeError
from nerve.service.http.error_response import error_line
from nerve.service.http.middleware import HOLDING
from nerve.service.observability import record
from nerve.service.observability.failures import log_failure
from nerve.service.observability.record import RequestRecord

# Enough for full batches of short texts.
MOST_LINES = 128


class LinesResponse(Response):
    """A response that answers each line of the request's body with what `answer` returns for it.

    A line of white space has no answer. A ServiceError that `answer` raises is the answer to its line, with what
    `fields` returns for it. A ServiceError of `check`, or of the body itself, is the last line. Both say the number
    of the line, counted from 1.
    """

    media_type = "application/x-ndjson"

    def __init__(
        self,
        answer: Callable[[bytes], Awaitable[bytes]],
        fields: Callable[[bytes], Mapping[str, Any]],
        check: Callable[[], None],
        stopping: asyncio.Event,
        max_bytes: int,
    ) -> None:
        """Make a response.

        Args:
            answer: Answers a line.
            fields: Returns what the error that answers a line repeats of it; called in a thread, raises nothing.
            check: Called before each line, and when `stopping` is set; raises ServiceError if no line may begin.
            stopping: Set when the service stops.
            max_bytes: The limit of a line, and of all lines between reader and writer.
        """
        self.status_code = 200
        self.background = None
        self.init_headers()
        self._answer = answer
        self._fields = fields
        self._check = check
        self._stopping = stopping
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body and send the answers."""
        holding: Holding = scope[HOLDING]
        # An error in the first piece of the body still has its own status: nothing has been sent yet.
        first = await receive()
        if first["type"] == "http.disconnect":
            raise ClientDisconnect
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        arrived: asyncio.Queue[Message | ServiceError] = asyncio.Queue(1)
        arrived.put_nowait(first)
        under_way = _UnderWay(self._max_bytes, holding)
        whole = record.current()
        try:
            async with asyncio.TaskGroup() as tasks:
                pumps = [
                    tasks.create_task(_pump(receive, arrived)),
                    tasks.create_task(self._stop(arrived)),
                ]
                tasks.create_task(self._read(_chunks(arrived), under_way, tasks, whole))
                while line := await under_way.next():
                    answer = await line.answer
                    await send({"type": "http.response.body", "body": answer + b"\n", "more_body": True})
                    under_way.done(line, len(answer))
                for pump in pumps:
                    pump.cancel()
        except* ClientDisconnect:
            whole.reason = "client_left"  # the task group has cancelled all lines that were being answered
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stop(self, arrived: "asyncio.Queue[Message | ServiceError]") -> None:
        await self._stopping.wait()
        try:
            self._check()
        except ServiceError as error:
            await arrived.put(error)

    async def _read(
        self, chunks: AsyncIterator[bytes], under_way: "_UnderWay", tasks: asyncio.TaskGroup, whole: RequestRecord
    ) -> None:
        number = 1
        try:
            async for line in lines_of(chunks, self._max_bytes, under_way.reading):
                if line is None or line.strip():
                    self._check()
                    size = len(line or b"")
                    await under_way.room(size)
                    under_way.add(_Line(tasks.create_task(self._answered(line, number, whole, under_way)), size))
                number += 1
        except ServiceError as error:
            last = asyncio.get_running_loop().create_future()
            whole.refused_lines[error.reason] += 1
            answer = error_line(error, number)
            last.set_result(answer)
            under_way.add(_Line(last, 0))
            under_way.answered(len(answer))
        under_way.end()

    async def _answered(self, line: bytes | None, number: int, whole: RequestRecord, under_way: "_UnderWay") -> bytes:
        """Return the answer to a line; its counts are added to the record of the whole request if it succeeds."""
        own = record.begin(whole.request_id)
        answer = await self._answer_or_error(line, number, whole, own, under_way)
        under_way.answered(len(answer))
        return answer

    async def _answer_or_error(
        self, line: bytes | None, number: int, whole: RequestRecord, own: RequestRecord, under_way: "_UnderWay"
    ) -> bytes:
        try:
            if line is None:
                message = f"the line is too long; the limit is {self._max_bytes:,} bytes"
                raise TooLargeError(message, reason="too_many_bytes")
            answer = await self._answer(line)
            under_way.check_answer(len(answer))
            whole.add(own)
            return answer
        except Exception as raised:
            error = raised if isinstance(raised, ServiceError) else EngineError()
            if isinstance(error, EngineError):
                log_failure(raised, f"line {number} of request {whole.request_id}")
            whole.refused_lines[error.reason] += 1
            return error_line(error, number, await asyncio.to_thread(self._fields, line) if line else {})


async def lines_of(
    chunks: AsyncIterator[bytes], max_bytes: int, reading: Callable[[int], None]
) -> AsyncIterator[bytes | None]:
    """Yield the lines in the chunks, without their ends, or None for a line of more than `max_bytes`.

    The bytes after the last end are a line if there are any. `reading` is told how many bytes of the next line have
    been read, and may raise ServiceError.
    """
    line = bytearray()
    size = 0
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            size += len(end)
            line += end
            yield bytes(line) if size <= max_bytes else None
            line.clear()
            size = 0
        size += len(rest)
        reading(size if size <= max_bytes else 0)
        if size <= max_bytes:
            line += rest
        else:
            line.clear()
    if size:
        yield bytes(line) if size <= max_bytes else None


async def _pump(receive: Receive, arrived: "asyncio.Queue[Message | ServiceError]") -> None:
    """Receive messages even while nobody waits for them, to learn soon that the client has disconnected."""
    while True:
        try:
            message = await receive()
        except ServiceError as error:
            await arrived.put(error)
            return
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        await arrived.put(message)


async def _chunks(arrived: "asyncio.Queue[Message | ServiceError]") -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await arrived.get()
        if isinstance(message, ServiceError):
            raise message
        more = message.get("more_body", False)
        yield message.get("body", b"")


class _Line(NamedTuple):
    """The answer to a line, and the number of bytes of the line."""

    answer: Awaitable[bytes]
    size: int


class _UnderWay:
    """The lines between the reader and the writer, in their order."""

    def __init__(self, max_bytes: int, holding: Holding) -> None:
        self._holding = holding
        self._read = 0
        self._answers = 0
        self._lines: asyncio.Queue[_Line | None] = asyncio.Queue()
        self._max_bytes = max_bytes
        self._count = 0
        self._bytes = 0
        self._freed = asyncio.Event()

    async def room(self, size: int) -> None:
        """Wait until one more line, of `size` bytes, is within the bounds.

        Raises:
            UnavailableError: There is no memory for it.
        """
        while self._count and (self._count >= MOST_LINES or self._bytes + size > self._max_bytes):
            self._freed.clear()
            await self._freed.wait()
        self.reading(size)  # it is the next line until it is added
        self._read = 0

    def reading(self, size: int) -> None:
        """Say how many bytes of the next line have been read; raise UnavailableError if there is no memory."""
        self._holding.resize(self._held(more=size - self._read))
        self._read = size

    def check_answer(self, size: int) -> None:
        """Raise UnavailableError if there is no memory for an answer of this many bytes."""
        self._holding.resize(self._held() + size)

    def answered(self, size: int) -> None:
        """Say how long an answer is, or an error, that waits to be sent."""
        self._answers += size

    def _held(self, more: int = 0) -> int:
        """Return the bytes that the stream holds, with so many more of its lines."""
        return BYTES_PER_BODY * (self._read + self._bytes + more) + self._answers

    def add(self, line: _Line) -> None:
        """Add a line after all others."""
        self._count += 1
        self._bytes += line.size
        self._lines.put_nowait(line)

    def end(self) -> None:
        """Say that no more lines will be added."""
        self._lines.put_nowait(None)

    async def next(self) -> _Line | None:
        """Return the next line, or None after the last."""
        return await self._lines.get()

    def done(self, line: _Line, answer_bytes: int) -> None:
        """Say that the answer to a line, of so many bytes, has been sent."""
        self._count -= 1
        self._bytes -= line.size
        self._answers -= answer_bytes
        self._holding.resize(min(self._holding.size, self._held()))
        self._freed.set()
