"""`nerve convert`: which file it writes, and what it says."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nerve.training.data.formats import WRITERS
from tests.support import ROOT

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]
SAMPLES = ROOT / "tests" / "training" / "data" / "samples"


def test_a_file_is_written_in_another_format(nerve: Nerve, tmp_path: Path) -> None:
    ended = nerve("convert", str(SAMPLES / "label-studio.json"), "out.conll", "--to", "columns")
    line = "out.conll: columns, 3 texts with 5 names, from label-studio\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, line, "")
    assert (tmp_path / "out.conll").read_text(encoding="utf-8").startswith("-DOCSTART-\tO\n\n😀\tO\nAda\tB-PER\n")


def test_offsets_annotators_names_and_scheme_are_options(nerve: Nerve, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "😀 Ada", "label": [[3, 6, "PER"]]}\n', encoding="utf-8")
    assert nerve("convert", "in.jsonl", "out.conll", "--to", "columns", "--offsets", "utf16").returncode == 0
    assert "Ada\tB-PER\n" in (tmp_path / "out.conll").read_text(encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text('{"tokens": ["Ada"], "ner_tags": [1]}\n')
    assert nerve("convert", "rows.jsonl", "out.conll", "--to", "columns", "--names", "O,B-PER").returncode == 0


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ('{"text": "Ada", "label": [[0, 9, "PER"]]}', "in:1: span 0-9 'PER' is outside the text of 3 characters"),
        ("Ada\tB-PER\nLee\tI-ORG\n", "in:2: I-ORG may not follow B-PER in BIO"),
        ("", "in:1: the file holds no sentence"),
        ('{"text": "", "label": []}', "in:1: the file holds no sentence"),
    ],
)
def test_a_fault_ends_it_with_one_line_and_no_file(nerve: Nerve, tmp_path: Path, content: str, fact: str) -> None:
    (tmp_path / "in").write_text(content)
    ended = nerve("convert", "in", "out", "--to", "columns")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"nerve convert: {fact}\n")
    assert not (tmp_path / "out").exists()


def test_help_lists_every_format(nerve: Nerve) -> None:
    text = nerve("convert", "--help").stdout
    assert all(f"\n  {name} " in text for name in WRITERS)
