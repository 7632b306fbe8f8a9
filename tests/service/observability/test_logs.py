"""The log of a real process: a line per request, in either form, and never anything of a client's own."""

import io
import json
import logging
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.service.observability.logs import announce, formatter
from tests.support import loopback
from tests.support.documents import ROOT, blocks

Run = Callable[..., Any]
URL = "/v1/entities"

# What a client sends, in pieces that would be found again wherever one of them is quoted.
SECRET = "Xylophia Quetzalfern zahlte 8391746205 Kronen."
PIECES = ("Xylophia", "Quetzalfern", "zahlte", "8391746205", "Kronen", "sesame")


def logged(service: Any) -> list[dict[str, Any]]:
    """The lines of a process that was told to stop, each of which has to be an object."""
    status, out, err = json_lines(service)
    assert (status, out) == (0, [])
    return err


def json_lines(service: Any) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
    status, out, err = service.ended()
    return status, [json.loads(line) for line in out.splitlines()], [json.loads(line) for line in err.splitlines()]


def requests(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["logger"] == "nerve.access"]


@pytest.fixture
def asked(run_service: Run, archive: Path) -> Callable[..., list[dict[str, Any]]]:
    """Starts a service that logs JSON, lets `ask` ask it, ends it and gives the lines that it wrote."""

    def run(ask: Callable[[httpx.Client], object], *flags: str) -> list[dict[str, Any]]:
        service = run_service("--port", "0", "--model", str(archive), "--log-format", "json", *flags)
        line, url = service.ready()
        assert json.loads(line)["message"].startswith("nerve is ready")
        with loopback.Client(base_url=url) as client:
            ask(client)
        service.terminate()
        return logged(service)

    return run


