"""The page as a person meets it: in a real browser, before a real server around a recognizer that reads capitals."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from nerve.model.annotation import Entity
from nerve.service.state import Service
from tests.support.browser import show
from tests.support.fakes import CapitalisedWords, HeldEngine, served
from tests.support.page import Page, becomes, eventually, rows_of

pytestmark = pytest.mark.slow

Serve = Callable[..., tuple[httpx.Client, Service]]

EMOJI = "😀 Anna saw 👩🏽‍🚀 Berta in PARIS"
MARKUP = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> Anna"""
SHELL = """It's $(touch owned) `touch owned` "Anna" \\ \\n 'Berta'; ! & | > owned\n%s $HOME \u202e PARIS\u2028END"""


# -- reading ---------------------------------------------------------------------------------------------------------


def test_the_page_opens_with_a_text_that_is_read(page: Page) -> None:
    assert eventually(lambda: "Prague" in page.names)
    assert "read by fake" in page.at("timing").text


def test_typed_names_are_marked_with_label_and_score(page: Page) -> None:
    page.type("then Anna flew to PARIS")
    becomes(lambda: page.marks, [("Anna", "PER", "0.90"), ("PARIS", "LOC", "0.40")])
    assert page.at("summary").text == "2 names: 1 LOC, 1 PER"
    gloss = 'return getComputedStyle(document.querySelector(".mark.first"), "::before").content'
    assert page.browser.execute_script(gloss) == '"PER 0.90"'


def test_a_gloss_takes_the_room_there_is_and_touches_no_other(page: Page) -> None:
    page.type("see AB here, and AB AB AB")
    becomes(lambda: page.names, ["AB"] * 4)
    places = page.browser.execute_script(
        """return [...document.querySelectorAll(".mark.first")].map((box) => {
          const left = box.getBoundingClientRect().left;
          const gloss = parseFloat(getComputedStyle(box, "::before").width);
          return [left, left + gloss, gloss];
        });"""
    )
    alone, crowded, *_, last = [gloss for _, _, gloss in places]
    assert alone == last > crowded
    assert all(end < begin for (_, end, _), (begin, _, _) in pairwise(places))


def test_an_emptied_field_has_no_marks_and_no_names(page: Page) -> None:
    page.type("Anna")
    becomes(lambda: page.names, ["Anna"])
    page.button("Clear").click()
    becomes(lambda: (page.text, page.marks, page.rows), ("", [], []))
    becomes(lambda: page.at("summary").text, "")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("text", [EMOJI, "Über Anna 王小明 in TÔKYÔ AVALON " * 40])
def test_each_mark_lies_on_its_letters(page: Page, width: int, text: str) -> None:
    show(page.browser, width, 900)
    page.insert(text)
    becomes(lambda: [row[0] for row in page.rows][-1:], text.split()[-1:])
    # The browser itself says which place in the field's text is under a point.
    wrong = page.browser.execute_script(
        """const field = document.getElementById("text");
        field.scrollIntoView({ block: "center" });
        const view = document.getElementById("sheet").getBoundingClientRect();
        const letter = (x, y) => document.caretPositionFromPoint(x, y);
        const wrong = [];
        let seen = 0;
        for (const box of document.querySelectorAll(".mark")) {
          const { left, right, top, bottom } = box.getBoundingClientRect();
          if (top < view.top || bottom > view.bottom) continue;
          const padding = parseFloat(getComputedStyle(box).paddingLeft);
          const margin = parseFloat(getComputedStyle(box).paddingRight);
          const first = letter(left + padding + 1, (top + bottom) / 2);
          const last = letter(right - margin - 1, (top + bottom) / 2);
          seen += 1;
          if (first.offsetNode !== field) wrong.push("covered");
          const { start, end } = box.dataset;
          if (box.classList.contains("first") && first.offset !== Number(start)) wrong.push(start);
          if (box.classList.contains("last") && last.offset !== Number(end)) wrong.push(end);
        }
        return seen ? wrong : "none in view";"""
    )
    assert wrong == []


