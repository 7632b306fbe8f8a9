"""/docs in a browser, below a path of a proxy: its contents, and the forms that try a route."""

import json
from functools import partial

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from nerve.service.api.routes import API
from tests.support.axe import violations
from tests.support.browser import show
from tests.support.fakes import eventually as eventually_within

eventually = partial(eventually_within, seconds=60)


@pytest.fixture
def docs(browser: Chrome, door: str) -> Chrome:
    """The page behind a proxy that wants a key for `/v1`, when its forms can be used."""
    show(browser, 1280, 900)
    browser.get(f"{door}docs")
    assert eventually(lambda: browser.find_element(By.ID, "key").is_displayed())
    return browser


def sent(docs: Chrome, operation: str, path: str = "") -> tuple[str, str]:
    """Send the form of an operation, with a name in its path if it has one; the status and the body of the answer."""
    form = docs.find_element(By.CSS_SELECTOR, f"#{operation} form")
    if path:
        form.find_element(By.NAME, "name").send_keys(path)
    output = form.find_element(By.TAG_NAME, "output")
    docs.execute_script("arguments[0].scrollIntoView()", form)
    form.find_element(By.TAG_NAME, "button").click()
    assert eventually(lambda: output.text not in ("", "…"))
    status, _, body = output.text.partition("\n")
    return status, body


def links(docs: Chrome) -> list[WebElement]:
    return docs.find_elements(By.CSS_SELECTOR, "nav a")


def test_the_contents_lead_to_every_route(docs: Chrome) -> None:
    names = [str(link.get_attribute("hash")).removeprefix("#") for link in links(docs)]
    targets = [docs.find_element(By.ID, name) for name in names]
    assert [target.find_element(By.TAG_NAME, "h2").text for target in targets] == [link.text for link in links(docs)]
    assert sorted(link.text for link in links(docs)) == sorted(f"{route.method} {route.path}" for route in API)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(docs: Chrome, scheme: str) -> None:
    show(docs, 1280, 900, scheme=scheme)
    assert violations(docs) == []


def test_a_form_sends_its_example_with_the_key_and_shows_the_answer(docs: Chrome) -> None:
    assert sent(docs, "find_entities")[0] == "401 Unauthorized"
    docs.find_element(By.ID, "key").send_keys("open sesame")
    status, body = sent(docs, "find_entities")
    assert status == "200 OK"
    assert json.loads(body)["ents"][0]["label"] == "PER"


def test_a_form_puts_parameters_into_the_path(docs: Chrome) -> None:
    status, body = sent(docs, "infer_model", "fake")
    assert (status, json.loads(body)["name"]) == ("200 OK", "fake")


def test_the_commands_have_the_address_of_the_service(docs: Chrome, door: str) -> None:
    command = docs.find_element(By.CSS_SELECTOR, "#find_entities pre.curl").text
    assert command.startswith(f"curl {door}v1/entities -H ")
