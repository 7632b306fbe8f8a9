"""HTTP/1.1 on one connection, within limits: requests are parsed by httptools and given to an ASGI application.

The connection is read in blocks: a head, or a part of a body. The block after the end of a request is parsed when the
request has been answered, and until then no more is read. So a connection holds one request, and what one read has
brought, whatever the client sends (docs/decisions/http-server.md).
"""

import asyncio
import fcntl
import socket
import sys
import termios
from typing import Any, ClassVar
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.server import ServerState

from nerve.service.api.routes import API
from nerve.service.errors import BadRequestError, ClientTooSlowError, EngineError, ServiceError
from nerve.service.http.disconnect import EXTENSION, Disconnect
from nerve.service.http.error_response import error_body
from nerve.service.http.middleware import REQUEST_ID_HEADER, request_id
from nerve.service.http.routes import OTHER
from nerve.service.observability import logs
from nerve.service.observability.record import RequestRecord
from nerve.service.server.exchange import CONTINUE, Exchange, answer_head
from nerve.service.server.head import body_length, check_size, without_upgrade
from nerve.service.server.refusals import ROUTES, Refusals
from nerve.service.server.sweep import Sweep
from nerve.service.state import Service

STREAMS = {route.path.encode() for route in API if route.streams}

# How much asyncio reads from a socket at once. The default is 256 KiB, for which the C library gets memory from the
# system and returns it each time: 12 µs of each request.
READ_BYTES = 64 * 1024

# The slowest body, except for streams.
MIN_BYTES_PER_SECOND = 1024

# A client that goes on sending its body after the answer would not see the answer if the connection were closed: so
# much is read and discarded.
LINGER_BYTES = 64 * 2**20
LINGER_BYTES_PER_SECOND = 128 * 1024
LINGER_SECONDS = 5.0

# A client that has closed its sending half may be waiting for its answer, or be gone.
SECONDS_BETWEEN_PROBES = 0.1

_EMPTY_LINE = b"\r\n\r\n"
_TCP_CLOSE = 7  # of Linux