def test_a_name_that_wraps_has_a_box_on_each_line(page: Page) -> None:
    show(page.browser, 320, 900)
    page.insert("A" + "na" * 60)
    becomes(lambda: [len(name) for name in page.names], [121])
    boxes = page.browser.find_elements(By.CLASS_NAME, "mark")
    assert len(boxes) > 1
    tops = [box.rect["y"] for box in boxes]
    assert tops == sorted(set(tops))
    ends = [str(box.get_attribute("class")).split() for box in boxes[:: len(boxes) - 1]]
    assert [{"first", "last"} & set(kinds) for kinds in ends] == [{"first"}, {"last"}]


def test_an_edit_moves_the_other_marks_before_the_answer_comes(open_page: Callable[..., Page]) -> None:
    engine = HeldEngine()
    engine.release()
    page = open_page(engine=engine)
    page.type("see Anna and Berta")
    becomes(lambda: page.names, ["Anna", "Berta"])
    engine.hold()
    try:
        page.at("text").send_keys(Keys.HOME, "and now ", Keys.END, Keys.BACKSPACE)
        # Berta was touched; Anna is where she is now.
        becomes(lambda: (page.text, page.marks), ("and now see Anna and Bert", [("Anna", "PER", "0.90")]))
    finally:
        engine.release()
    becomes(lambda: page.names, ["Anna", "Bert"])


def test_markup_is_text(page: Page) -> None:
    title = page.browser.title
    page.type(MARKUP)
    becomes(lambda: ([row[0] for row in page.rows], page.names), (["Anna"], ["Anna"]))
    assert page.browser.find_elements(By.CSS_SELECTOR, "img, .mirror div *, main script") == []
    assert page.browser.title == title


class WholeText(CapitalisedWords):
    """Finds one name: the text."""

    def entities(self, text: str, *_: Any) -> list[Entity]:
        return [Entity(0, len(text), "PER", text, 0.5)]


def test_a_name_that_is_markup_is_text(open_page: Callable[..., Page]) -> None:
    page = open_page(models=[served(recognizer=WholeText())])
    page.type(MARKUP)
    becomes(lambda: ([row[0] for row in page.rows], page.names), ([MARKUP], [MARKUP]))
    assert page.browser.find_elements(By.CSS_SELECTOR, "img, .mirror div *, main script") == []
    assert "owned" not in page.browser.title


# -- the table and the controls --------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "utf8"])
def test_the_table_has_the_offsets_of_the_api(page: Page, client: httpx.Client, unit: str) -> None:
    page.insert(EMOJI)
    page.browser.find_element(By.CSS_SELECTOR, f"#unit option[value={unit}]").click()
    ents = client.post("/v1/entities", json={"text": EMOJI, "offset_unit": unit}).json()["ents"]
    becomes(lambda: page.rows, rows_of(ents))
    becomes(lambda: page.request.get("offset_unit", "codepoint"), unit)


def test_a_label_can_be_switched_off_and_on(page: Page) -> None:
    page.type("then Anna flew to PARIS")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    page.toggle("LOC")
    becomes(lambda: (page.names, [row[0] for row in page.rows]), (["Anna"], ["Anna"]))
    assert page.at("summary").text == "1 name: 1 PER; 1 hidden"
    assert page.request["labels"] == ["PER"]
    page.toggle("LOC")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    assert "labels" not in page.request


def test_with_every_label_off_there_is_no_request_to_copy(page: Page) -> None:
    assert eventually(lambda: page.rows != [])
    page.toggle("LOC")
    page.toggle("PER")
    becomes(lambda: page.rows, [])
    assert "curl" not in page.command
    assert not page.at("copy").is_enabled()


def test_the_slider_hides_what_is_less_probable(page: Page) -> None:
    page.type("then Anna flew to PARIS")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    slider = page.at("threshold")
    slider.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 40)
    assert page.at("threshold-value").text == "0.40"
    becomes(lambda: page.request.get("min_score"), 0.4)
    assert page.names == ["Anna", "PARIS"]
    slider.send_keys(Keys.ARROW_RIGHT)
    becomes(lambda: page.names, ["Anna"])
    assert page.request["min_score"] == 0.41
    slider.send_keys(Keys.END)
    becomes(lambda: page.names, [])
    assert page.at("summary").text == "No names; 2 hidden"


