"""What clients send is nowhere but in their answers: not in logs, metrics or files, nor in what refusals say.

A real server gets marked texts in every field of every route, in paths, queries and headers, in what is no request at
all, and in texts at which its model fails with an error that quotes them. Each mark is used once, so that a mark that
is found says where it was sent.
"""

import contextlib
import copy
import gzip
import json
import os
import random
import re
import signal
import socket
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.service.api.route import Route
from nerve.service.api.routes import all_routes
from tests.support import ROOT, loopback
from tests.support.failing_service import ANSWERING, CRASHING, ENDING, TAGGING
from tests.support.fakes import eventually

KEY = "Keepthiskeysecret0123456789"
SETTINGS = ("--port=0", "--log-level=debug", "--max-characters=5000", "--max-texts=5")
# What the service says about itself.
ABOUT = ("/metrics", "/v1/models", "/openapi.json", "/docs", "/")
# The examples of the routes hold this text; with a mark in its place they are still answered.
TEXT = "Tim Cook, chief executive of Apple, flew from Cupertino to Paris on Monday."


class Marks:
    """Words that occur nowhere else, each with the place that it was sent in."""

    def __init__(self) -> None:
        self._letters = random.Random(12)
        self.places: dict[str, str] = {}

    def new(self, place: str) -> str:
        mark = "".join(self._letters.choices(string.ascii_lowercase, k=16)).capitalize()
        self.places[mark] = place
        return mark

    def found_in(self, content: str) -> set[str]:
        """The places of the marks that occur, whatever their case."""
        words = set(re.findall("[a-z]{16,}", content.lower()))
        return {place for mark, place in self.places.items() if any(mark.lower() in word for word in words)}


class MarkedServer:
    """A service process with folders of its own, in which all is looked at that it leaves."""

    def __init__(self, folder: Path, archive: Path, *arguments: str) -> None:
        self.marks = Marks()
        self.refusals: list[str] = []
        self.statuses: dict[str, set[int]] = {}
        self.right: dict[str, int] = {}
        self.about: dict[str, str] = {}
        self.folder = folder
        self._streams = folder / "streams"
        self._left = [folder / name for name in ("temporary", "working", "home")]
        for path in (self._streams, *self._left):
            path.mkdir()
        keys = folder / "keys"
        keys.write_text(f"newsroom {KEY}\n")
        temporary, working, home = self._left
        script = ROOT / "tests" / "support" / "failing_service.py"
        with (self._streams / "stdout").open("wb") as stdout, (self._streams / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(script), *SETTINGS, f"--model={archive}", f"--api-keys-file={keys}", *arguments],
                cwd=working,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
                | {"TMPDIR": str(temporary), "HOME": str(home), "OMP_NUM_THREADS": "1"}
                | {"NERVE_DRAIN_GRACE_SECONDS": "0"},
                stdout=stdout,
                stderr=stderr,
            )
        self.client = loopback.Client(timeout=60, headers={"x-api-key": KEY})

    def ready(self) -> None:
        eventually(lambda: "ready" in self.printed() or self.process.poll() is not None, 120)
        found = re.search(r"http://[^/\s\"]+", self.printed())
        assert found, self.printed()
        self.client.base_url = httpx.URL(found[0])

    def printed(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self._streams.iterdir()))

    def ask(self, method: str, path: str, **request: Any) -> None:
        answer = self.client.request(method, path, **request)
        self.statuses.setdefault(path.partition("?")[0], set()).add(answer.status_code)
        if answer.status_code >= 400:
            self.refusals.append(f"{answer.text} {answer.headers}")

    def send(self, *lines: str) -> None:
        """What may be no request, over a connection of its own."""
        address = (self.client.base_url.host, self.client.base_url.port or 0)
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall("\r\n".join(lines).encode("utf-8", "surrogateescape"))
            connection.shutdown(socket.SHUT_WR)
            while received := self._received(connection):
                self.refusals.append(received)

    @staticmethod
    def _received(connection: socket.socket) -> str:
        try:
            return connection.recv(100_000).decode("utf-8", "replace")
        except ConnectionResetError:
            return ""

    def left(self) -> dict[str, str]:
        """Names and contents of all files that it has made, in memory, too."""
        shared = Path("/dev/shm").glob("*nerve*")
        files = [path for folder in (*self._left, *shared) for path in (folder, *folder.rglob("*"))]
        return {str(path): path.read_bytes().decode("latin-1") if path.is_file() else "" for path in files}


