"""The page's files, as the service serves them."""

import re
from pathlib import Path

import httpx
import pytest

from tests.support.documents import ROOT

FOLDER = ROOT / "service" / "page"
FILES = sorted(path for path in FOLDER.iterdir())
INDEX = FOLDER / "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def name_of(path: Path) -> str:
    return path.name


def url_of(path: Path) -> str:
    return "/" if path == INDEX else f"/page/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_file_is_served_with_its_type(client: httpx.Client, path: Path) -> None:
    answer = client.get(url_of(path))
    assert (answer.status_code, answer.content) == (200, path.read_bytes())
    assert answer.headers["content-type"] == TYPES[path.suffix]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_file_has_the_strict_policy(client: httpx.Client, path: Path) -> None:
    policy = dict(
        part.split(" ", 1) for part in client.get(url_of(path)).headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[kind] for kind in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert {policy[kind] for kind in ("base-uri", "form-action", "frame-ancestors", "trusted-types")} == {"'none'"}
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_that_the_browser_has_is_not_sent_again(client: httpx.Client, path: Path) -> None:
    first = client.get(url_of(path))
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        again = client.get(url_of(path), headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(url_of(path), headers={"if-none-match": '"other"'}).status_code == 200


def test_no_two_files_have_one_tag(client: httpx.Client) -> None:
    assert len({client.get(url_of(path)).headers["etag"] for path in FILES}) == len(FILES)


def test_head_is_answered_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/", headers={"accept-encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == INDEX.stat().st_size


@pytest.mark.parametrize("url", ["/page/nothing.js", "/page/", "/page/..%2fapp.py", "/page/index.html"])
def test_nothing_else_is_served(client: httpx.Client, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_page_is_no_part_of_the_described_api(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/page")]
    assert paths["/"].keys() == {"post"}  # another contract's


def test_the_files_are_one_route_of_the_metrics(client: httpx.Client) -> None:
    for url in ("/page/page.css", "/page/nothing.js"):
        client.get(url)
    routes = set(re.findall(r'route="([^"]*)"', client.get("/metrics").text))
    assert {route for route in routes if "page" in route} == {"/page/{name}"}


def test_the_index_holds_neither_script_nor_style() -> None:
    index = INDEX.read_text(encoding="utf-8")
    assert re.findall(r"<script[^>]*>([^<]+)</script>|<style|\sstyle=|\son\w+=", index) == []


def test_the_page_asks_for_its_own_files_and_links_only() -> None:
    named = set()
    for path in FILES:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//\w+\.|@import", text), path.name
        named |= set(re.findall(r'(?:src|href)="([^"]+)"', text))
        named |= {"page/" + module for module in re.findall(r'from "\./([^"]+)"', text)}
    own_of_docs = {"page/docs.css", "page/docs.js"}
    assert named | own_of_docs == {"docs", *(f"page/{path.name}" for path in FILES if path != INDEX)}


def test_every_file_has_a_type_that_is_known() -> None:
    assert {path.suffix for path in FILES} == TYPES.keys()
