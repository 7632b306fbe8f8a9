"""A browser before a real server around a recognizer that reads capitals."""

from collections.abc import Callable, Iterator
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
