"""HTTP/1.1 on one connection, within limits: requests are parsed by httptools and given to an ASGI application.

The connection is read in blocks: a head, or a part of a body. The block after the end of a request is parsed when the
request has been answered, and until then no more is read. So a connection holds one request, and what one read has
brought, whatever the client sends (docs/decisions/http-server.md).
"""

import asyncio
from typing import Any, ClassVar

import uvicorn
from uvicorn.server import ServerState

from nerve.service.api.routes import API
from nerve.service.errors import ClientTooSlowError, EngineError, ServiceError
from nerve.service.http.disconnect import EXTENSION, Disconnect
from nerve.service.http.error_response import error_body
from nerve.service.http.middleware import REQUEST_ID_HEADER, request_id
from nerve.service.http.routes import OTHER
from nerve.service.observability import logs
from nerve.service.observability.record import RequestRecord
from nerve.service.server.exchange import Exchange, answer_head
from nerve.service.server.half_close import Probe
from nerve.service.server.head import Head
from nerve.service.server.parser import RequestParser
from nerve.service.server.refusals import ROUTES, Refusals
from nerve.service.server.sweep import Sweep
from nerve.service.server.time_limits import ANSWER, BODY, END_OF_CLIENT, HEAD, REQUEST, STREAM, TimeLimits
from nerve.service.state import Service

STREAMS = {route.path.encode() for route in API if route.streams}

# How much asyncio reads from a socket at once. The default is 256 KiB, for which the C library gets memory from the
# system and returns it each time: 12 µs of each request.
READ_BYTES = 64 * 1024

# A client that goes on sending its body after the answer would not see the answer if the connection were closed: so
# much is read and discarded.
LINGER_BYTES = 64 * 2**20


def protocol_of(service: Service) -> type[asyncio.Protocol]:
    """Return the protocol class of a server that answers for `service`; uvicorn makes an object for a connection."""
    return type("Protocol", (_Protocol,), {"service": service, "refusals": Refusals(service), "sweep": Sweep()})