def test_a_name_in_the_table_selects_it_in_the_text(page: Page) -> None:
    page.insert(EMOJI)
    becomes(lambda: page.names, ["Anna", "Berta", "PARIS"])
    page.button("Berta").send_keys(Keys.ENTER)
    selected = 'const f = document.getElementById("text"); return f.value.slice(f.selectionStart, f.selectionEnd)'
    assert page.browser.execute_script(selected) == "Berta"
    assert page.browser.switch_to.active_element == page.at("text")
    assert eventually(lambda: page.browser.find_element(By.CSS_SELECTOR, "tr.pointed").text.startswith("Berta"))


LONG = "\n".join(f"see Person{number}" for number in range(2_000))


def test_of_a_long_text_the_marks_in_view_are_drawn(page: Page) -> None:
    page.paste(LONG)
    assert eventually(lambda: "Person0" in page.names)
    assert len(page.names) < 100
    page.browser.execute_script('document.getElementById("sheet").scrollTop = 1e9')
    assert eventually(lambda: "Person1999" in page.names)


def test_each_name_of_a_long_text_can_be_reached_in_the_table(page: Page) -> None:
    page.paste(LONG)
    becomes(lambda: page.at("range").text, "1–100 of 2,000")
    page.button("Later").click()
    becomes(lambda: page.at("range").text, "101–200 of 2,000")
    assert [page.rows[0][0], page.rows[-1][0]] == ["Person100", "Person199"]
    page.button("Person199").send_keys(Keys.ENTER)
    assert eventually(lambda: "Person199" in page.names)
    page.button("Earlier").click()
    page.browser.find_element(By.CSS_SELECTOR, 'tbody button[tabindex="0"]').send_keys(Keys.END)
    becomes(lambda: page.at("range").text, "1,901–2,000 of 2,000")
    assert page.browser.switch_to.active_element.text == "Person1999"


def test_the_caret_in_a_name_turns_the_table_to_its_page(page: Page) -> None:
    page.paste(LONG)
    becomes(lambda: page.at("range").text, "1–100 of 2,000")
    page.at("text").send_keys(Keys.CONTROL, Keys.END)
    becomes(lambda: page.at("range").text, "1,901–2,000 of 2,000")
    assert page.browser.find_element(By.CSS_SELECTOR, "tr.pointed button").text == "Person1999"


def test_a_sample_is_put_into_the_field_and_read(page: Page) -> None:
    page.button("Letter").click()
    assert page.text.startswith("Dear Tom")
    assert eventually(lambda: "Rotterdam" in page.names)


# -- the request as curl ---------------------------------------------------------------------------------------------


def run_in_shell(command: str, folder: Path, **variables: str) -> Any:
    ended = subprocess.run(
        ["sh"],
        input=command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (ended.stderr, list(folder.iterdir())) == ("", [])
    return json.loads(ended.stdout)


@pytest.mark.parametrize("text", [SHELL, EMOJI, MARKUP])
def test_the_command_gives_what_the_page_shows(page: Page, tmp_path: Path, text: str) -> None:
    page.insert(text)
    becomes(lambda: page.request["text"], text)
    answer = run_in_shell(page.command, tmp_path)
    assert answer["text"] == text
    becomes(lambda: page.rows, rows_of(answer["ents"]))


def test_the_command_asks_for_what_is_switched_on(page: Page, tmp_path: Path) -> None:
    page.type("It is Anna and BERTA and Carl who're here")
    becomes(lambda: page.names, ["It", "Anna", "BERTA", "Carl"])
    page.toggle("LOC")
    page.at("threshold").send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 41)
    becomes(lambda: page.names, ["It", "Anna", "Carl"])
    assert [ent["text"] for ent in run_in_shell(page.command, tmp_path)["ents"]] == page.names


def test_a_text_too_long_for_an_argument_goes_through_standard_input(page: Page, tmp_path: Path) -> None:
    text = ("see 王 Anna's " + "and what else is here " * 10 + "\n") * 500
    page.paste(text)
    assert eventually(lambda: page.at("summary").text.startswith("500 names"))
    assert len(page.command) < 3_000
    page.button("Copy").click()
    becomes(lambda: page.at("copied").text, "Copied.")
    answer = run_in_shell(page.copied, tmp_path)
    assert (answer["text"] == text, len(answer["ents"])) == (True, 500)


def test_the_command_is_copied(page: Page) -> None:
    page.insert(SHELL)
    becomes(lambda: page.request["text"], SHELL)
    page.button("Copy").click()
    becomes(lambda: page.at("copied").text, "Copied.")
    copied = page.command
    page.at("text").send_keys(Keys.CONTROL, "av")
    becomes(lambda: page.text, copied)


