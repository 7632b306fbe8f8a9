"""`nerve errors` as a user meets it, with a bundled model."""

import json
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nerve.cli import tables
from tests.support.shell import on_terminal

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

# The place is marked as a person, and a name is not marked: the model knows better.
GOLD = "Angela B-PER\nMerkel I-PER\nvisited O\nParis B-PER\n. O\n\n" + (
    "Tim O\nCook O\nsmiled O\n. O\n\nLondon B-LOC\nslept O\n. O\n"
)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    (tmp_path / "gold.conll").write_text(GOLD, encoding="utf-8")
    return tmp_path / "gold.conll"


def test_wrong_sentences_are_shown_with_their_errors(nerve: Nerve, gold: Path) -> None:
    ended = nerve("errors", "en", str(gold))
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = sorted(ended.stdout.split("\n\n")[:2])
    assert first.startswith("sentence 1\n  Angela Merkel visited [Paris] .\n  wrong label     gold PER [Paris] 0.")
    assert "found LOC [Paris] 0." in first
    assert second.startswith("sentence 2\n  [Tim Cook] smiled .\n  spurious        found PER [Tim Cook] 0.")
    assert "2 of 3 sentences are wrong: 0 missed, 1 spurious, 1 wrong label, 0 wrong boundary" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "micro F1 57.14"


def test_the_confusion_and_the_groups_are_tables(nerve: Nerve, gold: Path) -> None:
    lines = [line.split() for line in nerve("errors", "en", str(gold)).stdout.splitlines()]
    assert ["PER", "1", "1", "0"] in lines  # one as LOC, one rightly
    assert ["none", "0", "1", "0"] in lines
    heads = [line[0] for line in lines if line[-1:] == ["F1"]]
    assert heads == ["label", "words", "length"]


def test_on_a_terminal_errors_have_colours(gold: Path) -> None:
    status, shown, _ = on_terminal("errors", "en", str(gold), given=b"", stream="stdout")
    assert status == 0
    assert "visited \033[1;35mParis\033[0m ." in shown


def test_limit_shows_the_first_sentences_and_counts_all(nerve: Nerve, gold: Path) -> None:
    printed = nerve("errors", "en", str(gold), "--limit", "1").stdout
    assert printed.count("sentence 1\n") + printed.count("sentence 2\n") == 1
    assert "2 of 3 sentences are wrong" in printed


def test_json_lines_hold_every_error(nerve: Nerve, gold: Path) -> None:
    ended = nerve("errors", "en", str(gold), "--output", "wrong.jsonl")
    assert ended.returncode == 0
    assert "sentence 1" not in ended.stdout
    lines = [json.loads(line) for line in (gold.parent / "wrong.jsonl").read_text(encoding="utf-8").splitlines()]
    (first,) = (line for line in lines if line["sentence"] == 1)
    assert first["tokens"] == ["Angela", "Merkel", "visited", "Paris", "."]
    (error,) = first["errors"]
    assert error["kind"] == "wrong label"
    assert error["gold"] == {"start": 3, "end": 4, "label": "PER", "text": "Paris"}
    assert error["predicted"] == {"start": 3, "end": 4, "label": "LOC", "text": "Paris"}
    assert error["gold_score"] < 0.5 < error["score"] <= 1


class Loaded(HTMLParser):
    """Collects what a page would load, its text, and the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [tag] * (tag in ("script", "link", "img", "iframe"))
        self.loads += [name for name, _ in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_by_itself_and_shows_the_errors(nerve: Nerve, gold: Path) -> None:
    (gold.parent / "gold.conll").write_text(GOLD.replace("smiled", "<script>"), encoding="utf-8")
    assert nerve("errors", "en", str(gold), "--output", "wrong.html").returncode == 0
    content = (gold.parent / "wrong.html").read_text(encoding="utf-8")
    page = Loaded()
    page.feed(content)
    assert page.loads == []
    assert "url(" not in content
    assert "@import" not in content
    assert "Tim Cook <script>" in page.text
    assert "wrong label gold PER Paris 0." in page.text


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("nowhere.pt", "gold.conll"), "nowhere.pt: no such file"),
        (("en", "nowhere.conll"), "nowhere.conll:1: cannot be read"),
        (("en", "gold.conll", "--labels", "CITY"), "--labels: CITY is none of en's"),
        (("en", "gold.conll", "--map", "PER=CITY"), "label CITY is none of"),
        (("en", "gold.conll", "--output", "nowhere/x.html"), "nowhere/x.html"),
    ],
)
def test_what_cannot_be_done_is_one_line(nerve: Nerve, gold: Path, words: tuple[str, ...], fact: str) -> None:
    assert gold.is_file()
    ended = nerve("errors", *words)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert ended.stderr.startswith("nerve errors: ")
    assert fact in ended.stderr


def test_a_table_has_its_numbers_to_the_right() -> None:
    assert tables.text(("name", "n", "F1"), [("PER", 1200, 50.0), ("MISC", 3, 7.25)]) == (
        "name      n    F1\nPER   1,200  50.0\nMISC      3   7.2"
    )
