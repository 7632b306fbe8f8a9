"""The short way to an endpoint is the same way."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from nerve.service.api.shortcut import Shortcut
from nerve.service.app import create_app
from nerve.service.settings import Settings
from tests.support.fakes import DirectEngine, served


@pytest.fixture(scope="module")
def shortcut() -> Shortcut:
    app = create_app(Settings(), [served()], DirectEngine())
    (arguments,) = [one.kwargs for one in app.user_middleware if one.cls is Shortcut]
    return Shortcut(app, **arguments)


def test_the_routes_that_take_texts_by_a_plain_path_have_it(shortcut: Shortcut) -> None:
    assert {path for _, path in shortcut.routes} >= {"/", "/v1/entities", "/v1/redact", "/analyze"}


def test_no_route_with_parameters_has_it(shortcut: Shortcut) -> None:
    assert [path for _, path in shortcut.routes if "{" in path] == []


class LongWay:
    """In the shortcut's place."""

    def __init__(self, app: ASGIApp, **_: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/entities", b'{"text": "see Ann"}'),
        ("POST", "/v1/entities", b'{"text": 1}'),
        ("POST", "/v1/entities", b'{"text": "a", "model": "none"}'),
        ("GET", "/v1/entities", b""),
        ("POST", "/", b'{"inputs": "see Ann"}'),
        ("POST", "/", b'{"inputs": 1}'),
        ("GET", "/", b""),
        ("POST", "/analyze", b'{"text": "see Ann", "language": "en"}'),
        ("POST", "/analyze", b'{"text": "see Ann", "language": "xx"}'),
    ],
)
def test_it_answers_as_the_long_way(
    method: str, path: str, body: bytes, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> tuple[int, bytes, dict[str, str]]:
        client: httpx.Client = serve()[0]
        answer = client.request(method, path, content=body, headers={"X-Request-ID": "one"})
        return answer.status_code, answer.content, {**answer.headers, "date": ""}

    short = asked()
    monkeypatch.setattr("nerve.service.app.Shortcut", LongWay)
    assert asked() == short
