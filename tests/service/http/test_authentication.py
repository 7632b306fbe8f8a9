"""API keys over a real socket: who is let in, what is open, and what the file of the keys may hold."""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from nerve.service.api.routes import all_routes
from nerve.service.http import keys as keys_module
from nerve.service.http.keys import read_keys
from nerve.service.settings import StartError
from tests.support import loopback
from tests.support.documents import ROOT, blocks

Serve = Callable[..., Any]
Run = Callable[..., Any]
URL = "/v1/entities"
BODY = {"text": "Ann"}

FIRST, SECOND, NAMELESS = "first-key-0123456789", "second-key-0123456789", "nameless-key-0123456789"
FILE = f"""
# keys of the tests
newsroom {FIRST}
newsroom\t{SECOND}

  # indented
{NAMELESS}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def client(serve_all: Serve, tmp_path_factory: pytest.TempPathFactory) -> httpx.Client:
    """A server with these keys, shared by the tests that only ask it."""
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text(FILE, encoding="utf-8")
    client: httpx.Client = serve_all(api_keys_file=str(path))[0]
    return client


@pytest.mark.parametrize("key", [FIRST, SECOND, NAMELESS])
@pytest.mark.parametrize("header", ["X-API-Key: {}", "Authorization: Bearer {}", "authorization: bearer   {}"])
def test_each_key_of_the_file_lets_in_by_either_header(client: httpx.Client, header: str, key: str) -> None:
    name, value = header.format(key).split(": ")
    assert client.post(URL, json=BODY, headers={name: value}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="nerve"'),
        ({"authorization": f"Basic {FIRST}"}, 'Bearer realm="nerve"'),
        ({"authorization": FIRST}, 'Bearer realm="nerve"'),
        ({"cookie": FIRST}, 'Bearer realm="nerve"'),
        ({"x-api-key": ""}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": "SECRET"}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": FIRST[:-1]}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": FIRST + "0"}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": FIRST.upper()}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": "newsroom"}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": f"newsroom {FIRST}"}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"x-api-key": "ü" * 20}, 'Bearer realm="nerve", error="invalid_token"'),
        ({"authorization": f"Bearer {FIRST} {SECOND}"}, 'Bearer realm="nerve", error="invalid_token"'),
    ],
)
def test_nothing_else_does_and_the_answer_says_how_it_is_done(
    client: httpx.Client, headers: dict[str, str], challenge: str
) -> None:
    encoded = {name: value.encode() for name, value in headers.items()}
    answer = client.post(URL, json=BODY, headers=encoded)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert answer.json()["error"]["code"] == "unauthorized"
    assert not any(secret in answer.text for secret in ("SECRET", FIRST, FIRST[:-1]))


def test_one_good_key_of_two_headers_is_enough(client: httpx.Client) -> None:
    headers = {"x-api-key": FIRST, "authorization": "Bearer something-else"}
    assert client.post(URL, json=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page/page.js",
        "/docs",
        "/openapi.json",
        "/health/live",
        "/health/ready",
        "/health",
        "/v2/health/live",
        "/v2/health/ready",
    ],
)
def test_pages_and_probes_are_open(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", URL),
        ("GET", "/v1/models"),
        ("GET", "/metrics"),
        ("POST", "/"),
        ("POST", "/v1/redact"),
        ("POST", "/v1/stream"),
        ("POST", "/models/fake"),
        ("POST", "/analyze"),
        ("GET", "/supportedentities"),
        ("GET", "/recognizers"),
        ("POST", "/anonymize"),
        ("GET", "/anonymizers"),
        ("GET", "/v2"),
        ("GET", "/v2/models/fake"),
        ("GET", "/v2/models/fake/ready"),
        ("POST", "/v2/models/fake/infer"),
        ("HEAD", "/v1/models"),
    ],
)
def test_every_other_route_is_not(client: httpx.Client, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/v1/entity", 404),
        ("GET", "/v2/nowhere", 404),
        ("GET", "/page", 404),
        ("GET", "/docs/", 404),
        ("GET", "/health/ready/", 404),
        ("GET", URL, 405),
        ("PUT", "/analyze", 405),
        ("POST", "/page/page.js", 405),
        ("POST", "/health", 405),
        ("OPTIONS", URL, 204),
        ("OPTIONS", "/docs", 204),
    ],
)
@pytest.mark.parametrize("key", [None, "unknown-key-0123456789"])
def test_what_no_route_answers_is_so_with_and_without_a_key(
    client: httpx.Client, method: str, path: str, status: int, key: str | None
) -> None:
    assert client.request(method, path, headers={"x-api-key": key} if key else {}).status_code == status


def test_a_model_that_is_not_served_is_no_such_path_only_for_those_with_a_key(client: httpx.Client) -> None:
    assert client.get("/v2/models/nobody").status_code == 401
    assert client.get("/v2/models/nobody", headers={"x-api-key": FIRST}).status_code == 404


@pytest.mark.parametrize("path", [route.path for route in all_routes() if route.method == "GET"])
def test_head_and_options_are_answered_where_get_is(client: httpx.Client, path: str) -> None:
    path = path.replace("/page/{name}", "/page/page.js").replace("{name}", "fake")
    headers = {"x-api-key": FIRST}
    got, head, options = (client.request(method, path, headers=headers) for method in ("GET", "HEAD", "OPTIONS"))
    assert (got.status_code, head.status_code, options.status_code) == (200, 200, 204)
    assert (head.content, head.headers["content-type"]) == (b"", got.headers["content-type"])
    assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["allow"].split(", "))


def test_nothing_that_is_documented_is_open_but_what_is_listed(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    answered = {
        (method, path)
        for path, operations in paths.items()
        for method in operations
        if client.request(method, path.replace("{name}", "fake")).status_code != 401
    }
    assert answered == {
        ("get", path) for path in ("/health/live", "/health/ready", "/health", "/v2/health/live", "/v2/health/ready")
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/models/fake"),
        ("POST", "/analyze"),
        ("GET", "/recognizers"),
        ("POST", "/anonymize"),
        ("GET", "/v2"),
        ("POST", "/v2/models/fake/infer"),
    ],
)
def test_the_refusal_has_the_shape_of_its_contract(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    message = "an API key is needed, as the header X-API-Key or as Authorization: Bearer"
    assert (answer.status_code, answer.json()) == (401, {"error": message})
    assert answer.headers["www-authenticate"] == 'Bearer realm="nerve"'


def test_a_stranger_learns_nothing_of_the_limits(serve: Serve, file: Path) -> None:
    client, _ = serve(api_keys_file=str(file), max_body_bytes=10, max_characters=10)
    assert client.post(URL, json={"text": "a" * 99}).status_code == 401


def test_without_a_file_nobody_is_asked(serve: Serve) -> None:
    client, _ = serve()
    assert client.post(URL, json=BODY).status_code == 200
    assert client.post(URL, json=BODY, headers={"x-api-key": "anything"}).status_code == 200


def test_a_key_is_compared_with_every_known_one_whichever_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = read_keys(str(file))
    compared: list[bytes] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return hmac.compare_digest(left, right)

    class Recorder:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(keys_module, "hmac", Recorder)
    for key in (FIRST, NAMELESS, "unknown"):
        compared.clear()
        known.name(key.encode())
        assert len(set(compared)) == len(compared) == 3


def test_only_digests_are_kept(file: Path) -> None:
    assert FIRST not in repr(vars(read_keys(str(file))))


def test_a_key_has_the_name_beside_it_or_that_of_its_line(file: Path) -> None:
    known = read_keys(str(file))
    assert [known.name(key.encode()) for key in (FIRST, SECOND, NAMELESS, "x" * 20)] == [
        "newsroom",
        "newsroom",
        "line-7",
        None,
    ]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("", "there is no API key in "),
        ("# only a comment\n", "there is no API key in "),
        ("short", ":1: the key is shorter than 16 characters"),
        (f"\na b {FIRST}", ":2: there is more than a name and a key"),
        (f"na/me {FIRST}", ":1: the name may have"),
        (f"{'n' * 65} {FIRST}", ":1: the name may have"),
        ("schlüssel-0123456789", ":1: the key may have visible ASCII"),
        (f"a {FIRST}\nb {FIRST}", ":2: the key is in the file twice"),
    ],
)
def test_a_file_that_is_none_is_refused_without_its_keys(tmp_path: Path, content: str, fact: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StartError, match=fact) as refusal:
        read_keys(str(path))
    assert "\n" not in str(refusal.value)
    assert not any(word in str(refusal.value) for word in (FIRST, "short\n", "schlüssel"))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartError, match="cannot be read"):
        read_keys(str(path))


def test_the_documented_file_is_one(tmp_path: Path) -> None:
    (block,) = [block for block in blocks(ROOT / "docs" / "operations.md") if "# made by: openssl" in block.content]
    path = tmp_path / "keys"
    path.write_text(block.content, encoding="utf-8")
    key = block.content.split()[-1]
    assert read_keys(str(path)).name(key.encode()) == "prometheus"


def test_the_log_says_who_asked_and_never_a_key(run_service: Run, archive: Path, file: Path) -> None:
    service = run_service(
        "--port", "0", "--model", str(archive), "--log-format", "json", "--log-level", "debug",
        NERVE_API_KEYS_FILE=str(file),
    )  # fmt: skip
    _, url = service.ready()
    with loopback.Client(base_url=url) as client:
        client.post(URL, json=BODY, headers={"x-api-key": FIRST})
        client.post(URL, json=BODY, headers={"authorization": f"Bearer {NAMELESS}"})
        client.post(URL, json=BODY, headers={"x-api-key": "wrong-key-0123456789"})
        client.get(f"/v1/models?key={SECOND}")
    service.terminate()
    _, out, err = service.ended()
    lines = [json.loads(line) for line in err.splitlines() if "nerve.access" in line and "/v1/" in line]
    assert [(line["status"], line.get("client"), line.get("reason")) for line in lines] == [
        (200, "newsroom", None),
        (200, "line-7", None),
        (401, None, "unauthorized"),
        (401, None, "unauthorized"),
    ]
    assert not any(key in out + err for key in (FIRST, SECOND, NAMELESS, "wrong-key"))


def test_a_service_whose_keys_cannot_be_read_does_not_start(run_service: Run, archive: Path, tmp_path: Path) -> None:
    service = run_service("--port", "0", "--model", str(archive), "--api-keys-file", str(tmp_path / "nowhere"))
    status, out, err = service.ended()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "nowhere" in err


# -- pages of other origins ----------------------------------------------------------------------------------------

ORIGIN = "https://example.org"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type, x-api-key, authorization, x-request-id",
}


def test_by_default_no_other_origin_is_let_in(serve: Serve) -> None:
    client, _ = serve()
    answer = client.post(URL, json=BODY, headers={"origin": ORIGIN})
    preflight = client.options(URL, headers=PREFLIGHT)
    assert preflight.status_code == 204
    assert not any(name.startswith("access-control") for name in (*answer.headers, *preflight.headers))


def test_a_named_origin_is_let_in_and_no_other(serve: Serve) -> None:
    client, _ = serve(cors_origins=f"{ORIGIN}, https://intranet.example.org:8443")
    preflight = client.options(URL, headers=PREFLIGHT)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert client.post(URL, json=BODY, headers={"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
    other = {**PREFLIGHT, "origin": "https://example.com"}
    assert "access-control-allow-origin" not in client.options(URL, headers=other).headers
    assert "access-control-allow-origin" not in client.post(URL, json=BODY, headers=other).headers


def test_a_star_lets_every_origin_in_without_cookies(serve: Serve) -> None:
    client, _ = serve(cors_origins="*")
    answer = client.post(URL, json=BODY, headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_can_ask_first_without_a_key_and_can_read_the_refusal(serve: Serve, file: Path) -> None:
    client, _ = serve(cors_origins=ORIGIN, api_keys_file=str(file))
    assert client.options(URL, headers=PREFLIGHT).status_code == 200
    refused = client.post(URL, json=BODY, headers={"origin": ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)
    asked = client.post(URL, json=BODY, headers={"origin": ORIGIN, "x-api-key": FIRST})
    assert asked.status_code == 200
