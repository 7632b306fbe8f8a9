"""The declarations of the routes, and what is derived from them."""

from typing import Any

import pytest
from pydantic import BaseModel
from starlette.responses import Response

from nerve.service.api.route import Route
from nerve.service.api.routes import API, all_routes
from nerve.service.errors import STATUSES

IDS = [f"{route.method} {route.path}" for route in API]


class Body(BaseModel):
    text: str


async def endpoint(*_: Any) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("properties", "statuses"),
    [
        ({"needs_key": False}, []),
        ({}, [401]),
        ({"needs_key": False, "statuses": (503,)}, [503]),
        ({"needs_key": False, "by_model": True}, [404]),
        ({"needs_key": False, "request": Body}, [400, 413, 415, 422, 500, 503, 504]),
        ({"needs_key": False, "request": Body, "invalid": 400}, [400, 413, 415, 500, 503, 504]),
        ({"needs_key": False, "streams": True}, [400, 415, 500, 503]),
        ({"request": Body}, [400, 401, 413, 415, 422, 500, 503, 504]),
    ],
)
def test_the_statuses_of_errors_follow_from_the_properties(properties: dict[str, Any], statuses: list[int]) -> None:
    assert Route("POST", "/", endpoint=endpoint, **properties).error_statuses == statuses


@pytest.mark.parametrize("route", API, ids=IDS)
def test_every_status_has_a_code_and_a_sentence(route: Route) -> None:
    assert set(route.error_statuses) <= STATUSES.keys()


@pytest.mark.parametrize("route", API, ids=IDS)
def test_a_route_that_takes_a_body_asks_for_admission(route: Route) -> None:
    # The anonymizer has no model: of what the queue guards it needs nothing, and the memory has its own bound.
    assert route.admission == (route.request is not None and route.path != "/anonymize")


def test_no_two_routes_have_the_same_method_and_path_or_name() -> None:
    routes = all_routes()
    assert len({(route.method, route.path) for route in routes}) == len(routes)
    assert len({route.name for route in routes}) == len(routes)
