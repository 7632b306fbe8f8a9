"""The HTML of a result in a browser: readable in every theme of a notebook, and no label above another."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from nerve import Entity
from nerve.html import highlighted
from tests.support.browser import chromium, missing, show

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

TEXT = "UK, US, EU, Ed and Al"
ENTITIES = [Entity(start, start + 2, "MISC", TEXT[start : start + 2], 0.5) for start in (0, 4, 8, 12, 19)]

THEMES = [
    ("", "light"),
    ('data-jp-theme-light="true"', "light"),
    ('data-jp-theme-light="false"', "dark"),
    ('class="vscode-dark"', "dark"),
    ('theme="dark"', "dark"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def shown(browser: Chrome, folder: Path, theme: str, style: str = "") -> None:
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><body {theme} style="{style}">{highlighted(TEXT, ENTITIES)}',
        encoding="utf-8",
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize(("theme", "scheme"), THEMES)
@pytest.mark.parametrize("system", ["light", "dark"])
def test_colours_follow_the_theme_of_the_notebook_and_not_of_the_system(
    browser: Chrome, tmp_path: Path, theme: str, scheme: str, system: str
) -> None:
    show(browser, 600, 300, scheme=system)
    shown(browser, tmp_path, theme)
    lightness = browser.execute_script(
        """return [...document.querySelectorAll("mark")].flatMap((mark) => [mark, mark.firstChild].map((element) =>
             getComputedStyle(element)[element === mark ? "color" : "backgroundColor"].match(/[\\d.]+/)[0]));"""
    )
    letters, grounds = {float(one) for one in lightness[::2]}, {float(one) for one in lightness[1::2]}
    assert (letters, grounds) == (({0.21}, {0.945}) if scheme == "light" else ({0.93}, {0.34}))


def test_labels_have_room_above_the_shortest_names(browser: Chrome, tmp_path: Path) -> None:
    show(browser, 600, 300)
    shown(browser, tmp_path, "", "width: 160px")
    boxes = browser.execute_script(
        """return [...document.querySelectorAll("mark")].map((mark) => {
             const { left, right, top, bottom } = mark.getBoundingClientRect();
             return { left, right, top, bottom, wanted: mark.scrollWidth }; });"""
    )
    assert all(box["right"] - box["left"] >= box["wanted"] - 1 for box in boxes)
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            assert one["left"] >= other["right"] or other["left"] >= one["right"] or one["top"] >= other["bottom"] - 1


def test_a_selection_copies_the_text_without_labels_and_without_line_breaks_of_its_own(
    browser: Chrome, tmp_path: Path
) -> None:
    show(browser, 600, 300)
    shown(browser, tmp_path, "")
    browser.execute_script("getSelection().selectAllChildren(document.querySelector('.nerve-result'))")
    assert browser.execute_script("return getSelection().toString()") == TEXT
