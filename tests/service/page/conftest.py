"""A browser before a real server around a recognizer that reads capitals."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from selenium.webdriver import Chrome

from nerve.service.state import Service
from tests.support.browser import chromium, missing
from tests.support.fakes import HeldEngine
from tests.support.page import Page

Serve = Callable[..., tuple[httpx.Client, Service]]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests of the page."""
    if missing():
        pytest.skip(f"the page is not tested in a browser: that {missing()}")
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def open_page(browser: Chrome, serve: Serve) -> Callable[..., Page]:
    """Starts a server as `serve` does, and opens its page."""

    def opened(*arguments: Any, **settings: Any) -> Page:
        client, _ = serve(*arguments, **settings)
        return Page(browser, str(client.base_url))

    return opened


@pytest.fixture(scope="module")
def client(serve_all: Serve) -> httpx.Client:
    """A server with one model, for all tests that need nothing else."""
    return serve_all()[0]


@pytest.fixture
def page(browser: Chrome, client: httpx.Client) -> Page:
    return Page(browser, str(client.base_url))


@pytest.fixture
def held() -> Iterator[HeldEngine]:
    engine = HeldEngine()
    yield engine
    engine.release()


class Door(BaseHTTPRequestHandler):
    """In front of a service, under a path: lets through what brings the key, and the page itself."""

    service: httpx.Client
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.removeprefix("/nerve")
        if path == self.path:
            self._answer(404, "text/html", b"<h1>Where are you?</h1>")
        elif path.startswith("/v1") and self.headers["x-api-key"] != "open sesame":
            self._answer(401, "text/html", b"<h1>Who are you?</h1>")
        else:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            answer = self.service.request(self.command, path, content=body)
            self._answer(answer.status_code, answer.headers["content-type"], answer.content)

    def do_POST(self) -> None:
        self.do_GET()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def door(client: httpx.Client) -> Iterator[str]:
    handler = type("DoorOfThisTest", (Door,), {"service": client})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/nerve/"
        server.shutdown()
        thread.join()
