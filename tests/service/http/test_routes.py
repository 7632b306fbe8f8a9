"""How a request's method and path find the properties of its route."""

import pytest

from nerve.service.http.routes import RouteProperties, RouteTable

PAGE = RouteProperties("GET", "/", needs_key=False)
PLAIN = RouteProperties("POST", "/", plain_errors=True, admission=True)
MODEL = RouteProperties("GET", "/v2/models/{name}", plain_errors=True)
READY = RouteProperties("GET", "/v2/models/{name}/ready", quiet=True)
RELOAD = RouteProperties("POST", "/v1/models/{name}:reload")
TABLE = RouteTable([PAGE, PLAIN, MODEL, READY, RELOAD], plain_below="/v2/")


def found(method: str, path: str) -> RouteProperties:
    return TABLE.of({"type": "http", "method": method, "path": path})


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/", PAGE),
        ("HEAD", "/", PAGE),
        ("POST", "/", PLAIN),
        ("GET", "/v2/models/en", MODEL),
        ("GET", "/v2/models/en/ready", READY),
        ("POST", "/v1/models/a:b:reload", RELOAD),
    ],
)
def test_a_request_has_the_properties_of_its_route(method: str, path: str, route: RouteProperties) -> None:
    assert found(method, path) is route


def test_a_method_that_a_path_does_not_have_needs_neither_key_nor_admission() -> None:
    assert (found("PUT", "/").path, found("PUT", "/").needs_key, found("PUT", "/").admission) == ("/", False, False)
    assert found("DELETE", "/v2/models/en").plain_errors


@pytest.mark.parametrize("path", ["/nowhere", "/v2", "/models/en", "//", "", "/v2/models/en/"])
def test_an_unknown_path_is_called_other_and_needs_no_key(path: str) -> None:
    route = found("GET", path)
    assert (route.path, route.needs_key, route.quiet) == ("other", False, False)
    assert route.plain_errors == path.startswith("/v2/")


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/", ["GET", "HEAD", "OPTIONS", "POST"]), ("/v2/models/en", ["GET", "HEAD", "OPTIONS"]), ("/nowhere", [])],
)
def test_a_path_has_the_methods_of_its_routes(path: str, methods: list[str]) -> None:
    assert TABLE.methods(path) == methods