# -- models ----------------------------------------------------------------------------------------------------------


CARD = {
    "language": "en",
    "licence": "CC0-1.0",
    "description": "Words in <b>capitals</b>.",
    "datasets": [{"name": "alphabet", "licence": "none", "annotates": ["LOC", "PER"], "size": "26 letters"}],
    "scores": {"alphabet dev": {"precision": 90.0, "recall": 80.0, "f1": 84.7, "support": 1234, "raw_text_f1": None}},
}


def test_the_card_of_the_model_is_shown(open_page: Callable[..., Page]) -> None:
    page = open_page(models=[replace(served("capitals"), card=CARD)])
    becomes(lambda: bool(page.at("card-content").text), True)
    for summary in page.browser.find_elements(By.TAG_NAME, "summary"):
        summary.click()
    card = page.at("card-content").text
    for words in ("Words in <b>capitals</b>.", "capitals", "English", "CC0-1.0", "LOC places", "PER people"):
        assert words in card
    assert "alphabet LOC, PER 26 letters none" in card
    assert "alphabet dev 90.00 80.00 84.70 – 1,234" in card


def test_one_model_is_no_choice(page: Page) -> None:
    assert eventually(lambda: page.rows != [])
    assert not page.at("model").is_displayed()
    assert "model" not in page.request


def test_one_of_several_models_can_be_chosen(open_page: Callable[..., Page]) -> None:
    page = open_page(models=[served("one"), served("two")])
    assert eventually(page.at("model").is_displayed)
    options = page.browser.find_elements(By.CSS_SELECTOR, "#model option")
    assert [option.get_property("value") for option in options] == ["auto", "one", "two"]
    assert page.request["model"] == "auto"
    options[2].click()
    assert eventually(lambda: "read by two" in page.at("timing").text)
    assert page.request["model"] == "two"


def test_a_text_is_read_by_the_bundled_model_of_its_script_or_the_one_that_is_chosen(
    browser: Chrome, service_url: str
) -> None:
    page = Page(browser, service_url)
    options = page.browser.find_elements(By.CSS_SELECTOR, "#model option")
    offered = [option.text for option in options]
    assert offered == ["auto, by language", "en, English", "zh, Chinese", "multi, 13 languages"]
    assert eventually(lambda: ("Prague", "LOC") in [mark[:2] for mark in page.marks])
    assert "read by en" in page.at("timing").text
    page.button("新闻").click()
    assert eventually(lambda: ("林晓雯", "PER") in [mark[:2] for mark in page.marks])
    assert "read by zh" in page.at("timing").text
    assert "Chinese" in page.at("card-content").text
    options[1].click()
    assert eventually(lambda: "read by en" in page.at("timing").text)
    # A sample goes to a model that reads its language.
    page.button("随笔").click()
    assert eventually(lambda: ("杭州", "LOC") in [mark[:2] for mark in page.marks])
    assert (page.at("model").get_property("value"), page.request["model"]) == ("zh", "zh")


# -- trouble ---------------------------------------------------------------------------------------------------------


def test_a_request_for_an_older_text_is_cancelled_and_its_answer_dropped(
    browser: Chrome, serve: Serve, held: HeldEngine
) -> None:
    client, service = serve(engine=held)
    held.release()
    page = Page(browser, str(client.base_url))
    page.insert("Zero")
    becomes(lambda: page.names, ["Zero"])
    held.hold()
    held.batches.clear()
    page.insert("One")
    assert eventually(lambda: len(held.batches) == 1)  # in the engine, too late to take back
    page.insert("Two and two")
    assert eventually(lambda: service.batcher.waiting_tokens == 3)
    page.insert("Three")
    assert eventually(lambda: service.batcher.waiting_tokens == 1)
    held.release()
    becomes(lambda: page.names, ["Three"])
    texts = [[token.text for token in window.tokens] for batch in held.batches for window in batch]
    assert texts == [["One"], ["Three"]]