# What a connection waits for.
_REQUEST, _HEAD, _BODY, _ANSWER, _END_OF_CLIENT = range(5)


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
        self._root_path = config.root_path
        self._asgi = {"version": config.asgi_version, "spec_version": "2.3"}
        self._server = server_state
        self._connections: set[Any] = server_state.connections  # uvicorn's set of its own protocols
        self._state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._disconnect = Disconnect()
        self._extensions = {EXTENSION: {"client": self._disconnect}}
        self._exchange: Exchange | None = None
        self._refusal: bytes | None = None  # the answer to the request that is being read, if it is refused early
        self._error: ServiceError | None = None  # what the connection ends with
        # The request that is being read.
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_body = False
        self._streams = False
        self._left: int | None = 0  # how much of the body is still to come; None if it is chunked
        self._block = 0  # bytes of the head, or of what is no body between two pieces of a chunked body
        self._tail = b""  # the last bytes of a block whose end has not come
        self._rest = b""  # what has been received and not been parsed
        # The end of the connection.
        self._discarded = 0
        self._half_closed = False
        self._probed = False
        # Time limits.
        self._awaited = _REQUEST
        self._deadline = 0.0
        self._unsent = 0
        self._unsent_since = 0.0

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that all answers have."""
        return self._server.default_headers

    # -- asyncio's callbacks ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES
        self._client = _address(transport, "peername")
        self._address = _address(transport, "sockname")
        self._deadline = self._loop.time() + self.service.settings.head_seconds
        self._connections.add(self)
        self.sweep.start(self._loop, self._connections)

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        self._leave()
        self.writable.set()
        del self._parser  # it refers to this object

    def data_received(self, data: bytes) -> None:
        if self._awaited == _END_OF_CLIENT:
            self._discard(len(data))
        else:
            self._parse(self._rest + data)

    def eof_received(self) -> bool:
        """Keep the connection if the request is whole: RFC 9112, section 9.6, lets a client close its half then."""
        waiting = self._awaited != _END_OF_CLIENT and not self._in_body and (self._exchange or self._rest)
        if waiting and not self._half_closed:
            self._loop.call_later(SECONDS_BETWEEN_PROBES, self._probe)
        self._half_closed = True
        return bool(waiting)

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

    # -- blocks ----------------------------------------------------------------------------------------------------

    def _parse(self, data: bytes) -> None:
        """Parse requests, until one has to be answered before the next."""
        self._rest = b""
        start = 0
        while start < len(data):
            if not self._in_body and (self._exchange is not None or not self.writable.is_set()):
                self._rest = data[start:]
                self.transport.pause_reading()
                return
            end = self._end_of_block(data, start)
            self._block += end - start
            self._feed(data if end - start == len(data) else memoryview(data)[start:end])
            if self._error is not None:
                self._end_with(self._error)
            if self._error is not None or self.transport.is_closing():
                return
            start = end
        if self._in_body and self.transport.is_reading():
            self._await(_BODY)
        elif self._exchange is None and self._block:
            self._await(_HEAD)
        if self._half_closed and self._exchange is None:
            self.transport.close()

    def _parse_rest(self) -> None:
        if self._rest or self._half_closed:
            self._parse(self._rest)
        if not self._rest and not self.transport.is_closing():
            self._resume()

    def _end_of_block(self, data: bytes, start: int) -> int:
        """Return the end of the head or body at `start`, or of a part of it. No block has parts of two requests.

        A head ends with an empty line. So does a chunked body, which may have empty lines before.
        """
        if self._in_body and self._left is not None:
            return min(start + self._left, len(data))
        if self._tail:
            found = (self._tail + data[start : start + 3]).find(_EMPTY_LINE)
            end = start + found + len(_EMPTY_LINE) - len(self._tail) if found >= 0 else -1
        else:
            end = -1
        if end < 0 and (found := data.find(_EMPTY_LINE, start)) >= 0:
            end = found + len(_EMPTY_LINE)
        self._tail = b"" if end >= 0 else (self._tail + data[max(start, len(data) - 3) :])[-3:]
        return end if end >= 0 else len(data)

    def _feed(self, block: bytes | memoryview) -> None:
        try:
            self._parser.feed_data(block)
        except httptools.HttpParserUpgrade:
            self._ignore_upgrade()
        except httptools.HttpParserError:
            self._error = self._error or BadRequestError("the request is not HTTP/1.1")
        if self._error is None and not (self._in_body and self._left is not None):
            try:
                check_size(self._block, len(self._target), len(self._headers))
            except ServiceError as error:
                self._error = error

    def _ignore_upgrade(self) -> None:
        """Parse the head once more, without the offer to upgrade, for which the parser expects no body."""
        method, version = self._parser.get_method(), self._parser.get_http_version()
        if method == b"CONNECT":
            self._error = BadRequestError("this is no proxy: it does not answer CONNECT")
            return
        self._parser = httptools.HttpRequestParser(self)
        self._feed(without_upgrade(method, self._target, version, self._headers))

    # -- httptools' callbacks --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._exchange is not None:  # two requests in one block; their ends are never taken on trust
            raise RuntimeError("a request began before the end of another")
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target of the request."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are ignored."""
        if not self._in_body:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Check the head, and begin to answer the request, or to refuse it."""
        if self._parser.should_upgrade():
            return
        headers, version, method = self._headers, self._parser.get_http_version(), self._parser.get_method()
        try:
            check_size(self._block, len(self._target), len(headers))
            self._left = body_length(version, headers)
            url = httptools.parse_url(self._target)
        except httptools.HttpParserError:
            self._error = BadRequestError("the target of the request is not a path")
            return
        except ServiceError as error:
            self._error = error
            return
        self._in_body = True
        keep_alive = version == "1.1" and self._parser.should_keep_alive()
        route = ROUTES.get(self._target)
        if route and keep_alive and method == b"POST":
            self._refusal = self.refusals.refusal(route, headers, self.default_headers)
        if self._refusal is None:
            self._begin(method.decode("ascii"), version, url.path or b"/", url.query or b"", keep_alive=keep_alive)

    def _begin(self, method: str, version: str, raw_path: bytes, query: bytes, *, keep_alive: bool) -> None:
        self._streams = raw_path in STREAMS
        scope = {
            "type": "http",
            "asgi": self._asgi,
            "http_version": version,
            "method": method,
            "scheme": "http",
            "path": self._root_path + unquote(raw_path.decode("ascii")),
            "raw_path": self._root_path.encode("ascii") + raw_path,
            "query_string": query,
            "root_path": self._root_path,
            "headers": self._headers,
            "client": self._client,
            "server": self._address,
            "state": self._state.copy(),
            "extensions": self._extensions,
        }
        expects = (b"expect", b"100-continue")
        expects_continue = version == "1.1" and any((name, value.lower()) == expects for name, value in self._headers)
        self._exchange = exchange = Exchange(
            self, scope, self._left, keep_alive=keep_alive, expects_continue=expects_continue
        )
        self._await(_ANSWER)
        task = self._loop.create_task(exchange.run(self._app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to the application, or discard it if the request has been answered."""
        self._block = 0
        if self._left is not None:
            self._left -= len(body)
        if self._awaited == _BODY:
            if self._streams:
                self._await(_BODY)
            else:
                self._deadline += len(body) / MIN_BYTES_PER_SECOND
        if self._exchange is None:
            self._discarded += len(body)
            if self._discarded > LINGER_BYTES:
                self.transport.close()
        elif self._exchange.body_received(body):
            self.transport.pause_reading()
            self._await(_ANSWER)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        if not self._in_body:  # an offer to upgrade, or an error
            return
        self._in_body = False
        self._block = self._discarded = 0
        if self._exchange is not None:
            self._exchange.body_complete()
            self._await(_ANSWER)
            return
        if self._refusal is not None:
            self.transport.write(self._refusal)
            self._refusal = None
            self._server.total_requests += 1
        self._await(_REQUEST)

    # -- the exchange's calls --------------------------------------------------------------------------------------

    def resume_body(self) -> None:
        """Go on reading the body of the request."""
        if not self.transport.is_reading() and not self._half_closed and not self.transport.is_closing():
            self.transport.resume_reading()
            self._await(_BODY)

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request, or end the connection."""
        self._server.total_requests += 1
        self._exchange = None
        if self.transport.is_closing():
            return
        if not exchange.keep_alive:
            if self._in_body or self._rest:
                self._linger()
            else:
                self.transport.close()
            return
        self._await(_BODY if self._in_body else _REQUEST)
        self._parse_rest()

    def failed(self, exchange: Exchange) -> None:
        """End a connection whose application has not answered."""
        if exchange is self._exchange and not self.transport.is_closing():
            self._end_with(EngineError())

    # -- the end ---------------------------------------------------------------------------------------------------

    def _end_with(self, error: ServiceError) -> None:
        """Answer the request that is being read with an error, and end the connection."""
        self._error = error
        exchange = self._exchange
        self._leave()
        if exchange is not None and exchange.started:
            self.transport.close()  # in the middle of an answer, which the client sees to be cut off
            return
        record = RequestRecord(request_id(self._headers).decode("ascii"), reason=error.reason)
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
        self._await(_END_OF_CLIENT)
        self._resume()

    def _discard(self, size: int) -> None:
        self._discarded += size
        self._deadline += size / LINGER_BYTES_PER_SECOND
        if self._discarded > LINGER_BYTES:
            self.transport.close()

    def _resume(self) -> None:
        if not self._half_closed:
            self.transport.resume_reading()

    def _probe(self) -> None:
        """See whether a client that has closed its sending half is gone.

        Only a client that is gone refuses what it is sent, and an interim answer does no harm to any other.
        """
        exchange = self._exchange
        if exchange is None or self.transport.is_closing():
            return
        if _is_reset(self.transport.get_extra_info("socket")):
            self.transport.abort()
            return
        if not self._probed and not exchange.started and exchange.scope["http_version"] == "1.1":
            self._probed = True
            self.transport.write(CONTINUE)
        self._loop.call_later(SECONDS_BETWEEN_PROBES, self._probe)

    # -- time limits -----------------------------------------------------------------------------------------------

    def _await(self, awaited: int) -> None:
        """Note what the connection waits for; the limit of a head or a body counts from its first part."""
        if awaited == self._awaited and not (awaited == _REQUEST or (awaited == _BODY and self._streams)):
            return
        self._awaited = awaited
        if awaited != _ANSWER:
            self._deadline = self._loop.time() + self._seconds(awaited)

    def _seconds(self, awaited: int) -> float:
        settings = self.service.settings
        if awaited == _BODY:
            # The client may wait for the answer to a line before it sends the next.
            return settings.body_seconds + (settings.deadline_seconds if self._streams else 0)
        return {_REQUEST: settings.keep_alive_seconds, _HEAD: settings.head_seconds}.get(awaited, LINGER_SECONDS)

    def check(self, now: float) -> None:
        """End the connection if the client is too slow; `now` is a time of the event loop."""
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            # A slow client takes from the system's buffer for a long time before asyncio may write again.
            unsent += _undelivered(self.transport.get_extra_info("socket"))
            if unsent != self._unsent:
                self._unsent, self._unsent_since = unsent, now
            elif now - self._unsent_since > self.service.settings.answer_seconds:
                self.transport.abort()
            return
        self._unsent = 0
        if self._awaited == _ANSWER or now < self._deadline or self.transport.is_closing():
            return
        if self._awaited in (_HEAD, _BODY):
            self._end_with(ClientTooSlowError("the request did not arrive in time"))
        elif self._awaited == _END_OF_CLIENT:
            self.transport.abort()
        else:
            self.transport.close()


def _address(transport: asyncio.Transport, kind: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(kind)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None


def _undelivered(connection: Any) -> int:
    """Return how many bytes the system has not delivered yet, as far as it says so."""
    try:
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0


def _is_reset(connection: Any) -> bool:
    """Return whether the other side has refused what it was sent, as far as the system says so."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    try:
        state: int = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:
        return False
    return state == _TCP_CLOSE