@pytest.fixture(scope="module", params=[("text", "1"), ("json", "2")], ids=["text", "json, two processes"])
def marked(
    request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MarkedServer]:
    """A server to which everything has been sent."""
    form, workers = request.param
    folder = tmp_path_factory.mktemp("marked")
    server = MarkedServer(folder, archive, "--log-format", form, "--workers", workers)
    try:
        server.ready()
        send_everything(server)
        server.about = {path: server.client.get(path).raise_for_status().text for path in ABOUT}
        crash(server)
        yield server
    finally:
        server.client.close()
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)


def send_everything(server: MarkedServer) -> None:
    for route in all_routes():
        path = route.path.replace("{name}", "page.js" if route.path.startswith("/page/") else "tiny")
        for body, place in bodies(route, server.marks):
            server.ask(route.method, path, content=body, headers=marked_headers(server.marks, place))
            server.ask(route.method, path, content=body)
        server.ask(route.method, f"{path}?{server.marks.new(f'query of {path}')}=1", content=b"{}")
        named = route.path.replace("{name}", server.marks.new(f"name in {route.path}"))
        server.ask(route.method, named, json={"text": server.marks.new(f"body of {named}")})
        server.ask(server.marks.new(f"method of {path}").upper(), path)
        server.ask("DELETE", path, json={"text": server.marks.new(f"body of a DELETE of {path}")})
        compressed = server.marks.new(f"unknown coding of {path}")
        server.ask(route.method, path, content=compressed, headers={"content-encoding": compressed})
    server.ask("GET", f"/{server.marks.new('path')}/{server.marks.new('path below')}")
    send_right_requests(server)
    send_broken_requests(server)
    send_failures(server)


def send_right_requests(server: MarkedServer) -> None:
    """A request for each route that gets a text, which is answered."""

    def text(place: str) -> str:
        new = server.marks.new
        mark = new(f"text for {place}")
        return f"Angela Merkel visited {mark} in Munich. Write to {new(f'address for {place}')}@example.org."

    person = {"entity_type": "PERSON", "start": 22, "end": 38, "score": 0.5}
    replaced = {"PERSON": {"type": "replace", "new_value": server.marks.new("replacement of /anonymize")}}
    view = '<View><Labels name="a" toName="b"><Label value="PER"/></Labels><Text name="b" value="$text"/></View>'
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES"}
    phrases = {"always": {"PER": [server.marks.new("phrase of a gazetteer")]}}
    replacement = {"PER": {"type": "replace", "value": server.marks.new("replacement of /v1/redact")}}
    sent: dict[str, dict[str, Any]] = {
        "/v1/entities": {"text": text("/v1/entities"), "patterns": True, "include": ["tokens"], "gazetteer": phrases},
        "/v1/redact": {"text": text("/v1/redact"), "patterns": True, "operators": replacement},
        "/v1/stream": {"text": text("/v1/stream"), "patterns": True},
        "/": {"inputs": text("/")},
        "/models/tiny": {"inputs": [text("/models/tiny")]},
        "/analyze": {"text": text("/analyze"), "language": "en", "return_decision_process": True},
        "/anonymize": {"text": text("/anonymize"), "analyzer_results": [person], "anonymizers": replaced},
        "/v2/models/tiny/infer": {"inputs": [{**tensor, "data": [text("/v2/models/tiny/infer")]}]},
        "/setup": {"schema": view.replace('"a"', f'"{server.marks.new("name of a control")}"')},
        "/predict": {"label_config": view, "tasks": [{"data": {"text": text("/predict")}}]},
    }
    for path, content in sent.items():
        server.ask("POST", path, content=json.dumps(content) + "\n")
        server.right[path] = server.client.post(path, content=json.dumps(content) + "\n").status_code