def test_a_busy_service_is_asked_again_after_the_time_that_it_names(
    browser: Chrome, serve: Serve, held: HeldEngine
) -> None:
    client, service = serve(engine=held, max_tokens=3, queue_tokens=3)
    page = Page(browser, str(client.base_url))
    with ThreadPoolExecutor(2) as pool:
        pool.submit(client.post, "/v1/entities", json={"text": "a b c"})
        assert held.started.wait(10)
        pool.submit(client.post, "/v1/entities", json={"text": "a b"})
        assert eventually(lambda: service.batcher.waiting_tokens == 2)
        page.insert("Anna Berta")
        told = re.compile(r"Trying again in \d+ seconds?\. Your text is kept\.")
        assert eventually(lambda: told.search(page.problem) is not None)
        assert page.text == "Anna Berta"
        held.release()
        becomes(lambda: page.names, ["Anna", "Berta"])
    assert page.problem == ""


def test_a_text_over_the_limit_is_kept_and_the_limit_told(open_page: Callable[..., Page]) -> None:
    page = open_page(max_characters=10)
    page.type("Anna and Berta")
    becomes(lambda: page.problem.split("\n")[0], "A text has 14 characters; the limit is 10. Your text is kept.")
    assert page.text == "Anna and Berta"
    page.at("text").send_keys(*[Keys.BACKSPACE] * 6)
    becomes(lambda: page.names, ["Anna"])
    assert page.problem == ""


def test_a_service_that_is_away_loses_no_text(browser: Chrome, serving: Callable[..., Any]) -> None:
    with serving() as (client, _):
        page = Page(browser, str(client.base_url))
        page.insert("Anna")
        becomes(lambda: page.names, ["Anna"])
    page.at("text").send_keys(" and Berta")
    assert eventually(lambda: "The service cannot be reached." in page.problem)
    assert (page.text, page.names) == ("Anna and Berta", ["Anna"])
    with serving(client.base_url.port):
        page.button("Try again").click()
        becomes(lambda: page.names, ["Anna", "Berta"])
        assert page.problem == ""


def test_behind_a_door_the_page_asks_for_the_key_and_does_not_show_it(
    browser: Chrome, door: str, tmp_path: Path
) -> None:
    page = Page(browser, door)
    assert eventually(lambda: page.problem.startswith("This service asks for a key."))
    page.at("key").send_keys("open sesame", Keys.ENTER)
    assert eventually(lambda: page.rows != [])
    assert not page.at("key").is_displayed()
    page.insert("Anna")
    becomes(lambda: page.names, ["Anna"])
    assert "sesame" not in page.command
    answer = run_in_shell(page.command, tmp_path, API_KEY="open sesame")
    assert [ent["text"] for ent in answer["ents"]] == ["Anna"]


