"""`nerve compare` as a user meets it, with two bundled models."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]

# The Chinese model does not find the place, and neither finds a name in the second sentence.
GOLD = "Angela B-PER\nMerkel I-PER\nvisited O\nParis B-LOC\n. O\n\n" + "Yes O\n. O\n"


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    (tmp_path / "gold.conll").write_text(GOLD, encoding="utf-8")
    return tmp_path / "gold.conll"


def test_both_f1_their_difference_and_who_is_right_are_shown(nerve: Nerve, gold: Path) -> None:
    ended = nerve("compare", "zh", "en", gold.name)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("sentence 1: only B is right\n  Angela Merkel visited [Paris] .\n  missed ")
    lines = ended.stdout.splitlines()
    rows = [line.split() for line in lines]
    assert ["A", "zh"] in rows
    assert ["all", "2", "66.7", "100.0", "+33.3", "+0.0", "to", "+33.3"] in rows
    assert [row[0] for row in rows if row[1:] and row[1] == "1"] == ["LOC", "PER"]
    assert lines[-4] == "of 2 sentences both get 1 right, only A 0, only B 1, neither 0"
    assert lines[-2] == "with fewer than 20 documents the interval says little"
    assert lines[-1] == "micro F1 of A 66.67, of B 100.00: the difference may be chance"


def test_a_model_is_no_better_than_itself(nerve: Nerve, gold: Path) -> None:
    lines = nerve("compare", "en", "en", gold.name).stdout.splitlines()
    assert lines[-1] == "micro F1 of A 100.00, of B 100.00: the difference may be chance"
    assert "only" not in lines[0]


def test_json_lines_say_who_is_right_and_what_the_other_says(nerve: Nerve, gold: Path) -> None:
    ended = nerve("compare", "en", "zh", gold.name, "--output", "who.jsonl")
    assert ended.returncode == 0
    assert "sentence 1" not in ended.stdout
    (line,) = (gold.parent / "who.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads(line)
    assert (record["right"], record["sentence"]) == ("A", 1)
    assert [error["kind"] for error in record["errors"]] == ["missed"]


def test_the_page_shows_figures_and_sentences(nerve: Nerve, gold: Path) -> None:
    gold.write_text(GOLD.replace("visited", "<script>"), encoding="utf-8")
    assert nerve("compare", "en", "zh", gold.name, "--output", "who.html").returncode == 0
    content = (gold.parent / "who.html").read_text(encoding="utf-8")
    assert "<script" not in content
    assert "Only A is right: errors of B" in content
    assert "of 2 sentences both get 1 right" in content


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("nowhere.pt", "en", "gold.conll"), "nowhere.pt: no such file"),
        (("en", "nowhere.pt", "gold.conll"), "nowhere.pt: no such file"),
        (("en", "zh", "nowhere.conll"), "nowhere.conll:1: cannot be read"),
        (("en", "zh", "gold.conll", "--labels", "CITY"), "--labels: CITY is none of en's"),
        (("en", "zh", "gold.conll", "--output", "nowhere/x.html"), "nowhere/x.html"),
    ],
)
def test_what_cannot_be_done_is_one_line(nerve: Nerve, gold: Path, words: tuple[str, ...], fact: str) -> None:
    assert gold.is_file()
    ended = nerve("compare", *words)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert ended.stderr.startswith("nerve compare: ")
    assert fact in ended.stderr


def test_a_file_is_read_in_the_offsets_that_are_stated(nerve: Nerve, tmp_path: Path) -> None:
    text = "\U0001f600 Angela Merkel visited Paris."
    record = {"text": text, "label": [[3, 16, "PER"], [25, 30, "LOC"]]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    commands = (("errors", "en"), ("thresholds", "en"), ("compare", "en", "en"), ("evaluate", "en", "--file"))
    for command in commands:
        ended = nerve(*command, "gold.jsonl", "--offsets", "utf16")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "100.0" in ended.stdout
        assert "100.0" not in nerve(*command, "gold.jsonl").stdout


def test_of_several_annotators_the_one_that_is_named_is_read(nerve: Nerve, tmp_path: Path) -> None:
    def region(start: int, end: int, label: str) -> dict[str, object]:
        return {"value": {"start": start, "end": end, "labels": [label]}, "type": "labels"}

    text = "Angela Merkel visited Paris."
    annotations = [
        {"completed_by": 1, "result": [region(0, 13, "PER"), region(22, 27, "LOC")]},
        {"completed_by": 2, "result": [region(0, 13, "LOC")]},
    ]
    task = {"data": {"text": text}, "annotations": annotations}
    (tmp_path / "gold.json").write_text(json.dumps([task]), encoding="utf-8")
    ended = nerve("errors", "en", "gold.json", "--annotator", "1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == "micro F1 100.00"
    refused = nerve("errors", "en", "gold.json")
    assert refused.returncode == 1
    assert "choose one annotator with --annotator" in refused.stderr