def crash(server: MarkedServer) -> None:
    """A text at which the process dies as a fault in a library would let it; the parent, if there is one, goes on."""
    content = {"text": f"{CRASHING} {server.marks.new('text at which the process dies')}"}
    with contextlib.suppress(httpx.TransportError):
        server.client.post("/v1/entities", json=content)
    eventually(lambda: server.process.poll() is not None or "takes its place" in server.printed(), 60)


def bodies(route: Route, marks: Marks) -> Iterator[tuple[bytes, str]]:
    """What this route may get: its examples with a mark in one place each, and what is no JSON or none to it."""
    place = f"{route.method} {route.path}"
    for example in route.examples.values():
        whole = json.dumps(example)
        if TEXT in whole:  # answered, where the rest of the example suits the model
            for number in range(2):
                yield whole.replace(TEXT, f"{marks.new(f'{place}: text {number}')} was in Munich.").encode(), place
        for path in leaves(example):
            yield json.dumps(replaced(example, path, marks.new(f"{place}: {path}"))).encode(), place
        yield json.dumps({**example, marks.new(f"{place}: key"): marks.new(f"{place}: field")}).encode(), place
    text = marks.new(f"{place}: broken")
    yield from ((body, place) for body in (b"", text.encode(), text.encode("utf-16"), f'{{"text": "{text}'.encode()))
    line = json.dumps({"text": marks.new(f"{place}: line"), "texts": [marks.new(f"{place}: texts")]}).encode()
    yield line + b"\n" + line.replace(b'"texts"', b'"labels"'), place
    yield json.dumps({"text": marks.new(f"{place}: long") * 400}).encode(), place
    yield json.dumps([marks.new(f"{place}: list")]).encode(), place


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values of a JSON document that hold no others."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if children is None:
        yield path
    else:
        for key, child in children:
            yield from leaves(child, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: str) -> Any:
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return document


def marked_headers(marks: Marks, place: str) -> dict[str, str]:
    """Headers whose values are marks. A request id that is short and plain is logged, so this one is neither."""
    names = ("user-agent", "cookie", "referer", "origin", "x-text", "content-type", "accept", "x-forwarded-for")
    sent = {name: marks.new(f"{name} of {place}") for name in names}
    request_id = f"{marks.new(f'request id of {place}')} {marks.new(f'second word of it of {place}')}"
    wrong_key = marks.new(f"wrong key of {place}")
    return {**sent, "x-request-id": request_id, "x-api-key": KEY, "authorization": f"Bearer {wrong_key}"}


def send_broken_requests(server: MarkedServer) -> None:
    new = server.marks.new
    key = f"x-api-key: {KEY}"
    post, host = "POST /v1/entities HTTP/1.1", "host: nerve"
    server.send(new("no request"), "", "")
    server.send(f"{new('method').upper()} /{new('target')} HTTP/1.1", host, "", "")
    server.send(f"GET /{new('version')} HTTP/{new('the version')}", "", "")
    server.send(post, host, new("header without colon"), "", "")
    server.send(post, host, f"{new('header name')} : 1", "", "")
    server.send(post, host, key, f"content-length: {new('length')}", "", new("body behind that length"))
    server.send(post, host, key, "content-length: 999", "", new("body that ends early"))
    server.send(post, host, key, "transfer-encoding: chunked", "", new("chunk size"))
    server.send(post, host, key, f"transfer-encoding: {new('transfer coding')}", "", "")
    server.send(post, host, key, f"content-encoding: {new('content coding')}", "content-length: 2", "", "{}")
    server.send(post, host, f"x-api-key: {new('wrong key')}", "content-length: 2", "", "{}")
    server.send(post, host, f"authorization: {new('scheme')} {new('credentials')}", "content-length: 2", "", "{}")
    server.send(
        post,
        host,
        key,
        f"upgrade: {new('upgrade')}",
        "connection: upgrade",
        "content-length: 16",
        "",
        new("upgraded"),
    )
    server.send(post, host, key, "content-length: 2", "", "{}" + new("behind a request"), "", "")
    server.send(
        "OPTIONS /v1/entities HTTP/1.1", host, f"access-control-request-method: {new('asked method')}", "", ""
    )
    body = gzip.compress(json.dumps({"text": new("gzip")}).encode())
    for content in (body, body[:-9], body + b"garbage", new("no gzip").encode()):
        server.ask("POST", "/v1/entities", content=content, headers={"content-encoding": "gzip"})
    for number, path in enumerate(("/v1/stream", "/v1/entities")):
        with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 0)) as connection:
            head = f"POST {path} HTTP/1.1\r\n{host}\r\n{key}\r\ntransfer-encoding: chunked\r\n\r\n"
            line = json.dumps({"text": new(f"stream that is left {number}")}) + "\n"
            connection.sendall(f"{head}{len(line):x}\r\n{line}\r\n".encode())


