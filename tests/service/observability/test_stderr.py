"""A log that nobody reads: no line waits for its reader, and what is dropped is counted."""

import fcntl
import json
import logging
import os
import select
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.service.observability.stderr import PIPE_BYTES, UnblockedHandler

PAGE = 4_096
LINES = 1_000


class Pipe:
    """A small pipe, whose one end is for a log and whose other is read on demand only."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.narrow()

    def narrow(self) -> None:
        fcntl.fcntl(self.reading, fcntl.F_SETPIPE_SZ, 2 * PAGE)

    def read(self) -> list[str]:
        """The whole lines that are in it."""
        found = b""
        while select.select([self.reading], [], [], 0)[0] and (part := os.read(self.reading, PAGE)):
            found += part
        return found.decode().splitlines()

    def close(self) -> None:
        for end in (self.reading, self.writing):
            with suppress(OSError):
                os.close(end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture
def log(pipe: Pipe) -> Iterator[Callable[[str], None]]:
    """Logs a message to the pipe."""
    with os.fdopen(pipe.writing, "w", closefd=False) as stream:
        handler = UnblockedHandler(stream)
        pipe.narrow()
        yield lambda message: handler.handle(logging.makeLogRecord({"msg": message})) and None


def test_what_is_read_is_what_was_logged(pipe: Pipe, log: Callable[[str], None]) -> None:
    for n in range(LINES):
        log(f"line {n}")
        assert pipe.read() == [f"line {n}"]


def test_when_nobody_reads_the_oldest_lines_stay_and_the_others_are_counted(
    pipe: Pipe, log: Callable[[str], None]
) -> None:
    logged = [f"line {n} of many that nobody reads" for n in range(LINES)]
    for line in logged:
        log(line)
    kept = pipe.read()
    log("read again")
    kept += (later := pipe.read())[:-2]
    assert 10 < len(kept) < LINES
    assert kept == logged[: len(kept)]
    assert later[-2:] == [f"nobody read the log: {LINES - len(kept)} lines were dropped", "read again"]


def test_what_was_dropped_is_said_once(pipe: Pipe, log: Callable[[str], None]) -> None:
    for n in range(LINES):
        log(f"line {n}")
    pipe.read()
    log("read again")
    pipe.read()
    log("and again")
    assert pipe.read() == ["and again"]


def test_a_line_longer_than_the_pipe_is_whole_in_the_end(pipe: Pipe, log: Callable[[str], None]) -> None:
    long = "x" * 10 * PAGE
    log(long)
    found = "".join(pipe.read())
    while len(found) < len(long):
        log("meanwhile")
        found += "".join(pipe.read())
    assert found.startswith(long)
    log("the end")
    assert pipe.read()[-1] == "the end"


def test_a_reader_that_has_gone_is_nobodys_error(pipe: Pipe, log: Callable[[str], None], capfd: Any) -> None:
    os.close(pipe.reading)
    log("a line")
    log("another")
    assert capfd.readouterr() == ("", "")


def test_a_file_gets_every_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        handler = UnblockedHandler(stream)
        for n in range(LINES):
            handler.handle(logging.makeLogRecord({"msg": f"line {n}"}))
    assert path.read_text().splitlines() == [f"line {n}" for n in range(LINES)]


def test_a_pipe_is_made_to_hold_some_thousand_lines(pipe: Pipe) -> None:
    with os.fdopen(pipe.writing, "w", closefd=False) as stream:
        UnblockedHandler(stream)
    assert fcntl.fcntl(pipe.reading, fcntl.F_GETPIPE_SZ) == PIPE_BYTES


def test_a_service_whose_log_nobody_reads_answers_all_the_same(
    run_service: Callable[..., Any], archive: Path, pipe: Pipe
) -> None:
    service = run_service("--port", "0", "--model", str(archive), "--log-format", "json", stderr=pipe.writing)
    _, url = service.ready()
    pipe.read()
    pipe.narrow()
    with httpx.Client(base_url=url, trust_env=False) as client:
        for _ in range(100):  # several times what the pipe holds
            assert client.post("/v1/entities", json={"text": "Munich"}).status_code == 200
        pipe.read()
        client.post("/v1/entities", json={"text": "Munich"}, headers={"x-request-id": "the-last"})
    service.terminate()
    assert service.process.wait(60) == 0
    lines = [json.loads(line) for line in pipe.read()]
    assert "the-last" in [line.get("request_id") for line in lines]
    (notice,) = [line for line in lines if "dropped" in line["message"]]
    assert (notice["level"], notice["logger"], "request_id" in notice) == (
        "warning",
        "nerve.service.observability.stderr",
        False,
    )
