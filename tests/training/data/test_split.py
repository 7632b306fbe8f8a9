"""How a file is divided: by document, each label in its share, no text on two sides, the same for the same seed."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import pytest

from nerve.model.annotation import Sentence, Span
from nerve.training.data import split
from nerve.training.data.formats import Document, Text
from nerve.training.data.quality.examined import same_text

FILE = Path("all.jsonl")
SHARES = {"train": 80.0, "dev": 10.0, "test": 10.0}
LABELS = ("PER", "LOC", "ORG", "RARE")


def sentence(number: int, group: str = "", words: str = "") -> Document:
    """A sentence of its own words; of every ten, one is a place, three are persons, and the others hold no name."""
    tokens = tuple((words or f"Name{number} said the word{number} again .").split())
    tag = {0: "B-LOC", 1: "B-PER", 2: "B-PER", 3: "B-PER"}.get(number % 10, "O")
    return Document(FILE, number + 1, Sentence(tokens, (tag, *("O",) * (len(tokens) - 1))), group)


def documents(count: int, of: int = 10) -> list[Document]:
    """Named documents of `of` sentences each."""
    return [sentence(number, f"d{number // of}") for number in range(count * of)]


def lines(division: split.Division) -> dict[str, list[int]]:
    return {name: [document.line for document in some] for name, some in division.splits.items()}


def test_every_document_is_on_one_side_in_the_order_of_the_file() -> None:
    division = split.divided(documents(40), SHARES, 1)
    sides = [{document.group for document in some} for some in division.splits.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 40
    assert sorted(line for some in lines(division).values() for line in some) == list(range(1, 401))
    assert all(some == sorted(some) for some in lines(division).values())
    assert division.summary == "divided by 40 documents: train 320, dev 40, test 40"


def test_documents_whose_sentences_are_scattered_stay_together() -> None:
    some = documents(20)
    random.Random(0).shuffle(some)
    division = split.divided(some, SHARES, 1)
    sides = [{document.group for document in side} for side in division.splits.values()]
    assert sum(map(len, sides)) == 20


def test_texts_of_several_sentences_are_documents_of_their_own() -> None:
    some = [Document(FILE, n + 1, Text(f"Ann{n} is here. She met Bob{n}.", (Span(0, 3, "PER"),))) for n in range(20)]
    division = split.divided(some, SHARES, 1)
    assert division.units.what == "20 texts"
    assert {name: len(some) for name, some in division.splits.items()} == {"train": 16, "dev": 2, "test": 2}


@pytest.mark.parametrize("group", ["", "news"])
def test_where_documents_are_not_known_runs_of_neighbours_stay_together(group: str) -> None:
    division = split.divided([sentence(number, group) for number in range(300)], SHARES, 1)
    assert division.units.what == "50 runs of 6 neighbouring sentences (no documents are named)"
    for side in lines(division).values():
        assert {(line - 1) // 6 * 6 + n + 1 for line in side for n in range(6)} == set(side)


def test_the_same_seed_gives_the_same_division_and_another_seed_another() -> None:
    some = documents(40)
    assert lines(split.divided(some, SHARES, 1)) == lines(split.divided(some, SHARES, 1))
    assert lines(split.divided(some, SHARES, 1)) != lines(split.divided(some, SHARES, 2))


@pytest.mark.parametrize("again", ["The  same words twice over .", "THE SAME words twice OVER ."])
def test_a_text_is_never_on_two_sides_and_the_one_that_is_held_out_stays(again: str) -> None:
    some = [sentence(number, f"d{number // 10}") for number in range(400)]
    for number in range(5, 400, 20):
        words = "The same words twice over ." if number % 40 == 5 else again
        some[number] = sentence(number, f"d{number // 10}", words)
    division = split.divided(some, SHARES, 1)
    texts = {name: {same_text(document) for document in side} for name, side in division.splits.items()}
    assert not texts["train"] & texts["dev"]
    assert not texts["train"] & texts["test"]
    assert not texts["dev"] & texts["test"]
    assert division.left_out > 0
    assert len(set().union(*texts.values())) == 381  # no text is lost
    assert f"{division.left_out} texts are left out, because the same text is held out" in division.summary


def test_short_texts_may_be_on_two_sides() -> None:
    some = [sentence(number, f"d{number // 10}", "Yes ." if number % 5 == 0 else "") for number in range(400)]
    assert split.divided(some, SHARES, 1).left_out == 0


def random_units(seed: int) -> tuple[list[Counter[str]], list[int]]:
    """Two hundred units with one to twelve sentences, and names of which some labels are rare."""
    generator = random.Random(seed)
    odds = {"PER": 1.0, "LOC": 0.5, "ORG": 0.2, "RARE": 0.03}
    sizes = [generator.randint(1, 12) for _ in range(200)]
    names = [
        Counter({label: sum(generator.random() < odd for _ in range(size)) for label, odd in odds.items()})
        for size in sizes
    ]
    return names, sizes


def deviation(names: Sequence[Mapping[str, int]], sides: Sequence[int], shares: Sequence[float]) -> float:
    """How far a label's share of a side is from the wished one, at most."""
    totals = {label: sum(one[label] for one in names) for label in LABELS}
    found = {
        (label, side): sum(one[label] for one, own in zip(names, sides, strict=True) if own == side) / totals[label]
        for label in LABELS
        for side in range(len(shares))
    }
    return max(abs(found[label, side] - share) for label in LABELS for side, share in enumerate(shares))


