"""Files that the page reads, and those that it makes."""

import base64
import csv
import json
import zipfile
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.common.by import By

from tests.support.page import Page, becomes, eventually

# As Word writes it: a paragraph in several runs, a tab stop, a tab, a break, what was deleted, and a text box twice.
DOCUMENT = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="w" xmlns:mc="mc" xmlns:wps="wps"><w:body>
<w:p w:rsidR="00A1"><w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs></w:pPr>
  <w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">see An</w:t></w:r>
  <w:r><w:t>na &amp; Ber&#x74;a</w:t></w:r></w:p>
<w:p/>
<w:p><w:r><w:t>in</w:t><w:tab/><w:t>PARIS</w:t><w:br/><w:t>&lt;b&gt;</w:t></w:r>
  <w:del><w:r><w:delText>not Carl</w:delText></w:r></w:del></w:p>
<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>王小明</w:t></w:r></w:p></w:txbxContent></mc:Choice>
  <mc:Fallback><w:pict><w:p><w:r><w:t>王小明</w:t></w:r></w:p></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>
</w:body></w:document>"""
DOCUMENT_TEXT = "see Anna & Berta\n\nin\tPARIS\n<b>\n王小明"


def docx(document: str = DOCUMENT, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", document)
        archive.comment = b"of no matter"
    return content.getvalue()


def drop(page: Page, *files: tuple[str, bytes | int]) -> None:
    """Let files fall on the page: a name, and the content, or how many letters it is to have."""
    page.browser.execute_script(
        """const transfer = new DataTransfer();
        const bytes = (content) => Uint8Array.from(atob(content), (byte) => byte.charCodeAt(0));
        for (const [name, content] of arguments[0]) {
          const part = typeof content === "number" ? "a".repeat(content) : bytes(content);
          transfer.items.add(new File([part], name));
        }
        document.body.dispatchEvent(
          new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));""",
        [
            (name, content if isinstance(content, int) else base64.b64encode(content).decode())
            for name, content in files
        ],
    )


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.txt", b"see Anna\r\nin PARIS", "see Anna\nin PARIS"),
        ("a.TXT", "\ufeffsee 王 Anna".encode(), "see 王 Anna"),
        ("a.txt", "see 王 Anna".encode("utf-16"), "see 王 Anna"),
        ("a.md", b"# Anna\n\n*in* PARIS", "# Anna\n\n*in* PARIS"),
        ("a.jsonl", b'{"id": 1, "text": "see\\r\\nAnna"}\n\n', "see\nAnna"),
        ("a.docx", docx(), DOCUMENT_TEXT),
        ("a.docx", docx(method=zipfile.ZIP_STORED), DOCUMENT_TEXT),
    ],
    ids=["text", "byte order mark", "UTF-16", "Markdown", "lines of JSON", "Word", "Word, not compressed"],
)
def test_a_file_that_is_dropped_is_read(page: Page, name: str, content: bytes, text: str) -> None:
    drop(page, (name, content))
    becomes(lambda: page.text, text)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.pdf", b"%PDF", "a.pdf is no .txt, .md, .jsonl or .docx file."),
        ("a.txt", b"Z\xfcrich", "a.txt is not UTF-8 text. Save it as UTF-8 and open it again."),
        ("a.jsonl", b'{"text": "Anna"}\n{', "a.jsonl, line 2: not JSON."),
        ("a.jsonl", b'{"body": "Anna"}', 'a.jsonl, line 1: no "text".'),
        ("a.jsonl", b"\n", "a.jsonl holds no text."),
        ("a.docx", b"Anna", "a.docx cannot be read as a .docx document."),
        ("a.docx", docx()[:-400], "a.docx cannot be read as a .docx document."),
        ("a.docx", docx().replace(b"word/", b"text/"), "a.docx cannot be read as a .docx document."),
        ("a.docx", docx("<w:t>" + "a" * 20_000_001), "a.docx cannot be read as a .docx document."),
        ("a.txt", 20_000_001, "a.txt has 20 MB; the limit is 20 MB."),
    ],
    ids=[
        "kind",
        "encoding",
        "no JSON",
        "no text",
        "no line",
        "no archive",
        "cut short",
        "no document",
        "bomb",
        "size",
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_text_and_says_why(
    page: Page, name: str, content: bytes | int, told: str
) -> None:
    text = page.text
    drop(page, (name, content))
    becomes(lambda: page.at("notice").text, told)
    assert page.text == text


def test_each_line_of_json_is_a_text_of_its_own(page: Page) -> None:
    drop(page, ("letters.jsonl", b'{"id": 1, "text": "see Anna"}\n\n"in PARIS"\n{"text": "no one"}\n'))
    becomes(lambda: (page.text, page.names, page.at("text-number").text), ("see Anna", ["Anna"], "Text 1 of 3"))
    page.type("see Berta")
    page.button("Next text").click()
    becomes(lambda: (page.text, page.names, page.at("text-number").text), ("in PARIS", ["PARIS"], "Text 2 of 3"))
    assert page.browser.switch_to.active_element.text == "Next text"
    page.button("Next text").click()
    page.button("Next text").click()  # there is none, and the button stays
    becomes(lambda: (page.text, page.names), ("no one", []))
    page.button("Previous text").click()
    page.button("Previous text").click()
    becomes(lambda: (page.text, page.names), ("see Berta", ["Berta"]))
    page.button("Clear").click()
    assert eventually(lambda: not page.at("texts").is_displayed())
    page.button("Undo").click()
    becomes(lambda: (page.text, page.at("text-number").text), ("see Berta", "Text 1 of 3"))


def test_two_files_at_once_are_refused(page: Page) -> None:
    drop(page, ("a.txt", b"Anna"), ("b.txt", b"Berta"))
    becomes(lambda: page.at("notice").text, "One file at a time, please.")


def test_a_file_can_be_opened_without_a_mouse(page: Page, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("see Anna")
    assert page.button("Open a file").is_displayed()
    page.at("file").send_keys(str(tmp_path / "letter.txt"))
    becomes(lambda: page.names, ["Anna"])


@pytest.fixture
def saved(page: Page, tmp_path: Path) -> Iterator[Path]:
    """The folder in which the browser saves files."""
    behavior = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
    yield tmp_path
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "default"})


def save(page: Page, words: str, file: Path) -> str:
    page.button(words).click()
    assert eventually(file.exists)
    return file.read_bytes().decode()


TEXT = 'see 😀 Anna, "O"Brien" & <b>Berta</b> in PARIS'


def test_json_is_saved_as_the_api_answers(page: Page, client: httpx.Client, saved: Path) -> None:
    drop(page, ("letter.txt", TEXT.encode()))
    assert eventually(lambda: "PARIS" in page.names)
    assert (
        json.loads(save(page, "JSON", saved / "letter.json"))
        == client.post("/v1/entities", json={"text": TEXT}).json()
    )


def test_a_saved_table_is_read_by_python_and_spreadsheets(page: Page, saved: Path) -> None:
    page.insert(TEXT)
    assert eventually(lambda: "PARIS" in page.names)
    content = save(page, "CSV", saved / "text.csv")
    assert content.startswith("\ufefftext,label,score,start,end\r\n")
    rows = [row[:4:3] for row in csv.reader(StringIO(content.removeprefix("\ufeff"))) if row][1:]
    assert rows == [[row[0], row[3].partition("–")[0]] for row in page.rows]


def test_what_is_hidden_is_not_saved(page: Page, saved: Path) -> None:
    page.insert(TEXT)
    assert eventually(lambda: "PARIS" in page.names)
    page.toggle("PER")
    becomes(lambda: "Anna," in page.names, False)
    ents = json.loads(save(page, "JSON", saved / "text.json"))["ents"]
    assert {ent["label"] for ent in ents} == {"LOC"}


def test_a_saved_page_shows_the_text_and_its_names_and_nothing_else(page: Page, saved: Path) -> None:
    page.insert(TEXT)
    assert eventually(lambda: "PARIS" in page.names)
    names = page.names
    content = save(page, "HTML", saved / "text.html")
    assert "<script" not in content
    assert "http" not in content.replace("http-equiv", "")
    page.browser.get((saved / "text.html").as_uri())
    shown = page.browser.find_element(By.TAG_NAME, "p")
    assert shown.get_property("textContent") == TEXT
    assert [mark.text for mark in shown.find_elements(By.TAG_NAME, "mark")] == names


def test_the_redacted_text_is_that_of_the_service(page: Page, client: httpx.Client, saved: Path) -> None:
    drop(page, ("letter.md", TEXT.encode()))
    assert eventually(lambda: "PARIS" in page.names)
    page.toggle("LOC")
    becomes(lambda: "PARIS" in page.names, False)
    redacted = client.post("/v1/redact", json={"text": TEXT, "labels": ["PER"], "min_score": 0.3}).json()["text"]
    assert "PARIS" in redacted
    assert save(page, "Redacted text", saved / "letter.redacted.txt") == redacted
