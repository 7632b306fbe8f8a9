"""The documentation site: every document is in it, its links hold, and it loads nothing from elsewhere."""

import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.site import CONFIGURATION, build, check, sources
from tests.support.browser import chromium, missing
from tests.support.documents import DOCUMENTS, ROOT

PAGE = "<html><body><h1 id='top'>Title</h1>{}</body></html>"


def pages_of(navigation: Any) -> Iterator[str]:
    """The files that a navigation names, however deep."""
    if isinstance(navigation, str):
        yield navigation
    else:
        for entry in navigation.values() if isinstance(navigation, dict) else navigation:
            yield from pages_of(entry)


def test_the_navigation_has_every_page_once() -> None:
    project = tomllib.loads((ROOT / CONFIGURATION).read_text(encoding="utf-8"))["project"]
    pages = {path for path in sources() if path.suffix == ".md"}
    assert sorted(pages_of(project["nav"])) == sorted(str(page.relative_to(ROOT)) for page in pages)
    assert set(DOCUMENTS) <= pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert build(folder) == []
    return folder / "site"


def test_the_readme_is_the_first_page(site: Path) -> None:
    assert "finds names in text" in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<a href='other.html'>a</a>", "index.html links to other.html, which is not there"),
        ("<img src='picture.png'>", "index.html links to picture.png, which is not there"),
        ("<a href='#bottom'>a</a>", "index.html links to #bottom, which has no such anchor"),
        ("<script src='https://example.org/a.js'></script>", "index.html loads https://example.org/a.js"),
        ("<link rel='stylesheet' href='//example.org/a.css'>", "index.html loads //example.org/a.css"),
    ],
)
def test_a_broken_link_and_a_foreign_file_are_problems(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(PAGE.format(content), encoding="utf-8")
    assert list(check(tmp_path)) == [problem]


@pytest.mark.parametrize(
    "rule", ["@import 'https://example.org/a.css';", "a { background: url(https://example.org/a.png) }"]
)
def test_a_foreign_file_in_a_stylesheet_is_a_problem(tmp_path: Path, rule: str) -> None:
    (tmp_path / "a.css").write_text(rule, encoding="utf-8")
    assert [problem.partition(" loads ")[0] for problem in check(tmp_path)] == ["a.css"]


def test_links_that_lead_somewhere_are_no_problem(tmp_path: Path) -> None:
    content = (
        "<a href='#top'>a</a> <a href='.'>a</a> <a href='/index.html#top'>a</a> <a href='https://example.org'>a</a>"
    )
    (tmp_path / "index.html").write_text(PAGE.format(content), encoding="utf-8")
    assert list(check(tmp_path)) == []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(bool(missing()), reason=missing() or "")
def test_a_browser_loads_the_pages_from_their_own_host_alone(address: str, tmp_path: Path) -> None:
    with chromium(tmp_path) as browser:
        for page in ("index.html", "docs/http-api.html"):
            browser.get(f"{address}/{page}")
            script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
            loaded = browser.execute_script(script)
            assert loaded
            assert [url for url in loaded if not url.startswith(f"{address}/")] == []
