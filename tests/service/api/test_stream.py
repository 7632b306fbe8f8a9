"""A body of many lines: cut, answered in order, bounded, ended; and `POST /v1/stream` on real sockets."""

import asyncio
import concurrent.futures
import gzip
import http.client
import json
import logging
import random
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from nerve.service.api.lines import MOST_LINES, LinesResponse, lines_of
from nerve.service.api.structure import MOST_VALUES
from nerve.service.budget import MemoryBudget, needed_bytes
from nerve.service.engine.batcher import EngineStoppedError
from nerve.service.errors import BadRequestError, EngineError, ServiceError, TooLargeError, UnavailableError
from nerve.service.http.middleware import HOLDING
from nerve.service.observability.record import begin
from tests.support.fakes import DirectEngine, HeldEngine, eventually

Serve = Callable[..., Any]
URL = "/v1/stream"


# -- lines -----------------------------------------------------------------------------------------------------------


async def cut(*chunks: bytes, most: int = 10**9) -> list[bytes | None]:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [line async for line in lines_of(arriving(), most, lambda _: None)]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b""], []),
        ([b"a"], [b"a"]),
        ([b"a\n"], [b"a"]),
        ([b"a\nb"], [b"a", b"b"]),
        ([b"a", b"b\nc", b"", b"d\n"], [b"ab", b"cd"]),
        ([b"a", b"\n", b"\n", b"b"], [b"a", b"", b"b"]),
        ([b"a\r\nb\r\n"], [b"a\r", b"b\r"]),
    ],
)
async def test_lines_end_at_line_feeds(chunks: list[bytes], lines: list[bytes]) -> None:
    assert await cut(*chunks) == lines


@pytest.mark.anyio
async def test_lines_do_not_depend_on_the_chunks() -> None:
    chance = random.Random(1)
    for _ in range(300):
        body = bytes(chance.choice(b"ab\n") for _ in range(chance.randrange(40)))
        places = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randrange(6)))
        chunks = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
        most = chance.choice([0, 1, 2, 5, 100])
        expected = body.split(b"\n") if not body.endswith(b"\n") and body else body.split(b"\n")[:-1]
        assert await cut(*chunks, most=most) == [line if len(line) <= most else None for line in expected]


# -- answers, on an ASGI connection that the test steers ------------------------------------------------------------


class Connection:
    """A client's end of a request: it sends what it is told to, and takes answers when it is told to."""

    def __init__(self, *chunks: bytes | ServiceError, more: bool = False) -> None:
        self.inbox: asyncio.Queue[Message | ServiceError] = asyncio.Queue()
        self.given = 0
        self.sent: list[Message] = []
        self.taking = asyncio.Event()
        self.taking.set()
        for number, chunk in enumerate(chunks, start=1):
            self.gives(chunk, more=more or number < len(chunks))

    def gives(self, chunk: bytes | ServiceError, *, more: bool = True) -> None:
        is_error = isinstance(chunk, ServiceError)
        self.inbox.put_nowait(chunk if is_error else {"type": "http.request", "body": chunk, "more_body": more})

    def leaves(self) -> None:
        self.inbox.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        message = await self.inbox.get()
        self.given += 1
        if isinstance(message, ServiceError):
            raise message
        return message

    async def send(self, message: Message) -> None:
        await self.taking.wait()
        self.sent.append(message)

    async def carries(self, answer: LinesResponse) -> list[Any]:
        """The lines of a whole answer."""
        async with asyncio.timeout(10):
            begin("the-id")
            await answer({"type": "http", HOLDING: MemoryBudget(2**30).hold()}, self.receive, self.send)
        assert [message["type"] for message in self.sent[:2]] == ["http.response.start", "http.response.body"]
        assert [message["more_body"] for message in self.sent[1:]] == [True] * (len(self.sent) - 2) + [False]
        return [json.loads(line) for line in b"".join(message["body"] for message in self.sent[1:]).splitlines()]


def welcome() -> None:
    """Every line is."""


