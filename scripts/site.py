"""The documentation site, which `make docs` builds in site/.

    .venv/bin/python -m scripts.site

Its pages are the README and every Markdown file that can be reached from it by links; other files that these link to
are copied as they are. So the documents keep the relative links that work on a code host. After the build, every link
and anchor of the HTML must lead somewhere, and no page may load anything from another host.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from tests.support import ROOT
from tests.support.documents import links

CONFIGURATION = "zensical.toml"
FOREIGN = re.compile(r"(?:[a-z]+:)?//")
# Attributes that make a browser load something, in whatever element; `href` does so in `link` alone.
LOADING = ("src", "srcset", "poster", "data")


def main() -> int:
    """Build the site in site/. Returns 1 if it has problems, and prints them."""
    target = ROOT / "site"
    with tempfile.TemporaryDirectory() as folder:
        problems = build(Path(folder))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(folder, "site"), target)
    for problem in problems:
        print(f"scripts.site: {problem}", file=sys.stderr)
    print(target / "index.html")
    return 1 if problems else 0


def build(folder: Path) -> list[str]:
    """Build the site in `folder`/site.

    Returns:
        What is wrong with it, a line for each problem.

    Raises:
        subprocess.CalledProcessError: the generator refuses the documents or the configuration.
    """
    shutil.copy(ROOT / CONFIGURATION, folder)
    for path in sources():
        copy = folder / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return list(check(folder / "site"))


def sources() -> set[Path]:
    """The README, every document that it leads to, and every file that one of them links to."""
    found, left = set(), [ROOT / "README.md"]
    while left:
        path = left.pop()
        if path not in found and path.is_file():
            found.add(path)
            if path.suffix == ".md":
                # Without resolving symbolic links: a copy lies where the document's link points.
                left += [Path(os.path.normpath(path.parent / link.partition("#")[0])) for link in links(path)]
    return found


def check(site: Path) -> Iterator[str]:
    """The broken links and anchors of a built site, and what it would load from another host."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name} loads {url}" for url in page.loaded if FOREIGN.match(url))
        for url in page.linked | page.loaded:
            if not FOREIGN.match(url) and not re.match(r"(data|mailto|javascript):", url):
                place, anchor = urldefrag(url)
                target = destination(site, path, unquote(place))
                if not target.is_file():
                    yield f"{name} links to {url}, which is not there"
                elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                    yield f"{name} links to {url}, which has no such anchor"
    for path in sorted(site.rglob("*.css")):
        loaded = re.findall(r"(?:url\(|@import )['\"]?([^'\")]+)", path.read_text(encoding="utf-8"))
        yield from (f"{path.relative_to(site)} loads {url}" for url in loaded if FOREIGN.match(url))


def destination(site: Path, page: Path, place: str) -> Path:
    """The file that a link of a page leads to, as a web server whose root is `site` would answer it."""
    if not place:
        return page
    path = (site / place.lstrip("/") if place.startswith("/") else page.parent / place).resolve()
    return path / "index.html" if path.is_dir() else path


class Page(HTMLParser):
    """What one HTML file links to, what it loads, and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.linked: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes of one tag; the parser calls this."""
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.anchors.add(value)
            elif value and (name in LOADING or (tag == "link" and name == "href")):
                self.loaded.add(value)
            elif value and tag == "a" and name == "href":
                self.linked.add(value)


if __name__ == "__main__":
    sys.exit(main())
