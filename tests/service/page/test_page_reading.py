"""How the page shows what models read: two of them, a language that none knows, a link to it, and for everybody."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from nerve.model.annotation import Entity
from tests.support.axe import violations
from tests.support.browser import show
from tests.support.fakes import CapitalisedWords, served
from tests.support.page import Page, becomes, eventually

OpenPage = Callable[..., Page]
TEXT = "then Anna flew to PARIS"


class PeopleOnly(CapitalisedWords):
    """Finds no places, and people less surely."""

    def entities(self, *arguments: Any) -> list[Entity]:
        return [replace(found, score=0.5) for found in super().entities(*arguments) if found.label == "PER"]


def choose(page: Page, select: str, value: str) -> None:
    page.browser.find_element(By.CSS_SELECTOR, f"#{select} option[value='{value}']").click()


def marked(page: Page, sheet: str, kind: str = "") -> list[str]:
    """The glosses of the marks on a sheet, all or those of a kind."""
    marks = page.browser.find_elements(By.CSS_SELECTOR, f"#{sheet} .mark{kind}")
    return [f"{mark.get_attribute('data-label')} {mark.get_attribute('data-score')}" for mark in marks]


# -- two models ------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(open_page: OpenPage) -> Page:
    """The page of a service with two models that find not quite the same, side by side."""
    page = open_page(models=[served("all"), served("people", recognizer=PeopleOnly())])
    choose(page, "beside", "people")
    page.type(TEXT)
    becomes(lambda: marked(page, "other-sheet"), ["PER 0.50"])
    return page


def test_two_models_are_shown_side_by_side(two: Page) -> None:
    assert marked(two, "sheet") == ["PER 0.90", "LOC 0.40"]
    assert [two.at("reader").text, two.at("other-reader").text] == ["all", "people"]
    assert two.at("other-sheet").text == TEXT
    assert two.at("summary").text == "1 name found by both, 1 by all alone, 0 by people alone"


def test_what_only_one_model_finds_stands_out(two: Page) -> None:
    assert marked(two, "sheet", ".differs") == ["LOC 0.40"]
    assert marked(two, "other-sheet", ".differs") == []


def test_the_table_says_which_model_found_a_name(two: Page) -> None:
    becomes(lambda: [[row[0], row[4]] for row in two.rows], [["Anna", "both"], ["PARIS", "all"]])


def test_the_second_model_can_be_put_away(two: Page) -> None:
    choose(two, "beside", "")
    becomes(lambda: two.at("summary").text, "2 names: 1 LOC, 1 PER")
    assert not two.at("other-sheet").is_displayed()
    assert [len(row) for row in two.rows] == [4, 4]


# -- a language ------------------------------------------------------------------------------------------------------

KOREAN = "이재용 회장은 서울에서 기자들을 만났다."
CHINESE = "十一月三日，林晓雯从成都飞抵日内瓦。"


def test_a_language_that_no_model_knows_is_said(browser: Chrome, service_url: str) -> None:
    page = Page(browser, service_url)
    page.insert(KOREAN)
    becomes(lambda: page.at("language").text, "This text seems to be in Korean, which no model here knows.")


def test_of_a_language_that_another_model_knows_the_page_names_the_model(browser: Chrome, service_url: str) -> None:
    page = Page(browser, service_url)
    choose(page, "model", "en")
    page.insert(CHINESE)
    told = "This text seems to be in Chinese, which en does not know. Choose zh."
    becomes(lambda: page.at("language").text, told)
    choose(page, "model", "zh")
    becomes(lambda: page.at("language").text, "")


# -- a link ----------------------------------------------------------------------------------------------------------


def fields(page: Page) -> dict[str, Any]:
    """What a link brings back."""
    values: dict[str, Any] = page.browser.execute_script(
        """const value = (id) => document.getElementById(id).value;
        const off = document.querySelectorAll("#labels label:has(input:not(:checked))");
        return { model: value("model"), other: value("beside"), min_score: value("threshold"), unit: value("unit"),
                 off: [...off].map((toggle) => toggle.dataset.label) };"""
    )
    return {**values, "text": page.text}


def test_a_link_brings_back_the_text_and_how_it_is_read(two: Page) -> None:
    choose(two, "model", "people")
    choose(two, "beside", "all")
    choose(two, "unit", "utf16")
    two.toggle("LOC")
    two.at("threshold").send_keys(Keys.ARROW_RIGHT)
    two.insert("😀 Anna & Berta = #1\n100% in PARIS?")
    becomes(lambda: two.names, ["Anna", "Berta"] * 2)
    two.button("Copy a link to this").click()
    assert eventually(lambda: two.at("notice").text.startswith("The link is copied."))
    link, before = two.copied, fields(two)
    assert (before["off"], before["min_score"], before["model"]) == (["LOC"], "0.31", "people")
    two.browser.get("about:blank")
    two.browser.get(link)
    becomes(lambda: fields(two), before)
    becomes(lambda: two.at("summary").text, "2 names found by both, 0 by people alone, 0 by all alone")


def test_the_text_of_a_link_leaves_the_address(page: Page, client: httpx.Client) -> None:
    page.browser.get(f"{client.base_url}/#{urlencode({'text': 'see Anna'})}")
    becomes(lambda: (page.text, page.names), ("see Anna", ["Anna"]))
    assert page.browser.current_url.rstrip("#/") == str(client.base_url)


def test_what_makes_no_sense_in_a_link_is_left_out(page: Page, client: httpx.Client) -> None:
    given = {"text": TEXT, "model": "none", "min_score": "high", "offset_unit": "miles"}
    page.browser.get(f"{client.base_url}/#{urlencode(given)}")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    assert page.at("notice").text == "The link names none, which is no model of this service."


def test_a_text_too_long_for_a_link_is_told(page: Page) -> None:
    page.paste("and " * 8_000)
    page.button("Copy a link to this").click()
    becomes(lambda: page.at("notice").text, "The text is too long for a link. Download it instead.")


# -- taken back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replace_by", ["Clear", "Letter"])
@pytest.mark.parametrize("by_key", [False, True], ids=["button", "key"])
def test_clear_and_a_sample_can_be_undone(page: Page, replace_by: str, by_key: bool) -> None:
    page.type(TEXT)
    page.button(replace_by).click()
    assert eventually(lambda: page.text != TEXT and page.at("undo").is_displayed())
    if by_key:
        page.at("text").send_keys("x", Keys.CONTROL, "zz")  # what was typed since, then the rest
    else:
        page.button("Undo").click()
    becomes(lambda: (page.text, page.names), (TEXT, ["Anna", "PARIS"]))


# -- name and row ----------------------------------------------------------------------------------------------------


def pointed(page: Page) -> tuple[list[str], list[str]]:
    """The pointed marks and rows."""
    rows = page.browser.find_elements(By.CSS_SELECTOR, "tr.pointed button")
    return marked(page, "sheet", ".pointed"), [row.text for row in rows]


def test_the_pointer_over_a_row_brings_out_its_mark_and_over_a_mark_its_row(page: Page) -> None:
    page.type(f"{TEXT} ")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    becomes(lambda: len(page.rows), 2)
    ActionChains(page.browser).move_to_element(page.button("PARIS")).perform()
    becomes(lambda: pointed(page), (["LOC 0.40"], ["PARIS"]))
    ActionChains(page.browser).move_to_element(page.browser.find_element(By.CLASS_NAME, "mark")).perform()
    becomes(lambda: pointed(page), (["PER 0.90"], ["Anna"]))
    ActionChains(page.browser).move_to_element(page.at("curl")).perform()
    becomes(lambda: pointed(page), ([], []))


def test_one_name_stands_between_the_text_and_copy_on_the_keyboards_way(page: Page) -> None:
    page.type("Anna Berta Carl Dora")
    becomes(lambda: len(page.rows), 4)
    assert len(page.browser.find_elements(By.CSS_SELECTOR, 'tbody button:not([tabindex="-1"])')) == 1
    page.button("Anna").send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.browser.switch_to.active_element.text == "Carl"
    page.browser.switch_to.active_element.send_keys(Keys.TAB)
    assert page.browser.switch_to.active_element not in page.browser.find_elements(By.CSS_SELECTOR, "tbody button")


# -- a long text -----------------------------------------------------------------------------------------------------


def test_typing_in_a_long_text_takes_less_than_50_ms_a_letter(page: Page) -> None:
    line = "the lake froze and Anna went to see what Berta had made of it in PARIS that year, " * 5 + "\n"
    text = line * (200_000 // len(line))
    page.paste(text)
    assert eventually(lambda: page.at("range").text.endswith(" of 7,290"))
    page.browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    page.browser.execute_script(
        "document.getElementById('text').focus(); document.getElementById('text').setSelectionRange(0, 0)"
    )

    def spent() -> float:
        metrics = page.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")

    costs = []
    for _ in range(8):
        before = spent()
        page.browser.execute_cdp_cmd("Input.insertText", {"text": "x"})
        page.browser.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        costs.append(spent() - before)
    page.browser.execute_cdp_cmd("Performance.disable", {})
    # Of the browser's main thread, whatever else the machine does; most letters here meet an answer to those before.
    assert min(costs) < 0.05


def test_an_edit_lays_out_its_own_block_of_a_long_text(page: Page) -> None:
    page.paste("\n".join(f"line {number} of many" for number in range(1_000)))
    blocks = 'return [...document.querySelectorAll("#sheet .mirror div")]'
    mirror = 'return document.querySelector("#sheet .mirror").textContent'
    becomes(lambda: page.browser.execute_script(mirror), page.text + "\n")
    before = page.browser.execute_script(blocks)
    page.browser.execute_script("document.getElementById('text').setSelectionRange(8000, 9000)")
    page.browser.execute_cdp_cmd("Input.insertText", {"text": "other\nwords"})
    becomes(lambda: page.browser.execute_script(mirror), page.text + "\n")
    after = page.browser.execute_script(blocks)
    assert len(before) > 5
    assert len(set(before) - set(after)) <= 2


def test_whatever_is_edited_the_mirror_has_the_text_and_its_places(page: Page) -> None:
    wrong = page.browser.execute_async_script(
        """const done = arguments[0];
        let seed = 7;
        const random = (below) => (seed = (seed * 16807) % 2147483647) % below;
        const letters = () => Array.from({ length: random(2500) }, () => "ab c\\n"[random(12)] ?? "d").join("");
        const some = () => (random(3) ? "x" : letters());
        import("/page/mirror.js").then(({ Mirror }) => {
          const place = document.createElement("div");
          const mirror = new Mirror(place);
          const wrong = [];
          let text = "";
          for (let step = 0; step < 400; step += 1) {
            const [start, end] = [random(text.length + 1), random(text.length + 1)].sort((a, b) => a - b);
            const until = random(8) ? Math.min(end, start + random(3)) : end;
            text = text.slice(0, start) + (random(3) ? some() : "") + text.slice(until);
            mirror.show(text);
            if (place.textContent !== text + "\\n") wrong.push([step, "text"]);
            const [from, to] = [random(text.length + 1), random(text.length + 1)].sort((a, b) => a - b);
            if (mirror.range(from, to).toString() !== text.slice(from, to)) wrong.push([step, from, to]);
          }
          done(wrong);
        }, (error) => done(String(error)));"""
    )
    assert wrong == []


# -- for everybody ---------------------------------------------------------------------------------------------------


def test_axe_finds_nothing_wrong(page: Page) -> None:
    page.type(TEXT)
    becomes(lambda: len(page.rows), 2)
    assert violations(page.browser) == []


def test_axe_finds_nothing_wrong_with_two_models_and_many_names_in_the_dark(two: Page) -> None:
    show(two.browser, 1280, 900, scheme="dark")
    two.paste("see Anna in PARIS\n" * 200)
    becomes(lambda: two.at("range").text, "1–100 of 400")
    assert violations(two.browser) == []


def test_axe_finds_nothing_wrong_with_the_question_for_a_key(open_page: OpenPage, tmp_path: Any) -> None:
    (tmp_path / "keys").write_text("open-sesame-and-more\n")
    page = open_page(api_keys_file=str(tmp_path / "keys"))
    assert page.at("key").is_displayed()
    assert violations(page.browser) == []


def test_forced_colours_leave_the_marks_in_sight(two: Page) -> None:
    features = {"forced-colors": "active", "prefers-reduced-motion": "reduce"}
    emulated = [{"name": name, "value": value} for name, value in features.items()]
    two.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": emulated})
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    # Nothing opaque lies over the marks, and each is a line in the colour of letters.
    for over in ("#sheet textarea", "#other-sheet .mirror"):
        assert two.browser.execute_script(style, over, "backgroundColor") == "rgba(0, 0, 0, 0)"
    letters = two.browser.execute_script(style, "#text", "color")
    for sheet in ("#sheet", "#other-sheet"):
        assert two.browser.execute_script(style, f"{sheet} .mark", "borderBottomColor") == letters
        assert two.browser.execute_script(style, f"{sheet} .mark", "borderBottomStyle") != "none"