def echoing(
    answer: Callable[[bytes], Awaitable[bytes]] | None = None,
    check: Callable[[], None] = welcome,
    stopping: asyncio.Event | None = None,
    max_bytes: int = 1_000,
) -> LinesResponse:
    async def echo(line: bytes) -> bytes:
        return line

    return LinesResponse(answer or echo, lambda _: {}, check, stopping or asyncio.Event(), max_bytes)


async def everything_stands_still() -> None:
    """Returns when all tasks that can go on without the test have done so."""
    for _ in range(20 * MOST_LINES):
        await asyncio.sleep(0)


@pytest.mark.anyio
async def test_lines_are_answered_in_their_order_whichever_is_done_first() -> None:
    chance = random.Random(1)

    async def slow(line: bytes) -> bytes:
        for _ in range(chance.randrange(100)):
            await asyncio.sleep(0)
        return line

    lines = [b"%d" % number for number in range(1_000)]
    assert await Connection(b"\n".join(lines)).carries(echoing(slow)) == list(range(1_000))


@pytest.mark.anyio
async def test_lines_of_white_space_have_no_answer() -> None:
    assert await Connection(b"\n 1\r\n\r\n \t\n2\n\n").carries(echoing()) == [1, 2]


@pytest.mark.anyio
@pytest.mark.parametrize("chunks", [[], [b""], [b"\n\n"]])
async def test_a_body_without_lines_has_an_empty_answer(chunks: list[bytes]) -> None:
    connection = Connection(*(chunks or [b""]))
    async with asyncio.timeout(10):
        await echoing()({"type": "http", HOLDING: MemoryBudget(2**30).hold()}, connection.receive, connection.send)
    assert [message.get("body") for message in connection.sent] == [None, b""]


@pytest.mark.anyio
async def test_an_error_of_a_line_is_its_answer_and_names_its_number() -> None:
    async def refusing(line: bytes) -> bytes:
        if line == b"2":
            raise TooLargeError("it is 2")
        return line

    assert await Connection(b"1\n\n2\n3").carries(echoing(refusing)) == [
        1,
        {"line": 3, "error": {"code": "too_large", "message": "it is 2"}},
        3,
    ]


@pytest.mark.anyio
async def test_a_line_that_is_too_long_is_refused_and_the_next_is_answered() -> None:
    long = [b"x" * 300] * 4
    answers = await Connection(b"1\n", *long, b"\n2\n", b"x" * 1_000, b"x").carries(echoing())
    too_long = {"code": "too_large", "message": "the line is too long; the limit is 1,000 bytes"}
    assert answers == [1, {"line": 2, "error": too_long}, 2, {"line": 4, "error": too_long}]


