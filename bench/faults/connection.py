"""A connection that sends requests, several in a row if one likes, and reads the answers in their order."""

import asyncio
import gzip
import json
from types import TracebackType
from typing import Any, NamedTuple, Self

ANSWER_SECONDS = 120


class Answer(NamedTuple):
    """The status and the body of an answer."""

    status: int
    body: bytes


class Connection:
    """A connection over HTTP/1.1, as a context."""

    def __init__(self, port: int) -> None:
        """Take the port of a service on the loopback interface."""
        self._port = port

    async def __aenter__(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._writer.close()

    async def send(self, path: str, content: Any, *, zipped: bool = False) -> None:
        """Send a POST without waiting for its answer; `content` is bytes, or what to send as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
        if zipped:
            body, head = gzip.compress(body, 1), f"{head}Content-Encoding: gzip\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await self._writer.drain()

    async def receive(self) -> Answer:
        """Return the next answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            fields = dict(line.split(b": ", 1) for line in head[1:] if line)
            if fields.get(b"transfer-encoding") != b"chunked":
                body = await self._reader.readexactly(int(fields[b"content-length"]))
                return Answer(int(head[0][9:12]), body)
            chunks = []
            while size := int(await self._reader.readline(), 16):
                chunks.append(await self._reader.readexactly(size))
                await self._reader.readexactly(2)
            await self._reader.readexactly(2)
            return Answer(int(head[0][9:12]), b"".join(chunks))

    async def post(self, path: str, content: Any, *, zipped: bool = False) -> Answer:
        """Send a POST, and return its answer."""
        await self.send(path, content, zipped=zipped)
        return await self.receive()
