"""docs/own-data.md, command by command, in a clone: an export of an annotation tool becomes a model that answers."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import loopback
from tests.support.clone import Clone
from tests.support.documents import ROOT, blocks, commands, shell_lines

OWN_DATA = ROOT / "docs" / "own-data.md"
SHELL = shell_lines(OWN_DATA)
# The corpus and the training of the page, reduced for a test.
RECORDS = 20
SMALLER = (("--time 2m", "--epochs 1 --epoch-steps 1"),)


def command_with(word: str) -> str:
    (command,) = (line for line in SHELL if word in line)
    return command


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def run(clone: Clone, command: str) -> str:
    for large, small in SMALLER:
        command = command.replace(large, small)
    ended = clone.run(command)
    assert ended.returncode == 0, (command, ended.stderr)
    return ended.stdout


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# What is run below; the command lines of the others are parsed in test_docs.py.
RUN = ("utf16", "project.json", "nerve data", "--split", "nerve evaluate", "nerve errors", "nerve compare", "curl")
PARSED = ("nerve suggest", "--output mine2.pt", "--folds", "make serve", "cat ")


def test_every_command_of_the_page_is_tested() -> None:
    shown = [*SHELL, *(command for command in commands(OWN_DATA) if command.startswith("make "))]
    assert [command for command in shown if not any(word in command for word in (*RUN, *PARSED))] == []


def test_offsets_of_doccano_become_code_points(clone: Clone) -> None:
    (record,) = blocks(OWN_DATA, "jsonl")
    (clone.folder / "all.jsonl").write_text(record.content + record.content.replace("😀", "My"), encoding="utf-8")
    run(clone, command_with("utf16"))
    records = read(clone.folder / "export.jsonl")
    names = [[record["text"][start:end] for start, end, _ in record["label"]] for record in records]
    assert names == [["Ada Lovelace", "London"]] * 2


def test_tasks_of_label_studio_become_lines(clone: Clone) -> None:
    tasks = [{"data": {"text": text}, "annotations": [{"result": []}]} for text in ("😀 Ada.", "London.")]
    (clone.folder / "project.json").write_text(json.dumps(tasks), encoding="utf-8")
    run(clone, command_with("project.json"))
    assert [record["text"] for record in read(clone.folder / "export.jsonl")] == ["😀 Ada.", "London."]


@pytest.fixture
def url(clone: Clone) -> Iterator[str]:
    """The address of a service with the model that the page's commands make from the page's example."""
    (record,) = blocks(OWN_DATA, "jsonl")
    records = (record.content.replace("London", f"Londo{chr(ord('a') + number)}") for number in range(RECORDS))
    (clone.folder / "all.jsonl").write_text("".join(records), encoding="utf-8")
    for word in ("utf16", "nerve data", "--split", "nerve evaluate", "nerve errors"):
        printed = run(clone, command_with(word))
    (clone.folder / "mine2.pt").write_bytes((clone.folder / "mine.pt").read_bytes())
    assert run(clone, command_with("nerve compare")).splitlines()[-1].endswith("the difference may be chance")
    assert printed.splitlines()[-1].startswith("micro F1 ")
    process = clone.start(command_with("make serve"), PORT="0")
    assert process.stdout is not None
    try:
        yield process.stdout.readline().partition("http://")[2].partition("/")[0]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.slow
def test_the_export_becomes_a_model_that_answers(clone: Clone, url: str) -> None:
    assert [len(read(clone.folder / f"mine.{split}.jsonl")) for split in ("train", "dev", "test")] == [16, 2, 2]
    assert (clone.folder / "mine.md").is_file()
    answer = json.loads(run(clone, command_with("curl").replace("127.0.0.1:8000", url)))
    assert (answer["model"], answer["text"]) == ("mine", "Charles Babbage lived in London.")
    labels = loopback.get(f"http://{url}/v1/models").json()
    assert [sorted(model["labels"]) for model in labels["models"]] == [["LOC", "PER"]]
