"""docs/python.md: every block of Python is run, in one session, and prints what stands below it."""

import re
from pathlib import Path

import pytest

from tests.support.documents import ROOT, blocks

PAGE = ROOT / "docs" / "python.md"

_DECIMAL = re.compile(r"\d+\.\d+")


def approximately(text: str) -> tuple[str, object]:
    """A text without its decimal numbers, and those: the last digit of a score depends on the processor."""
    return _DECIMAL.sub("#", text), pytest.approx([float(number) for number in _DECIMAL.findall(text)], abs=0.011)


def test_every_example_of_the_page_prints_what_is_written_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = blocks(PAGE)
    programs, outputs = page[::2], page[1::2]
    assert {block.language for block in programs} == {"python"}
    assert {block.language for block in outputs} == {"text"}
    session: dict[str, object] = {}
    for program, output in zip(programs, outputs, strict=True):
        exec(compile(program.content, str(PAGE), "exec"), session)
        printed = capsys.readouterr().out
        words, numbers = approximately(output.content)
        assert approximately(printed)[0] == words
        assert [float(number) for number in _DECIMAL.findall(printed)] == numbers