@pytest.mark.anyio
@pytest.mark.parametrize("failure", [ValueError("SECRET"), EngineError()])
async def test_a_failure_is_an_error_without_detail_and_logged_without_the_text(
    caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    async def failing(line: bytes) -> bytes:
        if line == b"2":
            raise failure
        return line

    answers = await Connection(b"1\n2\n3").carries(echoing(failing))
    message = "the service failed to answer this request"
    assert answers == [1, {"line": 2, "error": {"code": "internal", "message": message}}, 3]
    log = "".join(logging.Formatter().format(record) for record in caplog.records)
    assert "line 2 of request the-id" in log
    assert type(failure).__name__ in log
    assert "SECRET" not in log


@pytest.mark.anyio
async def test_a_refusal_to_go_on_is_the_last_line() -> None:
    checked = 0

    def until_the_third() -> None:
        nonlocal checked
        checked += 1
        if checked == 3:
            raise UnavailableError("enough")

    connection = Connection(b"1\n2\n3\n4\n", more=True)
    assert await connection.carries(echoing(check=until_the_third)) == [
        1,
        2,
        {"line": 3, "error": {"code": "unavailable", "message": "enough"}},
    ]


@pytest.mark.anyio
async def test_a_stream_that_waits_for_its_client_is_ended_when_the_service_stops() -> None:
    stopping = asyncio.Event()

    def check() -> None:
        if stopping.is_set():
            raise UnavailableError("enough")

    connection = Connection(b"1\n", more=True)
    whole = asyncio.create_task(connection.carries(echoing(check=check, stopping=stopping)))
    await everything_stands_still()
    stopping.set()
    assert await whole == [1, {"line": 2, "error": {"code": "unavailable", "message": "enough"}}]


@pytest.mark.anyio
async def test_an_error_of_the_body_is_the_last_line() -> None:
    answers = await Connection(b"1\n2\n3", BadRequestError("broken")).carries(echoing())
    assert answers == [1, 2, {"line": 3, "error": {"code": "bad_request", "message": "broken"}}]


@pytest.mark.anyio
@pytest.mark.parametrize(("first", "error"), [(BadRequestError("broken"), BadRequestError), (None, ClientDisconnect)])
async def test_an_error_before_anything_was_sent_is_raised(
    first: ServiceError | None, error: type[Exception]
) -> None:
    connection = Connection(*([first] if first else []))
    connection.leaves()
    with pytest.raises(error):
        await connection.carries(echoing())
    assert connection.sent == []


@pytest.mark.anyio
async def test_an_answer_does_not_wait_for_the_next_line() -> None:
    connection = Connection(b"1\n", more=True)
    whole = asyncio.create_task(connection.carries(echoing()))
    await everything_stands_still()
    assert [message.get("body") for message in connection.sent] == [None, b"1\n"]
    connection.gives(b"2\n", more=False)
    assert await whole == [1, 2]


@pytest.mark.anyio
async def test_while_answers_are_not_taken_only_so_many_lines_are_read() -> None:
    begun = 0

    async def counting(line: bytes) -> bytes:
        nonlocal begun
        begun += 1
        return line

    connection = Connection(*[b"1\n"] * 1_000)
    connection.taking.clear()
    whole = asyncio.create_task(connection.carries(echoing(counting)))
    await everything_stands_still()
    connection.taking.set()  # for the headers
    await asyncio.sleep(0)
    connection.taking.clear()
    await everything_stands_still()
    assert begun <= MOST_LINES + 2
    assert connection.given <= MOST_LINES + 5
    connection.taking.set()
    assert await whole == [1] * 1_000


@pytest.mark.anyio
@pytest.mark.parametrize(("size", "at_once"), [(1_000, 1), (501, 1), (500, 2), (334, 2), (333, 3), (10, 100)])
async def test_the_lines_under_way_are_bounded_in_bytes(size: int, at_once: int) -> None:
    under_way = most = 0

    async def counting(line: bytes) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(3 * MOST_LINES):
            await asyncio.sleep(0)
        under_way -= 1
        return line

    line = b"1" * size + b"\n"
    answers = await Connection(*[line * 20] * 20).carries(echoing(counting))
    assert (len(answers), most) == (400, at_once)


@pytest.mark.anyio
@pytest.mark.parametrize("lines", [3, MOST_LINES + 50])
async def test_a_client_that_leaves_stops_the_work(lines: int) -> None:
    begun = ended = 0

    async def endless(_: bytes) -> bytes:
        nonlocal begun, ended
        begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            ended += 1
        raise AssertionError

    connection = Connection(b"1\n" * lines, more=True)
    answer = echoing(endless)
    scope = {"type": "http", HOLDING: MemoryBudget(2**30).hold()}
    whole = asyncio.create_task(answer(scope, connection.receive, connection.send))
    await everything_stands_still()
    assert (begun, ended) == (min(lines, MOST_LINES), 0)
    connection.leaves()
    async with asyncio.timeout(10):
        await whole
    assert ended == begun
    assert len(connection.sent) == 1


@pytest.mark.anyio
async def test_a_client_that_leaves_after_its_last_line_stops_the_work_too() -> None:
    connection = Connection(b"1\n")
    whole = asyncio.create_task(
        echoing(lambda _: asyncio.get_running_loop().create_future())(
            {"type": "http", HOLDING: MemoryBudget(2**30).hold()}, connection.receive, connection.send
        )
    )
    await everything_stands_still()
    connection.leaves()
    async with asyncio.timeout(10):
        await whole


# -- the route -------------------------------------------------------------------------------------------------------


def answered(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def ndjson(*requests: Any) -> bytes:
    return b"".join(json.dumps(request).encode() + b"\n" for request in requests)


REQUESTS: list[dict[str, Any]] = [
    {"text": "see Ann and BOB 😀"},
    {"texts": ["Ann", "", "Bob"]},
    {"tokens": ["see", "Ann"], "include": ["tokens", "sents"]},
    {"text": "😀 Ann", "offset_unit": "utf16", "labels": {"PER": "PERSON"}, "model": "other"},
    {"text": "Ann acme", "gazetteer": {"always": {"ORG": ["acme"]}, "never": ["Ann"]}},
]


def test_a_line_is_answered_as_the_request_alone_would_be(client: httpx.Client) -> None:
    alone = [client.post("/v1/entities", json=request).json() for request in REQUESTS]
    assert answered(client.post(URL, content=ndjson(*REQUESTS))) == alone


def test_a_wrong_line_is_answered_with_the_error_of_the_request_alone(client: httpx.Client) -> None:
    wrong = [
        b'{"text": 1}',
        b"SECRET",
        b'{"text": "\xff"}',
        b'{"text": "a", "model": "SECRET"}',
        b'{"text": "a", "labels": ["X"]}',
    ]
    body = b'{"text": "Ann"}\n' + b'\n{"text": "Bob"}\n'.join(wrong)
    answers = answered(client.post(URL, content=body))
    errors = [{"line": 2 * n, **client.post("/v1/entities", content=line).json()} for n, line in enumerate(wrong, 1)]
    assert answers[1::2] == errors
    assert all("ents" in answer for answer in answers[::2])
    assert "SECRET" not in json.dumps(answers)


OWN: dict[str, Any] = {
    "id": 7,
    "url": "https://example.org/ä",
    "meta": {"seen": [1, 2.5, None, True, "😀"], "big": 10**30},
    "": "no name",
    "min_scor": 0.5,
}


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_the_other_fields_of_a_line_come_back_in_its_answer(client: httpx.Client, request_: dict[str, Any]) -> None:
    alone = client.post("/v1/entities", json=request_).json()
    assert answered(client.post(URL, content=ndjson({**OWN, **request_}))) == [{**OWN, **alone}]


def test_a_field_with_a_name_of_the_answer_does_not(client: httpx.Client) -> None:
    named = dict.fromkeys(("ents", "sents", "language", "results", "line", "error"), "mine")
    answers = answered(client.post(URL, content=ndjson({"text": "Ann", **named})))
    assert answers == [client.post("/v1/entities", json={"text": "Ann"}).json()]


def test_a_number_that_is_too_large_comes_back_as_null(client: httpx.Client) -> None:
    (answer,) = answered(client.post(URL, content=b'{"text": "Ann", "n": 1e999}'))
    assert answer["n"] is None


@pytest.mark.parametrize(
    ("line", "own"),
    [
        (b'{"id": 7, "txt": "SECRET"}', {"id": 7}),
        (b'\xef\xbb\xbf{"id": "a", "text": 1}', {"id": "a"}),
        (b'{"id": {"SECRET": 1}, "text": 1}', {}),
        (b'{"id": null, "text": 1}', {}),
        (b'{"id": 7, "text": "SECRET', {}),
        (b'["id"]', {}),
        (b'{"id": 7, "text": 1, "other": [%s1]}' % (b"1," * MOST_VALUES), {}),
    ],
    ids=["no text", "BOM", "object", "null", "no JSON", "no object", "too many values"],
)
def test_of_a_wrong_line_the_id_comes_back_and_nothing_else(
    client: httpx.Client, line: bytes, own: dict[str, Any]
) -> None:
    (answer,) = answered(client.post(URL, content=line))
    assert answer.keys() == {*own, "line", "error"}
    assert own.items() <= answer.items()
    assert "SECRET" not in json.dumps(answer)


def test_fields_that_come_back_are_counted_with_the_answer(serve: Serve) -> None:
    client, _ = serve(max_body_bytes=100_000, max_characters=1_000, memory_bytes=needed_bytes(100_000, 200_000))
    line = {"text": "Ann", "own": "x" * 90_000}
    answers = answered(client.post(URL, content=ndjson(*[line] * 20)))
    assert [len(answer["own"]) for answer in answers] == [90_000] * 20


def test_limits_are_those_of_a_line(serve: Serve) -> None:
    client, _ = serve(max_body_bytes=100, max_characters=50, max_tokens=10)
    body = ndjson(*[{"text": "Ann Bob"}] * 1_000, {"text": "a" * 51}, {"text": "a" * 90}, {"text": "a " * 20})
    answers = answered(client.post(URL, content=body))
    assert [len(answer["ents"]) for answer in answers[:1_000]] == [2] * 1_000
    assert [(answer["line"], answer["error"]["message"]) for answer in answers[1_000:]] == [
        (1_001, "a text has 51 characters; the limit is 50"),
        (1_002, "the line is too long; the limit is 100 bytes"),
        (1_003, "the request has at least 20 tokens; the limit is 10"),
    ]


def test_lines_share_batches(serve: Serve) -> None:
    engine = DirectEngine()
    client, _ = serve(engine=engine)
    answered(client.post(URL, content=ndjson(*[{"text": "Ann"}] * 1_000)))
    assert len(engine.batches) < 500


def test_a_gzipped_stream_is_unzipped(client: httpx.Client) -> None:
    zipped = gzip.compress(ndjson(*REQUESTS))
    answer = client.post(URL, content=zipped, headers={"content-encoding": "gzip"})
    assert answered(answer) == answered(client.post(URL, content=ndjson(*REQUESTS)))


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 400), ("br", 415)])
def test_a_stream_that_cannot_be_decoded_is_refused(client: httpx.Client, encoding: str, status: int) -> None:
    answer = client.post(URL, content=ndjson(*REQUESTS), headers={"content-encoding": encoding})
    assert answer.status_code == status


