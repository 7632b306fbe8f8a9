"""A log that nobody reads: only its writing thread waits for the reader, and lines that are dropped are counted."""

import fcntl
import io
import json
import logging
import os
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from nerve.service.observability import record
from nerve.service.observability.logs import formatter
from nerve.service.observability.stderr import FLUSH_SECONDS, StderrHandler
from tests.support import loopback
from tests.support.fakes import eventually

PAGE = 4_096
QUEUE = 100
LINES = 1_000
NOTICE = "nobody read the log"


class Pipe:
    """A small pipe, whose one end is for a log and whose other is read on demand only."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 2 * PAGE)
        self._reader = io.FileIO(reading)

    def read(self) -> list[str]:
        """The lines that are in it, which are whole ones: they are written in pieces of whole lines."""
        text = b""
        while select.select([self._reader], [], [], 0)[0] and (part := self._reader.read(PAGE)):
            text += part
        return text.decode().splitlines()

    def read_until(self, last: str) -> list[str]:
        """The lines that come, up to this one."""
        lines: list[str] = []
        assert eventually(lambda: lines.extend(self.read()) or last in lines)
        return lines

    def leave(self) -> None:
        """Read no more. The end for the log stays open: its thread, which never ends, may be about to write to it."""
        self._reader.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.leave()


Log = Callable[[str], None]


def dropped(line: str) -> int:
    """How many lines were dropped, as a notice says; 0 for any other line."""
    found = re.fullmatch(NOTICE + r": ([\d,]+) lines were dropped", line)
    return int(found[1].replace(",", "")) if found else 0


@pytest.fixture
def handler(pipe: Pipe) -> StderrHandler:
    """Writes to the pipe, from a small queue."""
    return StderrHandler(pipe.writing, QUEUE)


@pytest.fixture
def log(handler: StderrHandler) -> Log:
    """Logs a message."""
    return lambda message: handler.handle(logging.makeLogRecord({"msg": message})) and None


def test_a_log_that_is_read_has_every_line_in_order(pipe: Pipe, log: Log) -> None:
    for n in range(QUEUE):
        log(f"line {n}")
    assert pipe.read_until(f"line {QUEUE - 1}") == [f"line {n}" for n in range(QUEUE)]


def test_a_file_gets_every_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        handler = StderrHandler(stream.fileno())
        for n in range(LINES):
            handler.handle(logging.makeLogRecord({"msg": f"line {n}"}))
        handler.flush()
    assert path.read_text().splitlines() == [f"line {n}" for n in range(LINES)]


def test_when_nobody_reads_the_oldest_lines_stay_and_each_other_one_is_counted(
    pipe: Pipe, handler: StderrHandler, log: Log
) -> None:
    logged = [f"line {n} of many that nobody reads" for n in range(LINES)]
    for line in logged:
        log(line)
    lines: list[str] = []

    def written_again() -> bool:
        logged.append(f"read again {len(logged)}")
        log(logged[-1])
        lines.extend(pipe.read())
        return any(line.startswith("read again") for line in lines)

    assert eventually(written_again)
    handler.flush()
    lines += pipe.read()
    kept = [line for line in lines if not line.startswith(NOTICE)]
    assert QUEUE <= len(kept) < LINES
    assert kept[:QUEUE] == logged[:QUEUE]
    assert kept == [line for line in logged if line in kept]
    assert len(logged) - len(kept) == sum(map(dropped, lines))


def test_dropped_lines_are_reported_once(pipe: Pipe, handler: StderrHandler, log: Log) -> None:
    for n in range(LINES):
        log(f"{n}")
    handler.flush()
    assert sum(map(dropped, pipe.read())) > 0
    log("the last")
    assert pipe.read_until("the last") == ["the last"]


def test_the_notice_has_the_form_of_other_lines_and_belongs_to_no_request(
    pipe: Pipe, handler: StderrHandler, log: Log
) -> None:
    handler.setFormatter(formatter("json"))

    def answer() -> None:
        record.begin("the-id")
        for n in range(LINES):
            log(f"{n}")

    copy_context().run(answer)
    written: list[str] = []
    assert eventually(lambda: handler.flush() or written.extend(pipe.read()) or NOTICE in "".join(written))
    lines = [json.loads(line) for line in written]
    notice = next(line for line in lines if line["message"].startswith(NOTICE))  # each loss after it has its own
    assert {line.get("request_id") for line in lines} == {"the-id", None}
    assert (notice["level"], notice["logger"], notice.get("request_id")) == (
        "warning",
        "nerve.service.observability.stderr",
        None,
    )


def test_a_line_longer_than_the_pipe_is_whole_in_the_end(pipe: Pipe, log: Log) -> None:
    long = "x" * 10 * PAGE
    log(long)
    log("the end")
    text = ""
    while not text.endswith("the end"):
        text += "".join(pipe.read())
    assert text == long + "the end"


def test_a_reader_that_has_gone_is_nobodys_error(
    pipe: Pipe, handler: StderrHandler, log: Log, capfd: pytest.CaptureFixture[str]
) -> None:
    pipe.leave()
    log("a line")
    handler.flush()
    log("another")
    handler.flush()
    assert capfd.readouterr() == ("", "")


def test_a_flush_writes_what_is_queued(pipe: Pipe, handler: StderrHandler, log: Log) -> None:
    for n in range(20):
        log(f"line {n}")
    handler.flush()
    assert pipe.read() == [f"line {n}" for n in range(20)]


def test_a_flush_does_not_wait_long_for_a_reader_that_stands_still(handler: StderrHandler, log: Log) -> None:
    for _ in range(LINES):
        log("x" * 1_000)
    begun = time.monotonic()
    handler.flush()
    assert FLUSH_SECONDS - 0.1 < time.monotonic() - begun < FLUSH_SECONDS + 5


def test_a_process_that_has_logged_nothing_has_no_writer(handler: StderrHandler, log: Log) -> None:
    """So a supervisor may fork."""
    before = threading.active_count()
    handler.flush()
    assert threading.active_count() == before
    log("a line")
    assert threading.active_count() == before + 1


def test_a_service_whose_log_nobody_reads_answers_and_ends_at_sigterm(
    run_service: Callable[..., Any], archive: Path, pipe: Pipe
) -> None:
    service = run_service("--port", "0", "--model", str(archive), "--log-format", "json", stderr=pipe.writing)
    _, url = service.ready()
    with loopback.Client(base_url=url) as client:
        for _ in range(100):  # several times what the pipe holds
            assert client.post("/v1/entities", json={"text": "Munich"}).status_code == 200
    service.terminate()
    assert service.process.wait(60) == 0
    assert pipe.read()
