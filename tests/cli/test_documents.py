"""The commands of docs/cli.md, and those of the README that are `nerve`'s, run in a clone."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nerve.bulk import compression, inputs, output, writers
from nerve.cli import models, tag_options
from nerve.cli.__main__ import COMMANDS, parse
from nerve.service.settings import read_settings
from tests.support.clone import Clone
from tests.support.documents import DOCUMENTS, ROOT, blocks, commands, table

CLI = ROOT / "docs" / "cli.md"
PROGRAM = ".venv/bin/nerve"

FILES = {
    "letters.txt": "Ada Lovelace wrote to\nCharles Babbage.\n\nShe lived in London.\n",
    "posts.jsonl": '{"id": 1, "body": "Ada Lovelace lived in London."}\n',
    "tokens.conll": "Ada O\nLovelace O\nsleeps O\n",
}

SHOWN = [line for document in (CLI, ROOT / "README.md") for block in blocks(document, "sh")
         for line in block.content.splitlines() if PROGRAM in line]  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    clone = Clone(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return clone


@pytest.mark.slow
@pytest.mark.parametrize("command", SHOWN)
def test_every_command_of_the_page_succeeds(clone: Clone, command: str) -> None:
    ended = clone.run(f"set -e; {command}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout


def scoreless(line: str) -> tuple[Any, list[float]]:
    value = json.loads(line)
    return value, [ent.pop("score") for ent in value["ents"]]


def test_the_first_command_prints_what_the_page_shows(clone: Clone) -> None:
    shell, printed = blocks(CLI)[:2]
    found, scores = scoreless(clone.run(shell.content).stdout)
    documented, expected = scoreless(printed.content)
    assert found == documented
    assert scores == pytest.approx(expected, abs=1e-3)


def nerve_commands() -> list[str]:
    """The arguments of every `nerve` command in a document."""
    lines = {line for document in DOCUMENTS for line in commands(document)}
    found = {part.strip() for line in lines for part in re.split(r"[|]|&&", line)}
    return sorted(one.split("nerve ", 1)[1] for one in found if one.startswith(("nerve ", f"{PROGRAM} ")))


@pytest.mark.parametrize("words", nerve_commands())
def test_every_command_in_a_document_can_be_read(words: str) -> None:
    if words.startswith("COMMAND"):
        return
    name, rest = parse(words.split())
    if name == "tag":
        tag_options.parse(rest)
    elif name == "models":
        models.parse(rest)
    elif name == "serve":
        read_settings(rest)


def test_every_format_is_in_its_table() -> None:
    text = CLI.read_text(encoding="utf-8")
    assert [row[0] for row in table(text, "`--from`")] == list(inputs.FORMATS)
    assert [row[0] for row in table(text, "`--to`")] == list(writers.FORMATS)
    assert {row[0].removeprefix("nerve ") for row in table(text, "command")} == set(COMMANDS)
    for name, form, chosen in table(text, "`--from`"):
        assert form
        suffixes = [word.partition(" ")[0] for word in chosen.split(", ") if word.startswith(".")]
        assert all(inputs.format_of(f"a{suffix}") == name for suffix in suffixes)


def test_every_name_of_a_file_that_the_page_says_is_written() -> None:
    (names, _), _ = table(CLI.read_text(encoding="utf-8"), "`--output`")
    ends = re.findall(r"[.]\w+", names)
    forms = [end for end in ends if inputs.format_of(f"a{end}")]
    assert {inputs.format_of(f"a{end}") for end in forms} == set(output.FORMATS)
    assert set(ends) - set(forms) == set(compression.SUFFIXES)
    for form in forms:
        for end in ("", *(compression.SUFFIXES if form != ".parquet" else ())):
            assert output.named(f"NAME{form}{end}") == output.File(f"NAME{form}{end}")