def send_failures(server: MarkedServer) -> None:
    """Texts at which the model or the making of an answer fails, with errors that quote them."""
    asked: list[tuple[str, Callable[[str], Any]]] = [
        ("/v1/entities", lambda text: {"text": text}),
        ("/v1/entities", lambda text: {"texts": ["Munich", text]}),
        ("/v1/redact", lambda text: {"text": text}),
        ("/", lambda text: {"inputs": text}),
        ("/analyze", lambda text: {"text": text, "language": "en"}),
        ("/predict", lambda text: {"tasks": [{"data": {"text": text}}]}),
        ("/v1/stream", lambda text: {"text": text}),
    ]
    for failure in (TAGGING, ANSWERING, ENDING):
        for path, body in asked:
            for length in (1, 300):
                text = f"{failure} {server.marks.new(f'{failure} at {path}')} {'Munich ' * length}"
                server.ask("POST", path, content=json.dumps(body(text)) + "\n")


def test_the_server_got_everything_and_answered_some_of_it(marked: MarkedServer) -> None:
    """Or the other tests would see nothing."""
    assert len(marked.marks.places) > 1_000
    takes_texts = {route.path.replace("{name}", "tiny") for route in all_routes() if route.request is not None}
    assert marked.right == dict.fromkeys({*takes_texts, "/v1/stream"}, 200)
    assert {200, 400, 404, 405, 413, 415, 422, 500} <= {
        status for found in marked.statuses.values() for status in found
    }
    assert len(marked.refusals) > 300


def test_the_search_finds_a_mark_in_any_case_and_beside_other_letters() -> None:
    marks = Marks()
    mark = marks.new("here")
    assert marks.found_in(f"..{mark.upper()}xyz..") == {"here"}
    assert marks.found_in(f"..{mark[:-1]}..") == set()


def test_a_process_that_crashed_said_nothing_more_than_its_signal(marked: MarkedServer) -> None:
    alone = marked.process.poll()
    assert (
        alone == -signal.SIGABRT
        if alone is not None
        else "ended with -6; another takes its place" in marked.printed()
    )


def test_no_mark_and_no_key_is_printed_or_logged_at_debug(marked: MarkedServer) -> None:
    printed = marked.printed()
    assert len(printed.splitlines()) > 500
    assert "ValueError" in printed, "the model's failures are logged"
    assert marked.marks.found_in(printed) == set()
    assert KEY not in printed


def test_no_mark_and_no_key_is_in_the_answers_about_the_service(marked: MarkedServer) -> None:
    assert "nerve_http_requests_total" in marked.about["/metrics"]
    for path, content in marked.about.items():
        assert marked.marks.found_in(content) == set(), path
        assert KEY not in content, path


def test_no_mark_and_no_key_is_in_a_refusal(marked: MarkedServer) -> None:
    refusals = "\n".join(marked.refusals)
    assert marked.marks.found_in(refusals) == set()
    assert KEY not in refusals


def test_no_mark_and_no_key_is_in_a_file_or_its_name(marked: MarkedServer) -> None:
    for name, content in marked.left().items():
        assert marked.marks.found_in(name + content) == set(), name
        assert KEY not in content, name