def test_a_gzipped_stream_that_is_cut_off_is_answered_as_far_as_it_goes(client: httpx.Client) -> None:
    zipped = gzip.compress(ndjson(*[{"text": f"Ann {number}"} for number in range(500)]))
    answers = answered(client.post(URL, content=zipped[:-100], headers={"content-encoding": "gzip"}))
    assert answers[-1] == {
        "line": len(answers),
        "error": {"code": "bad_request", "message": "the body is cut off: its gzip data is incomplete"},
    }
    assert 100 < len(answers) <= 500


def test_lines_wait_for_room_in_the_queue_and_are_not_refused(serve: Serve) -> None:
    engine = HeldEngine()
    client, service = serve(engine=engine, queue_tokens=6, max_tokens=6)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, URL, content=ndjson(*[{"text": "a b Ann"}] * 50))
        assert engine.started.wait(10)
        assert eventually(lambda: service.batcher.waiting_tokens == 6)
        engine.release()
        assert [len(line["ents"]) for line in answered(answer.result())] == [1] * 50


def test_a_service_whose_port_closes_refuses_a_stream_and_one_that_is_only_told_to_stop_does_not(
    serve: Serve,
) -> None:
    client, service = serve()
    service.draining = True
    assert client.post(URL, content=ndjson(*REQUESTS)).status_code == 200
    service.closing = True
    answer = client.post(URL, content=ndjson(*REQUESTS))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_an_engine_that_dies_ends_a_stream(serve: Serve) -> None:
    class Dying(DirectEngine):
        async def run(self, *arguments: Any) -> Any:
            if len(self.batches) == 3:
                raise EngineStoppedError("gone")
            return await super().run(*arguments)

    client, _ = serve(engine=Dying())
    answers = answered(client.post(URL, content=ndjson(*[{"text": "Ann"}] * 5_000)))
    assert answers[0]["ents"]
    assert answers[-1]["error"] == {"code": "unavailable", "message": "the engine has stopped"}
    assert len(answers) < 5_000