@pytest.mark.parametrize("seed", range(5))
def test_every_side_has_its_share_of_every_label_and_of_all_sentences_better_than_by_chance(seed: int) -> None:
    names, sizes = random_units(seed)
    shares = (0.8, 0.1, 0.1)
    sides = split.stratified(names, sizes, shares, seed)
    chance = random.Random(seed).choices(range(3), shares, k=200)
    assert deviation(names, sides, shares) < min(0.04, deviation(names, chance, shares))
    held = [sum(size for size, own in zip(sizes, sides, strict=True) if own == side) for side in range(3)]
    assert [count / sum(sizes) for count in held] == pytest.approx(shares, abs=0.02)


def test_large_and_small_units_come_to_every_side() -> None:
    generator = random.Random(1)
    sizes = [generator.randint(1, 12) for _ in range(3000)]
    names = [Counter(PER=generator.randint(0, size)) for size in sizes]
    sides = split.stratified(names, sizes, (0.8, 0.1, 0.1), 1)
    means = [fmean(size for size, own in zip(sizes, sides, strict=True) if own == side) for side in range(3)]
    assert means == pytest.approx([fmean(sizes)] * 3, rel=0.1)


def test_a_label_of_few_names_is_learned_before_it_is_measured() -> None:
    names = [Counter(RARE=1)] * 2 + [Counter[str]()] * 18
    assert split.stratified(names, [1] * 20, (0.8, 0.1, 0.1), 1)[:2] == [0, 0]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_no_side_is_empty(count: int) -> None:
    assert set(split.stratified([Counter(PER=1)] * count, [1] * count, (98, 1, 1), 1)) == {0, 1, 2}


def test_the_test_parts_of_all_folds_are_the_file_and_each_fold_learns_from_the_rest() -> None:
    some = documents(40)
    folds = [lines(split.fold(some, number, 5, 1)) for number in range(1, 6)]
    assert sorted(line for fold in folds for line in fold["test"]) == list(range(1, 401))
    for fold in folds:
        assert sorted(line for side in fold.values() for line in side) == list(range(1, 401))
        assert [len(fold[name]) for name in ("train", "dev", "test")] == [280, 40, 80]


def test_too_few_documents_are_refused() -> None:
    with pytest.raises(split.SplitError, match="2 documents are too few for 3 parts"):
        split.divided([sentence(0), sentence(1)], SHARES, 1)