def test_a_service_with_keys_asks_for_one_until_it_knows_it(open_page: Callable[..., Page], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("open-sesame-and-more\n")
    page = open_page(api_keys_file=str(keys))
    assert page.problem.startswith("This service asks for a key.")
    assert not page.at("curl").is_displayed()
    assert not page.at("text").is_displayed()
    assert page.browser.switch_to.active_element == page.at("key")
    for wrong, told in (("open-barley-and-more", "does not know this key"), ("öffne dich", "no letters such as ö")):
        page.at("key").clear()
        page.at("key").send_keys(wrong, Keys.ENTER)
        assert eventually(lambda told=told: told in page.problem)
    page.at("key").clear()
    page.at("key").send_keys("open-sesame-and-more")
    page.button("Use this key").click()
    assert eventually(lambda: "Prague" in page.names)
    assert page.problem == ""
    assert page.at("curl").is_displayed()
    kept = page.browser.execute_script(
        "return [{...localStorage}, {...sessionStorage}, document.cookie, location.href]"
    )
    assert "sesame" not in str(kept) + page.command
    page.browser.refresh()
    assert eventually(lambda: page.problem.startswith("This service asks for a key."))
    assert page.at("key").get_property("value") == ""


# -- for everybody ---------------------------------------------------------------------------------------------------


def test_the_browser_has_nothing_to_complain_about(page: Page) -> None:
    page.type("then Anna flew to PARIS")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    page.toggle("LOC")
    page.button("Dark theme").click()
    page.button("Light theme").click()
    complaints = [entry for entry in page.browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    assert complaints == []


def background(page: Page) -> str:
    return str(page.browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_the_theme_is_the_systems_until_one_is_chosen(page: Page) -> None:
    light = background(page)
    show(page.browser, 1280, 900, scheme="dark")
    dark = background(page)
    assert light != dark
    page.button("Light theme").click()
    assert background(page) == light
    page.browser.refresh()
    assert background(page) == light
    page.button("Dark theme").click()
    assert background(page) == dark


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_window_needs_no_sideways_scrolling(page: Page, width: int) -> None:
    show(page.browser, width, 700)
    page.insert("A" * 200 + " and Donaudampfschifffahrtsgesellschaft")
    becomes(lambda: len(page.names), 2)
    assert page.browser.execute_script("return document.documentElement.scrollWidth") == width


def test_every_control_has_a_name_and_can_be_reached_with_the_keyboard(page: Page) -> None:
    page.type("then Anna flew to PARIS")
    becomes(lambda: page.names, ["Anna", "PARIS"])
    show(page.browser, 1280, 900)
    controls = page.browser.find_elements(By.CSS_SELECTOR, "a, button, input, select, textarea, summary")
    shown = [control for control in controls if control.is_displayed()]
    assert [control.get_attribute("outerHTML") for control in shown if not control.accessible_name] == []
    # Of the table, one name; the arrow keys go on from there.
    names = page.browser.find_elements(By.CSS_SELECTOR, "tbody button")
    shown = [control for control in shown if control not in names[1:]]
    page.browser.execute_script("document.activeElement.blur()")
    reached = set()
    for _ in range(2 * len(shown)):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = page.browser.switch_to.active_element
        reached.add(focused.id)
        outline = focused.value_of_css_property("outline-style")
        inside = focused.find_element(By.XPATH, "..")
        assert (
            "solid" in outline
            or focused.tag_name in ("body", "textarea")
            or ("solid" in inside.value_of_css_property("outline-style"))
        ), focused.get_attribute("outerHTML")
    assert {control.id for control in shown} <= reached


def test_changes_are_announced(page: Page) -> None:
    told = ("summary", "language", "notice", "copied", "range")
    assert {page.at(name).get_attribute("role") for name in told} == {"status"}
    assert page.at("problem-text").get_attribute("role") == "alert"
    hidden = page.browser.find_elements(By.CSS_SELECTOR, "#sheet :is(.mirror, .marks)[aria-hidden=true]")
    assert len(hidden) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_have_a_contrast_of_four_and_a_half_whatever_the_hue(page: Page, scheme: str) -> None:
    show(page.browser, 1280, 900, scheme=scheme)
    page.type("Anna")
    becomes(lambda: page.names, ["Anna"])
    low = page.browser.execute_script(
        """const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
        const luminance = (color) => {
          canvas.clearRect(0, 0, 1, 1);
          canvas.fillStyle = color;
          canvas.fillRect(0, 0, 1, 1);
          const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const contrast = (one, other) => {
          const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
          return (high + 0.05) / (low + 0.05);
        };
        const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo);
        const low = [];
        const check = (name, least, one, other) => {
          const found = contrast(one, other);
          if (found < least) low.push([name, found]);
        };
        const paper = style("body").backgroundColor;
        const sheet = style(".sheet").backgroundColor;
        for (const selector of ["body", ".motto", "#timing", "legend", "th", ".card dt"])
          check(selector, 4.5, style(selector).color, paper);
        document.getElementById("problem").classList.add("shown");
        check("problem", 4.5, style("#problem-text").color, paper);
        check("curl", 4.5, style("pre").color, style("pre").backgroundColor);
        const mark = document.querySelector(".mark");
        const row = document.querySelector("#entities tr");
        mark.style.transition = "none";
        for (let hue = 0; hue < 360; hue += 5) {
          mark.style.setProperty("--hue", hue);
          row.style.setProperty("--hue", hue);
          for (const pointed of [false, true]) {
            mark.classList.toggle("pointed", pointed);
            check("name " + hue, 4.5, style("#text").color, style(".mark").backgroundColor);
          }
          check("gloss " + hue, 4.5, style(".mark", "::before").color, sheet);
          check("line " + hue, 3, style(".mark").borderBottomColor, sheet);
          check("label " + hue, 4.5, style("#entities td:nth-child(2)").color, paper);
        }
        return low;"""
    )
    assert low == []


def test_motion_is_left_out_where_it_is_not_wanted(page: Page) -> None:
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    moving = 'return [...document.querySelectorAll("*")].map((e) => getComputedStyle(e).transitionDuration)'
    assert set(page.browser.execute_script(moving)) == {"0s"}
