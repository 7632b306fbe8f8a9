"""The application is plain ASGI: it answers every route in-process, and under a server other than uvicorn."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from nerve.service.api.route import Route
from nerve.service.api.routes import all_routes
from nerve.service.app import create_app
from nerve.service.engine.registry import ServedModel, Stamp
from nerve.service.settings import Settings
from nerve.service.state import Service
from tests.support import ROOT, loopback
from tests.support.fakes import DirectEngine, SteppedEngine, eventually, served

ROUTES = all_routes()


def unchanged_model() -> ServedModel:
    """A model whose archive has not changed since it was read, whatever is in it."""
    return replace(served(), stamp=Stamp.of(ROOT / "pyproject.toml"))


@asynccontextmanager
async def running(
    engine: Any = None, settings: Settings | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    app = create_app(settings or Settings(), [unchanged_model()], engine or DirectEngine())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nerve") as client,
    ):
        yield client, app.state.service


async def waits_for_one_token(service: Service) -> None:
    for _ in range(1_000):
        if service.batcher.waiting_tokens == 1:
            return
        await asyncio.sleep(0)
    raise AssertionError(service.batcher.waiting_tokens)


def request_of(route: Route) -> dict[str, Any]:
    """An example of a request, as the arguments of `httpx.Client.request`."""
    name = "page.js" if route.path.startswith("/page/") else "fake"
    found: dict[str, Any] = {"method": route.method, "url": route.path.replace("{name}", name)}
    for example in list(route.examples.values())[:1]:
        found["json"] = example
    for content in (route.request_content or {}).values():
        found["content"] = next(iter(content["examples"].values()))["value"]
    return found


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_answers_in_process(route: Route) -> None:
    async with running() as (client, _):
        answer = await client.request(**request_of(route))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.anyio
async def test_errors_are_answered_in_process() -> None:
    async with running() as (client, _):
        answers = [
            await client.post("/v1/entities", content=b"{"),
            await client.put("/v1/entities"),
            await client.get("/nowhere"),
            await client.post("/models/nobody", json={"inputs": "Ann"}),
        ]
    assert [answer.status_code for answer in answers] == [422, 405, 404, 404]


@pytest.mark.anyio
async def test_when_the_queue_is_full_routes_with_admission_refuse_before_they_read_the_body() -> None:
    engine = SteppedEngine()
    async with running(engine, Settings(queue_tokens=1, max_tokens=1)) as (client, service):
        first = asyncio.create_task(client.post("/v1/entities", json={"text": "Ann"}))
        await engine.batch(0)
        second = asyncio.create_task(client.post("/v1/entities", json={"text": "Ann"}))
        await waits_for_one_token(service)
        refused = {
            route.path
            for route in ROUTES
            if route.request is not None
            and (await client.post(request_of(route)["url"], content=b"nonsense")).status_code == 503
        }
        assert refused == {route.path for route in ROUTES if route.admission}
        engine.finish(0)
        await engine.batch(1)
        engine.finish(1)
        assert [(await task).status_code for task in (first, second)] == [200, 200]


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, {"extensions": None}, {"extensions": {}}], ids=str)
async def test_a_client_that_disconnects_costs_no_compute_without_the_extension(extensions: dict[str, Any]) -> None:
    engine = SteppedEngine()
    app = create_app(Settings(), [served()], engine)
    left = asyncio.Event()
    messages = [{"type": "http.request", "body": b'{"text": "Bob"}', "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/entities",
        "headers": [],
        "query_string": b"",
        **extensions,
    }
    async with app.router.lifespan_context(app):
        batcher = app.state.service.batcher
        first = asyncio.create_task(app(dict(scope), receive, send))
        await engine.batch(0)
        messages.append({"type": "http.request", "body": b'{"text": "Ann"}', "more_body": False})
        second = asyncio.create_task(app(dict(scope), receive, send))
        await waits_for_one_token(app.state.service)
        left.set()
        await asyncio.gather(first, second)
        assert batcher.waiting_tokens == 0
        engine.finish(0)
    assert [message["status"] for message in sent if "status" in message] == [499, 499]
    assert len(engine.batches) == 1


# -- granian -------------------------------------------------------------------------------------------------------

APPLICATION = """
from nerve.service.app import create_app
from nerve.service.settings import Settings
from tests.service.test_asgi import unchanged_model
from tests.support.fakes import DirectEngine

app = create_app(Settings(), [unchanged_model()], DirectEngine())
"""


@pytest.fixture(scope="module")
def granian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A process of granian that serves the application, as a client of it."""
    folder = tmp_path_factory.mktemp("granian")
    (folder / "application.py").write_text(APPLICATION, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "application:app"]
    path = os.pathsep.join([str(folder), str(ROOT)])
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with loopback.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert eventually(lambda: ready(client), 60), (folder / "log").read_text()
            yield client
    finally:
        process.terminate()
        process.wait(30)


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_answers_under_another_server(granian: httpx.Client, route: Route) -> None:
    answer = granian.request(**request_of(route))
    assert answer.status_code == 200, answer.text


def test_a_stream_is_answered_line_by_line_under_another_server(granian: httpx.Client) -> None:
    lines = granian.post("/v1/stream", content=b'{"text": "see Ann"}\n{"text": 1}\n').text.splitlines()
    assert ['"ents":[{' in lines[0], '"line":2' in lines[1], len(lines)] == [True, True, 2]


def test_an_unknown_path_is_404_under_another_server(granian: httpx.Client) -> None:
    assert granian.post("/nowhere", json={}).status_code == 404
