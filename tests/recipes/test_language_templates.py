"""Sentences of today in many languages: slots are filled, names are marked, and nothing else is."""

import json
import tomllib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest

from recipes import language_templates
from recipes.language_templates import TEMPLATES, lines
from recipes.templates import Line

ALL = tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
LANGUAGES = [name for name in ALL if name != "all"]


def filled(language: str, count: int = 200, seed: int = 1) -> list[Line]:
    return list(islice(lines({"all": ALL["all"], language: ALL[language]}, seed), count))


def own(sentences: str, shared: Mapping[str, str] | None = None, **lists: str) -> list[Line]:
    return list(islice(lines({"all": shared or {}, "xx": {"sentences": sentences, **lists}}), 200))


def test_each_language_that_the_model_learns_has_templates_but_english() -> None:
    corpora = tomllib.loads((TEMPLATES.parent / "multi.toml").read_text(encoding="utf-8"))
    assert set(LANGUAGES) == {tag.split("-")[0] for tag in corpora["language"].split(",")} - {"en"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_filled_and_none_of_its_marks_is_left(language: str) -> None:
    for line in filled(language):
        assert not set("{}<>;").intersection(line.text), line.text
        assert "  " not in line.text
        names = [line.text[start:end] for start, end, _ in line.label]
        assert names == [name.strip() for name in names if name]
        assert {label for _, _, label in line.label} <= {"PER", "ORG", "LOC"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slot_that_a_language_lists_is_in_one_of_its_sentences(language: str) -> None:
    table = ALL[language]
    assert [slot for slot in table if slot != "sentences" and f"{{{slot}}}" not in table["sentences"]] == []


def test_a_title_and_a_day_are_no_part_of_a_name() -> None:
    (line, *_) = own(
        "{title} <PER {first} {last}> left on {day}.", title="Mayor", first="Ann", last="Lee", day="Monday"
    )
    assert line == Line("Mayor Ann Lee left on Monday.", [(6, 13, "PER")])


def test_a_sentence_begins_with_a_capital() -> None:
    assert {line.text for line in own("{day} <PER Ann> left.", day="monday; tuesday")} == {
        "Monday Ann left.",
        "Tuesday Ann left.",
    }


def test_a_slot_has_names_of_the_language_and_of_all() -> None:
    texts = [line.text for line in own("<ORG {company}>", {"company": "Google"}, company="Tine")]
    assert texts.count("Tine") > texts.count("Google") > 0


def test_languages_take_turns() -> None:
    templates = {"all": {}, "a": {"sentences": "A1\nA2"}, "b": {"sentences": "B"}}
    assert [line.text for line in islice(lines(templates), 6)] == ["A1", "B", "A2", "B", "A1", "B"]


def test_a_slot_without_names_is_refused() -> None:
    with pytest.raises(KeyError, match="animal"):
        own("{animal}")


def test_the_same_seed_gives_the_same_sentences(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file, seed in zip(files, ("1", "1", "2"), strict=True):
        assert language_templates.main(["--count", "50", "--seed", seed, "--output", str(file)]) == 0
    first, second, third = (file.read_text(encoding="utf-8") for file in files)
    assert first == second != third
    assert all(set(json.loads(line)) == {"text", "label"} for line in first.splitlines())


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert language_templates.main(["--output", str(tmp_path / "none" / "file")]) == 1
    assert capsys.readouterr().err.startswith("recipes.language_templates: [Errno 2]")
