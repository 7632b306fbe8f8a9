"""`nerve` and `nerve.load`: what is public, how quickly it is imported, and which model a name or a path means."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nerve
from nerve.model import bundled
from tests.support import ROOT


def test_the_public_names_are_these() -> None:
    assert nerve.__all__ == ["ArchiveError", "Entity", "Result", "Tagger", "Token", "__version__", "load"]
    assert all(hasattr(nerve, name) for name in nerve.__all__)


def test_importing_nerve_imports_no_torch() -> None:
    program = "import sys, nerve; print('torch' in sys.modules, nerve.ArchiveError.__name__)"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "False ArchiveError\n"


def test_an_example_of_the_bundled_english_model() -> None:
    result = nerve.load("en", device="cpu")("Tim Cook flew to Paris.")
    assert [(entity.label, entity.text, entity.start, entity.end) for entity in result] == [
        ("PER", "Tim Cook", 0, 8),
        ("LOC", "Paris", 17, 22),
    ]
    assert all(0.9 < entity.score < 1 for entity in result)


def test_an_example_of_the_bundled_chinese_model() -> None:
    assert "[北京 LOC]" in str(nerve.load("zh", device="cpu")("我在北京工作。"))


@pytest.mark.parametrize("form", [str, Path])
def test_a_path_may_be_a_string_or_a_path(archive_path: Path, form: type) -> None:
    assert nerve.load(form(archive_path), device="cpu").name == "tiny"


def test_a_path_may_be_relative_and_without_a_folder(archive_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archive_path.parent)
    assert nerve.load("tiny.pt", device="cpu").name == "tiny"


@pytest.fixture
def file_named_en(archive_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_path.rename(archive_path.with_name("en"))
    monkeypatch.chdir(archive_path.parent)


@pytest.mark.parametrize(("given", "meant"), [("en", "en"), ("./en", "tiny"), (Path("en"), "tiny")])
@pytest.mark.usefixtures("file_named_en")
def test_a_bundled_name_is_the_bundled_model_even_where_a_file_has_the_name(given: str | Path, meant: str) -> None:
    assert nerve.load(given, device="cpu").name == meant


@pytest.mark.parametrize("given", ["xx", "nowhere.pt", "", ".", Path("nowhere.pt")])
def test_a_missing_model_is_an_error_that_names_those_that_there_are(
    given: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nerve.ArchiveError) as refusal:
        nerve.load(given)
    assert str(refusal.value) == f"there is no model {str(given)!r}; the bundled models are en, zh, multi"


def test_a_file_that_is_no_archive_is_an_error() -> None:
    with pytest.raises(nerve.ArchiveError, match=r"pyproject\.toml: not an archive"):
        nerve.load(ROOT / "pyproject.toml", device="cpu")


def test_a_device_that_does_not_exist_is_an_error_before_anything_is_loaded() -> None:
    wrong: Any = "tpu"
    with pytest.raises(ValueError, match="device is 'tpu'; it must be one of auto, cpu, cuda"):
        nerve.load("nowhere", device=wrong)


def test_every_archive_that_ships_is_bundled_by_name() -> None:
    assert {path.stem for path in (ROOT / "models").glob("*.pt")} == set(bundled.NAMES)
    assert bundled.available() == {name: ROOT / "models" / f"{name}.pt" for name in ("en", "zh", "multi")}
