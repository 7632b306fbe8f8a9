"""The page in a real browser, in the words of its user."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import show
from tests.support.fakes import eventually as eventually_within

# A browser may take its time on a busy machine.
eventually = partial(eventually_within, seconds=60)


class Page:
    """The page in a browser, in the words of its user."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        show(browser, 1280, 900)
        # Nothing that another test has left: stored, typed, or complained of.
        browser.get("about:blank")
        browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "local_storage"})
        browser.get_log("browser")
        browser.get(url)
        # The models are there, or why they are not.
        assert eventually(lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#card[data-model], #problem.shown")))

    def at(self, identity: str) -> WebElement:
        return self.browser.find_element(By.ID, identity)

    def button(self, words: str) -> WebElement:
        """The button that says so, once it does: some change their words after what the test did before."""
        path = f"//button[normalize-space()='{words}']"
        eventually(lambda: bool(self.browser.find_elements(By.XPATH, path)))
        return self.browser.find_element(By.XPATH, path)

    def type(self, text: str) -> None:
        """Write over what is in the field, key by key."""
        self.at("text").send_keys(Keys.CONTROL, "a", Keys.NULL, text)

    def insert(self, text: str) -> None:
        """Write over what is in the field, at once, as an input method does: for what no key can give."""
        self.at("text").send_keys(Keys.CONTROL, "a", Keys.NULL)
        self.browser.execute_cdp_cmd("Input.insertText", {"text": text})

    def paste(self, text: str) -> None:
        """Put a long text in place of what is in the field, as pasting does: in one event, however many its lines."""
        self.browser.execute_script(
            """const field = document.getElementById("text");
            field.value = arguments[0];
            field.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste" }));""",
            text,
        )

    @property
    def text(self) -> str:
        return str(self.at("text").get_property("value"))

    @property
    def marks(self) -> list[tuple[str, str, str]]:
        """Name, label and score of each marked name; the name is what of the field's text lies under the mark."""
        return [
            tuple(mark)
            for mark in self.browser.execute_script(
                """const { value } = document.getElementById("text");
                return [...document.querySelectorAll(".mark.first")].map(({ dataset }) =>
                  [value.slice(dataset.start, dataset.end), dataset.label, dataset.score]);"""
            )
        ]

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.marks]

    @property
    def rows(self) -> list[list[str]]:
        return list(
            self.browser.execute_script(
                """return [...document.getElementById("entities").rows].map((row) =>
                  [...row.cells].filter((cell) => cell.checkVisibility()).map((cell) => cell.textContent));"""
            )
        )

    @property
    def problem(self) -> str:
        return self.at("problem").text

    @property
    def command(self) -> str:
        return str(self.at("curl").get_property("textContent"))

    @property
    def copied(self) -> str:
        """The clipboard, after its button was pressed."""
        self.browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
        return str(
            self.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0])")
        )

    @property
    def request(self) -> dict[str, Any]:
        """The body in the curl command."""
        found = re.search(r"-d '(.*)'$", self.command, re.DOTALL)
        assert found
        return dict(json.loads(found[1]))

    def toggle(self, label: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"[data-label={label}] input").click()


def becomes(read: Callable[[], Any], expected: Any) -> None:
    """Fails with both values unless `read` gives what is expected within a while."""
    eventually(lambda: bool(read() == expected))
    assert read() == expected


def rows_of(ents: list[dict[str, Any]]) -> list[list[str]]:
    """The API's entities as the page's table is to show them."""
    return [[e["text"], e["label"], f"{e['score']:.3f}", f"{e['start']}–{e['end']}"] for e in ents]