class _Protocol(asyncio.Protocol):
    """One connection."""

    service: ClassVar[Service]
    refusals: ClassVar[Refusals]
    sweep: ClassVar[Sweep]

    transport: asyncio.Transport

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.writable = asyncio.Event()
        self.writable.set()
        self._app = config.loaded_app
        self._server = server_state
        self._connections: set[Any] = server_state.connections  # uvicorn's set of its own protocols
        self._loop = _loop or asyncio.get_running_loop()
        self._disconnect = Disconnect()
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": config.asgi_version, "spec_version": "2.3"},
            "scheme": "http",
            "root_path": config.root_path,
            "state": app_state,
            "extensions": {EXTENSION: {"client": self._disconnect}},
        }
        self._parser = RequestParser(self)
        self._limits = TimeLimits(self.service.settings, self._loop)
        self._exchange: Exchange | None = None
        self._refusal: bytes | None = None  # the answer to the request that is being read, if it is refused early
        self._body = BODY  # what is awaited while the body of the request is read
        self._rest = b""  # what has been received and not been parsed
        self._discarded = 0  # bytes that nobody reads, after an answer
        self._half_closed = False

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that all answers have."""
        return self._server.default_headers

    # -- asyncio's callbacks ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES
        self._scope |= {"client": _address(transport, "peername"), "server": _address(transport, "sockname")}
        self._connections.add(self)
        self.sweep.start(self._loop, self._connections)

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        self._leave()
        self.writable.set()
        self._parser.close()

    def data_received(self, data: bytes) -> None:
        if self._limits.awaited == END_OF_CLIENT:
            self._limits.received(len(data))
            self._discard(len(data))
        else:
            self._parse(self._rest + data)

    def eof_received(self) -> bool:
        """Keep the connection if the request is whole: RFC 9112, section 9.6, lets a client close its half then."""
        answering = not self._parser.in_body and (self._exchange is not None or self._rest != b"")
        waiting = answering and self._limits.awaited != END_OF_CLIENT
        if waiting and not self._half_closed:
            Probe(self.transport, lambda: self._exchange)
        self._half_closed = True
        return waiting

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()
        if self._exchange is None and self._rest:
            self._parse_rest()

    # -- uvicorn's call --------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """End the connection after the answer to the request that is being answered, if there is one."""
        if self._exchange is None:
            self.transport.close()
        else:
            self._exchange.keep_alive = False

    # -- reading ---------------------------------------------------------------------------------------------------

    def _parse(self, data: bytes) -> None:
        """Parse requests, until one has to be answered before the next."""
        self._rest = b""
        parser, start = self._parser, 0
        while start < len(data):
            if not parser.in_body and (self._exchange is not None or not self.writable.is_set()):
                self._rest = data[start:]
                self.transport.pause_reading()
                return
            try:
                start = parser.parse_block(data, start)
            except ServiceError as error:
                self._end_with(error)
                return
            if self.transport.is_closing():
                return
        if parser.in_body and self.transport.is_reading():
            self._limits.wait_for(self._body)
        elif parser.in_head and self._exchange is None:
            self._limits.wait_for(HEAD)
        if self._half_closed and self._exchange is None:
            self.transport.close()

    def _parse_rest(self) -> None:
        if self._rest or self._half_closed:
            self._parse(self._rest)
        if not self._rest and not self.transport.is_closing():
            self._resume()

    def _resume(self) -> None:
        if not self._half_closed:
            self.transport.resume_reading()

    # -- the parser's calls ----------------------------------------------------------------------------------------

    def head_received(self, head: Head) -> None:
        """Begin to answer a request, or to refuse it."""
        route = ROUTES.get(head.target)
        if route and head.keep_alive and head.method == b"POST":
            self._refusal = self.refusals.refusal(route, head.headers, self.default_headers)
            if self._refusal is not None:
                return
        self._body = STREAM if head.path in STREAMS else BODY
        self._exchange = exchange = Exchange(self, head.scope(self._scope), head)
        self._limits.wait_for(ANSWER)
        task = self._loop.create_task(exchange.run(self._app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def body_received(self, body: bytes) -> None:
        """Give a piece of the body to the application, or discard it if the request has been answered."""
        self._limits.received(len(body))
        if self._exchange is None:
            self._discard(len(body))
        elif self._exchange.body_received(body):
            self.transport.pause_reading()
            self._limits.wait_for(ANSWER)

    def request_received(self) -> None:
        """Wait for the answer, or send a refusal."""
        self._discarded = 0
        if self._exchange is not None:
            self._exchange.body_complete()
            self._limits.wait_for(ANSWER)
            return
        if self._refusal is not None:
            self.transport.write(self._refusal)
            self._refusal = None
            self._server.total_requests += 1
        self._limits.wait_for(REQUEST)

    # -- the exchange's calls --------------------------------------------------------------------------------------

    def resume_body(self) -> None:
        """Go on reading the body of the request."""
        if not self.transport.is_reading() and not self._half_closed and not self.transport.is_closing():
            self.transport.resume_reading()
            self._limits.wait_for(self._body)

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request, or end the connection."""
        self._server.total_requests += 1
        self._exchange = None
        if self.transport.is_closing():
            return
        if not exchange.keep_alive:
            if self._parser.in_body or self._rest:
                self._linger()
            else:
                self.transport.close()
            return
        self._limits.wait_for(self._body if self._parser.in_body else REQUEST)
        self._parse_rest()

    def failed(self, exchange: Exchange) -> None:
        """End a connection whose application has not answered."""
        if exchange is self._exchange and not self.transport.is_closing():
            self._end_with(EngineError())

    # -- the sweep's call ------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """End the connection if the client is too slow; `now` is a time of the event loop."""
        awaited = self._limits.exceeded(now, self.transport)
        if awaited in (ANSWER, END_OF_CLIENT):
            self.transport.abort()
        elif awaited in (HEAD, BODY, STREAM) and not self.transport.is_closing():
            self._end_with(ClientTooSlowError("the request did not arrive in time"))
        elif awaited == REQUEST:
            self.transport.close()

    # -- the end ---------------------------------------------------------------------------------------------------

    def _end_with(self, error: ServiceError) -> None:
        """Answer the request that is being read with an error, and end the connection."""
        exchange = self._exchange
        self._leave()
        if exchange is not None and exchange.started:
            self.transport.close()  # in the middle of an answer, which the client sees to be cut off
            return
        record = RequestRecord(request_id(self._parser.headers).decode("ascii"), reason=error.reason)
        answer = error_body(error.status, error.message, headers={"Connection": "close"}, plain=False)
        identity = (REQUEST_ID_HEADER, record.request_id.encode("ascii"))
        head = answer_head(error.status, [*self.default_headers, *answer.raw_headers, identity])
        self.transport.write(head + bytes(answer.body))
        if exchange is None:
            seen = OTHER, OTHER, error.status, 0.0, record
            self.service.metrics.answered(*seen)
            logs.answered(*seen, quiet=False)
        self._linger()

    def _leave(self) -> None:
        """Tell the application that nobody waits for its answer."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.disconnected()
        self._disconnect.notify()

    def _linger(self) -> None:
        """Close the connection as soon as the client has seen the answer: when it closes, or after a while."""
        self._rest = b""
        if self._half_closed or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._limits.wait_for(END_OF_CLIENT)
        self._resume()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self.transport.close()


def _address(transport: asyncio.Transport, kind: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(kind)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
