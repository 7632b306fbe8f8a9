"""`nerve suggest` as a user meets it, with a bundled model."""

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

CLEAR, CLEARER, UNSURE = (
    "Angela Merkel flew to Paris on Monday.",
    "They walked home in the rain.",
    "Lot hit Jordan, Chase and Victoria Orange May Reading.",
)


def tasks(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def texts_of(printed: str) -> list[str]:
    return [task["text"] for task in tasks(printed)]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join((CLEARER, CLEAR, "", UNSURE)) + "\n", encoding="utf-8")
    return path


def test_the_most_uncertain_text_comes_first_with_the_names_that_the_model_finds(nerve: Nerve, texts: Path) -> None:
    ended = nerve("suggest", "en", texts.name, "--to", "doccano")
    assert ended.returncode == 0
    assert texts_of(ended.stdout) == [UNSURE, CLEAR, CLEARER]
    found = tasks(ended.stdout)
    assert [0, 13, "PER"] in found[1]["label"]
    assert found[0]["uncertainty"] > found[1]["uncertainty"] > found[2]["uncertainty"] > 0
    assert ended.stderr.startswith("nerve suggest: 3 of 4 texts, of uncertainty 0.")


def test_limit_keeps_the_first(nerve: Nerve, texts: Path) -> None:
    assert texts_of(nerve("suggest", "en", texts.name, "--to", "prodigy", "--limit", "1").stdout) == [UNSURE]


def test_texts_that_are_annotated_are_not_chosen_again_whatever_the_format(nerve: Nerve, texts: Path) -> None:
    gold = "Lot hit Jordan , Chase and Victoria Orange May Reading ."
    (texts.parent / "gold.conll").write_text("".join(f"{token} O\n" for token in gold.split()), encoding="utf-8")
    (texts.parent / "more.jsonl").write_text(json.dumps({"text": CLEARER, "label": []}), encoding="utf-8")
    flags = ("--annotated", "gold.conll", "--annotated", "more.jsonl")
    assert texts_of(nerve("suggest", "en", texts.name, "--to", "doccano", *flags).stdout) == [CLEAR]


def test_files_are_documents_and_the_second_text_of_a_document_counts_for_half(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text(f"{UNSURE}\n{UNSURE.replace('hit', 'saw')}\n", encoding="utf-8")
    with gzip.open(tmp_path / "texts" / "b.txt.gz", "wt", encoding="utf-8") as file:
        file.write(UNSURE + " They walked home.")
    found = tasks(nerve("suggest", "en", "texts", "--to", "doccano").stdout)
    assert [task["doc_id"] for task in found] == ["texts/a.txt", "texts/b.txt.gz", "texts/a.txt"]
    first, second, third = (task["uncertainty"] for task in found)
    assert second > third / 2
    assert first >= third > second


def test_json_keeps_what_the_record_says_and_its_document(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(json.dumps({"id": 9, "body": CLEAR, "doc_id": "d1"}), encoding="utf-8")
    ended = nerve("suggest", "en", "posts.jsonl", "--text-field", "body", "--to", "labelstudio", "--output", "t.json")
    assert (ended.returncode, ended.stdout) == (0, "")
    (task,) = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    data = task["data"]
    assert (data["text"], data["id"], data["doc_id"]) == (CLEAR, 9, "d1")
    assert "body" not in data


def test_a_line_that_cannot_be_read_is_counted_and_the_others_are_chosen(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": 1}\n' + json.dumps({"text": CLEAR}), encoding="utf-8")
    ended = nerve("suggest", "en", "texts.jsonl", "--to", "doccano")
    assert (ended.returncode, texts_of(ended.stdout)) == (3, [CLEAR])
    fact = "texts.jsonl:1: not an object whose field text is a string"
    assert ended.stderr.splitlines()[-1] == f"nerve suggest: 1 line could not be read; the first: {fact}"


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("nowhere.pt", "texts.txt"), "nowhere.pt: no such file"),
        (("en", "nowhere.txt"), "nowhere.txt: cannot be read"),
        (("en", "texts.txt", "--annotated", "nowhere.conll"), "nowhere.conll:1: cannot be read"),
        (("en", "texts.txt", "--output", "nowhere/x.json"), "nowhere/x.json: cannot be written"),
        (("en", "empty.txt"), "there is nothing to choose among 1 texts"),
    ],
)
def test_what_cannot_be_done_is_one_line(nerve: Nerve, texts: Path, words: tuple[str, ...], fact: str) -> None:
    (texts.parent / "empty.txt").write_text("\n", encoding="utf-8")
    ended = nerve("suggest", *words, "--to", "prodigy")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert ended.stderr.startswith("nerve suggest: ")
    assert fact in ended.stderr


@pytest.mark.parametrize("words", [("--to", "spreadsheet"), ("--to", "doccano", "--limit", "0"), ()])
def test_arguments_that_make_no_sense_are_status_2(nerve: Nerve, texts: Path, words: tuple[str, ...]) -> None:
    assert nerve("suggest", "en", texts.name, *words).returncode == 2