def test_a_request_is_one_line_with_its_counts(asked: Callable[..., Any]) -> None:
    answers: list[httpx.Response] = []

    def ask(client: httpx.Client) -> None:
        body = {"texts": ["Angela Merkel visited Munich.", "Munich"], "min_score": 0}
        answers.append(client.post(URL, json=body, headers={"x-request-id": "the-id"}))

    (line,) = requests(asked(ask))
    entities = sum(len(result["ents"]) for result in answers[0].json()["results"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 < line.pop("milliseconds") < 60_000
    assert line.pop("process") > 1
    assert line == {
        "level": "info",
        "logger": "nerve.access",
        "message": "request",
        "request_id": "the-id",
        "method": "POST",
        "route": URL,
        "status": 200,
        "model": "tiny",
        "texts": 2,
        "tokens": 6,
        "entities": entities,
    }


def test_the_documented_line_has_the_fields_of_a_real_one(asked: Callable[..., Any]) -> None:
    ((_, documented),) = blocks(ROOT / "docs" / "operations.md", "json")
    (line,) = requests(asked(lambda client: client.post(URL, json={"text": "a"})))
    assert list(json.loads(documented)) == list(line)


def test_a_refused_request_says_the_reason(asked: Callable[..., Any]) -> None:
    (line,) = requests(asked(lambda client: client.post(URL, json={"text": "a", "model": "xx"})))
    assert (line["status"], line["reason"]) == (404, "unknown_model")


def test_a_stream_is_one_line_with_the_number_of_its_refused_ones(asked: Callable[..., Any]) -> None:
    body = '{"text": "Munich"}\n{"text": 1}\n{"text": "a"}\n{}\n'
    (line,) = requests(asked(lambda client: client.post("/v1/stream", content=body)))
    assert (line["status"], line["texts"], line["tokens"], line["refused_lines"]) == (200, 2, 2, 2)


def test_probes_and_scrapes_are_logged_at_debug_only(asked: Callable[..., Any]) -> None:
    probes = ("/health/live", "/health/ready", "/health", "/v2/health/live", "/v2/health/ready", "/metrics")

    def ask(client: httpx.Client) -> None:
        for path in (*probes, "/v2/models/tiny/ready"):
            client.get(path)

    assert requests(asked(ask)) == []
    debug = requests(asked(ask, "--log-level", "debug"))
    assert {(line["route"], line["level"]) for line in debug} == {
        (route, "debug") for route in (*probes, "/v2/models/{name}/ready")
    }


def test_the_servers_own_lines_are_of_the_same_form(asked: Callable[..., Any]) -> None:
    def ask(client: httpx.Client) -> None:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as broken:
            broken.sendall(b"nonsense\r\n\r\n")
            broken.recv(1_000)

    lines = asked(ask)
    refused = [line for line in lines if line.get("status") == 400]
    assert [(line["route"], line["reason"], line["message"]) for line in refused] == [
        ("other", "bad_request", "request")
    ]


def test_at_a_higher_level_requests_are_silent(asked: Callable[..., Any]) -> None:
    assert asked(lambda client: client.post(URL, json={"text": "a"}), "--log-level", "warning") == []


def test_the_text_form_has_the_same_fields(run_service: Run, archive: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive))
    _, url = service.ready()
    loopback.post(url + URL, json={"text": "a", "model": "xx"}, headers={"x-request-id": "the-id"})
    service.terminate()
    _, _, err = service.ended()
    (line,) = [line for line in err.splitlines() if "nerve.access" in line]
    assert re.search(
        r"INFO nerve.access request request_id=the-id method=POST route=/v1/entities status=404 "
        r"milliseconds=[\d.]+ reason=unknown_model$",
        line,
    )


def test_a_refusal_to_start_is_json_too(run_service: Run, archive: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        service = run_service("--port", port, "--model", str(archive), "--log-format", "json")
        status, out, (line,) = json_lines(service)
    assert (status, out, line["level"]) == (1, [], "error")
    assert port in line["message"]


def every_way(client: httpx.Client) -> None:
    """The text by every road that is answered, refused or fails."""
    bodies: list[bytes] = [
        json.dumps(body).encode()
        for body in (
            {"text": SECRET},
            {"texts": [SECRET, SECRET]},
            {"text": SECRET, "offset_unit": "utf16", "labels": ["PER"]},
            {"text": SECRET, "labels": [SECRET]},
            {"text": SECRET, "model": SECRET},
            {"text": SECRET, SECRET: 1},
            {"text": SECRET, "offset_unit": SECRET},
            {"text": SECRET, "min_score": 2},
            {"text": [SECRET]},
            [SECRET],
            {"text": SECRET * 20},
            {"texts": [SECRET] * 9},
        )
    ]
    bodies += [SECRET.encode(), SECRET.encode("utf-16"), rb'{"text": "%s\ud800"}' % SECRET.encode()]
    statuses = {client.post(URL, content=body).status_code for body in bodies}
    assert statuses == {200, 400, 404, 413, 422}
    others: list[tuple[str, Any]] = [
        ("/", {"inputs": SECRET}),
        ("/", {"inputs": SECRET, "parameters": {"aggregation_strategy": SECRET}}),
        (f"/models/{SECRET}", {"inputs": SECRET}),
        ("/analyze", {"text": SECRET, "language": "en"}),
        ("/analyze", {"text": SECRET, "language": SECRET}),
        ("/anonymize", {"text": SECRET, "analyzer_results": []}),
        ("/anonymize", {"text": SECRET, "analyzer_results": [{"entity_type": SECRET}]}),
        ("/v1/redact", {"text": SECRET, "operators": {SECRET: {"type": "keep"}}}),
        ("/v1/redact", {"text": SECRET, "gazetteer": {"always": {SECRET: [SECRET]}}}),
        (URL, {"tokens": SECRET.split(), "gazetteer": {"never": [SECRET, SECRET]}}),
        ("/v1/stream", {"text": SECRET, "labels": [SECRET]}),
        (
            "/v2/models/tiny/infer",
            {"id": SECRET, "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [SECRET]}]},
        ),
        (f"/v2/models/{SECRET}/infer", {"inputs": [{"name": SECRET, "shape": [], "datatype": SECRET}]}),
    ]
    for path, body in others:
        client.post(path, json=body)
        client.post(path, json=body, headers={"content-encoding": "gzip"})
        client.post(path, json=body, headers={"content-encoding": "zahlte"})
    for path in (f"/{SECRET}", f"/v1/models/{SECRET}", f"/?text={SECRET}", f"/health/live?{SECRET}"):
        client.get(path)
        client.post(path, content=SECRET)
    client.request("ZAHLTE", URL, content=SECRET)
    headers = {"x-request-id": SECRET, "x-api-key": "sesame", "authorization": "Bearer sesame", "x-text": SECRET}
    client.post(URL, json={"text": SECRET}, headers=headers)
    raw = [
        f"POST {URL} HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\n{SECRET}",
        f"{SECRET}\r\n\r\n",
        f"GET /{SECRET} HTTP/1.1\r\n\r\n",
        f"POST {URL} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{SECRET}\r\n",
        f"GET {URL} HTTP/1.1\r\nhost: x\r\nupgrade: {SECRET}\r\nconnection: upgrade\r\n\r\n",
    ]
    for sent in raw:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
            connection.sendall(sent.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1_000):
                pass


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_piece_of_a_text_is_in_any_log_at_any_level(run_service: Run, archive: Path, form: str) -> None:
    limits = ("--max-characters", "500", "--max-texts", "5")
    service = run_service(
        "--port", "0", "--model", str(archive), "--log-format", form, "--log-level", "debug", *limits
    )
    _, url = service.ready()
    with loopback.Client(base_url=url) as client:
        every_way(client)
    service.terminate()
    status, out, err = service.ended()
    assert status == 0
    assert len(err.splitlines()) > 20
    assert [piece for piece in PIECES if piece.lower() in (out + err).lower()] == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_is_logged_with_its_type_and_frames_and_without_its_message(form: str) -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise ValueError(SECRET) from cause
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "it failed", "exc_info": (type(error), error, error.__traceback__)})
    line = formatter(form).format(record)
    assert all(word in line for word in ("it failed", "ValueError", "KeyError", "test_logs.py"))
    assert not any(piece in line.replace("raise ", "") for piece in PIECES)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_for_whoever_started_the_process_is_one_write_when_unbuffered(form: str) -> None:
    """Another process may write to the same file, between two writes as well."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # which keeps writes apart
    with ours, io.TextIOWrapper(io.FileIO(theirs.detach(), "w"), write_through=True) as stream:
        announce(form, "one line", stream=stream)
        line = ours.recv(1_000).decode()
    assert line.endswith("\n")
    assert (json.loads(line)["message"] if form == "json" else line.rstrip("\n")) == "one line"