class Streaming:
    """A client that sends a chunked body as it goes, and reads the answer line by line."""

    def __init__(self, url: httpx.URL) -> None:
        self.socket = socket.create_connection((url.host, url.port or 0), timeout=30)
        self.socket.sendall(b"POST /v1/stream HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")

    def sends(self, body: bytes) -> None:
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(body), body))

    def ends(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def answer(self) -> http.client.HTTPResponse:
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        return answer


@contextmanager
def streaming(url: httpx.URL) -> Iterator[Streaming]:
    stream = Streaming(url)
    with stream.socket:
        yield stream


def test_a_line_is_answered_before_the_next_is_sent(client: httpx.Client) -> None:
    with streaming(client.base_url) as stream:
        stream.sends(b'{"text": "Ann"}\n')
        with stream.answer() as answer:
            assert json.loads(answer.readline())["text"] == "Ann"
            stream.sends(b'{"text": ')
            stream.sends(b'"Bob"}\n{"text": "Eve"}\n')
            assert [json.loads(answer.readline())["text"] for _ in range(2)] == ["Bob", "Eve"]
            stream.ends()
            assert answer.read() == b""


def test_a_stream_in_flight_is_ended_when_the_service_stops(serve: Serve) -> None:
    client, service = serve()
    with streaming(client.base_url) as stream:
        stream.sends(b'{"text": "Ann"}\n')
        with stream.answer() as answer:
            assert "ents" in json.loads(answer.readline())
            service.closing = True
            stream.sends(b'{"text": "Ann"}\n{"text": "Ann"}\n')
            last = json.loads(answer.readline())
            assert last == {"line": 2, "error": {"code": "unavailable", "message": "the service is shutting down"}}
            assert answer.read() == b""


@pytest.mark.parametrize("ended", [False, True])
def test_a_client_that_hangs_up_costs_no_compute(serve: Serve, ended: bool) -> None:
    engine = HeldEngine()
    client, service = serve(engine=engine)
    with streaming(client.base_url) as stream:
        stream.sends(b'{"text": "Ann"}\n' * 500)
        if ended:
            stream.ends()
        assert engine.started.wait(10)
        assert eventually(lambda: service.batcher.waiting_tokens == MOST_LINES - len(engine.batches[0]))
    assert eventually(lambda: service.batcher.waiting_tokens == 0)
    engine.release()
    assert len(engine.batches) == 1


# -- memory ----------------------------------------------------------------------------------------------------------


def peak_memory(process: int) -> int:
    """The most bytes that a process has had in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


def streamed(url: str, line: bytes, count: int) -> int:
    """The bytes of the answers to so many of this line, sent and read at the same time."""

    def send() -> None:
        for _ in range(count):
            stream.sends(line)
        stream.ends()

    with streaming(httpx.URL(url)) as stream, concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        with stream.answer() as answer:
            received = sum(map(len, iter(lambda: answer.read(100_000), b"")))
        sending.result()
    return received


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc that tells a process's memory")
def test_the_memory_does_not_grow_with_the_stream(run_service: Callable[..., Any], archive: Path) -> None:
    limits = ["--max-body-bytes", "100000", "--max-characters", "90000"]
    service = run_service("--port", "0", "--model", str(archive), *limits)
    _, url = service.ready()
    line = ndjson({"text": "y" * 80_000})
    streamed(url, line, 20)
    before = peak_memory(service.process.pid)
    assert streamed(url, line, 300) > 24_000_000
    assert peak_memory(service.process.pid) - before < 8_000_000
