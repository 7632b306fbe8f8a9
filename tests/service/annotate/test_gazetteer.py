"""The gazetteer's rules in examples, and on random texts against the definition, which looks everywhere."""

import random
from itertools import pairwise

import pytest

from nerve.model.annotation import Entity
from nerve.service.annotate.document import Annotation, read
from nerve.service.annotate.gazetteer import Automaton, Gazetteer, normalized


def heard(
    text: str,
    always: dict[str, list[str]] | None = None,
    never: list[str] | None = None,
    model: list[tuple[str, str]] | None = None,
    case_sensitive: bool = True,
) -> list[tuple[str, str]]:
    """Text and label of the entities once the phrases are heard; `model` names what the model found, each where it
    first stands."""
    entities = [
        Entity(text.index(name), text.index(name) + len(name), label, name, 0.5) for name, label in model or []
    ]
    gazetteer = Gazetteer(always or {}, never or [], case_sensitive)
    found = gazetteer.entities(Annotation(read(text), sorted(entities, key=lambda entity: entity.start)))
    assert all(text[entity.start : entity.end] == entity.text for entity in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    return [(entity.text, entity.label) for entity in found]


# -- where a phrase stands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("Acme and Acme.", "Acme", ["Acme", "Acme"]),
        ("Acmes, BigAcme, xAcme", "Acme", []),
        ("(Acme)", "Acme", ["Acme"]),
        ("Acme's", "Acme", ["Acme"]),
        ("Acme-led", "Acme", ["Acme"]),  # two tokens
        ("Acmeled", "Acme", []),  # one token
        ("He joined Acme Inc.", "Acme Inc.", ["Acme Inc."]),
        ("Acme Inc. of Rome", "Acme Inc.", ["Acme Inc."]),
        ("Acme\n Inc and Acme\u00a0Inc", "Acme Inc", ["Acme\n Inc", "Acme\u00a0Inc"]),
        ("Acme Inc", " Acme \t Inc ", ["Acme Inc"]),
        ("AcmeInc", "Acme Inc", []),
        ("Acme Inc", "AcmeInc", []),
        ("acme ACME", "Acme", []),
        ("他在北京，北京人", "北京", ["北京", "北京"]),
        ("in U.S. and U.S.-led", "U.S.", ["U.S.", "U.S."]),
        ("😀😀", "😀", ["😀", "😀"]),
        ("", "Acme", []),
        (" \n", "Acme", []),
    ],
)
def test_a_phrase_stands_where_tokens_start_and_end(text: str, phrase: str, found: list[str]) -> None:
    assert heard(text, always={"ORG": [phrase]}) == [(name, "ORG") for name in found]


@pytest.mark.parametrize("phrase", ["ACME straße", "acme Straße"])
def test_case_need_not_count(phrase: str) -> None:
    text = "Acme STRAßE, acme straße, Acme Strasse"
    assert heard(text, {"LOC": [phrase]}, case_sensitive=False) == [("Acme STRAßE", "LOC"), ("acme straße", "LOC")]


def test_case_that_does_not_count_moves_no_offset() -> None:
    # "İ" in lower case is two characters.
    assert heard("İİİ acme İ Acme", {"ORG": ["ACME"]}, case_sensitive=False) == [("acme", "ORG"), ("Acme", "ORG")]


def test_tokens_that_were_given_are_the_boundaries() -> None:
    annotation = Annotation(read(["New York", "is", "New", "York", "not", "NewYork"]), [])
    found = Gazetteer({"LOC": ["New York"]}, [], True).entities(annotation)
    assert [(entity.start, entity.end) for entity in found] == [(0, 8), (12, 20)]


def test_what_the_client_says_is_certain() -> None:
    assert Gazetteer({"PER": ["Ann"]}, [], True).entities(Annotation(read("Ann"), [])) == [
        Entity(0, 3, "PER", "Ann", 1.0)
    ]


# -- who beats whom --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("always", "model", "expected"),
    [
        ({"ORG": ["New York Times"]}, [("New York", "LOC")], [("New York Times", "ORG")]),
        ({"LOC": ["New York"]}, [("New York Times", "ORG")], [("New York", "LOC")]),
        ({"LOC": ["New York"]}, [("New York", "PER")], [("New York", "LOC")]),
        (
            {"LOC": ["New York"]},
            [("The", "MISC"), ("here", "LOC")],
            [("The", "MISC"), ("New York", "LOC"), ("here", "LOC")],
        ),
        ({"ORG": ["York Times"]}, [("The New York", "LOC")], [("York Times", "ORG")]),
    ],
)
def test_always_beats_the_model(
    always: dict[str, list[str]], model: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    assert heard("The New York Times is here", always, model=model) == expected


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        (["New", "New York", "New York Times"], ["New York Times"]),
        (["New York", "York Times"], ["New York"]),  # the one that starts first
        (["York Times", "Times", "The"], ["The", "York Times"]),
        (["New York", "York Times", "Times is"], ["New York", "Times is"]),
    ],
)
def test_of_phrases_that_overlap_the_first_and_longest_stands(phrases: list[str], expected: list[str]) -> None:
    assert [name for name, _ in heard("The New York Times is here", {"X": phrases})] == expected


@pytest.mark.parametrize(
    ("never", "model", "expected"),
    [
        (["Apple"], [("Apple", "ORG")], []),
        (["Apple pie"], [("Apple", "ORG")], []),  # it lies within
        (["Apple"], [("Apple pie", "ORG")], [("Apple pie", "ORG")]),  # it reaches out
        (["pie shop"], [("Apple pie", "ORG")], [("Apple pie", "ORG")]),
        (["Apple", "pie"], [("Apple pie", "ORG")], [("Apple pie", "ORG")]),
        (["Apple", "Apple pie shop", "pie"], [("Apple pie", "ORG")], []),
        (["the Apple"], [("Apple", "ORG")], []),
        (["apple"], [("Apple", "ORG")], [("Apple", "ORG")]),
    ],
)
def test_within_a_never_phrase_is_no_entity(
    never: list[str], model: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    assert heard("in the Apple pie shop", never=never, model=model) == expected


def test_never_beats_always() -> None:
    text = "Apple sells no Apple pie"
    assert heard(text, always={"ORG": ["Apple"]}, never=["Apple pie"]) == [("Apple", "ORG")]


def test_an_always_phrase_that_never_beats_does_not_beat_the_model() -> None:
    model = [("Apple pie shop", "LOC")]
    assert heard("an Apple pie shop", {"ORG": ["Apple"]}, ["Apple pie"], model) == [("Apple pie shop", "LOC")]


# -- the definition --------------------------------------------------------------------------------------------------


def everywhere(text: str, phrases: list[str], case_sensitive: bool) -> list[tuple[int, int]]:
    """Where the phrases stand, by looking for each of them between any two tokens."""
    tokens = read(text).tokens
    spellings = {normalized(phrase, case_sensitive) for phrase in phrases}
    return [
        (first.start, last.end)
        for n, first in enumerate(tokens)
        for last in tokens[n:]
        if normalized(text[first.start : last.end], case_sensitive) in spellings
    ]


def by_definition(
    text: str, model: list[Entity], always: list[str], never: list[str], case_sensitive: bool
) -> list[tuple[int, int]]:
    barred = everywhere(text, never, case_sensitive)

    def stands(place: tuple[int, int]) -> bool:
        return not any(start <= place[0] and place[1] <= end for start, end in barred)

    chosen: list[tuple[int, int]] = []
    for place in sorted(filter(stands, everywhere(text, always, case_sensitive)), key=lambda p: (p[0], -p[1])):
        if all(end <= place[0] for _, end in chosen):
            chosen.append(place)
    left = [(entity.start, entity.end) for entity in model if stands((entity.start, entity.end))]
    left = [place for place in left if all(end <= place[0] or place[1] <= start for start, end in chosen)]
    return sorted(chosen + left)


def random_case(chance: random.Random) -> tuple[str, list[Entity], list[str], list[str], bool]:
    def words(most: int) -> str:
        return "".join(
            chance.choice(["a", "b", "A", "aa", "ab", "中", "."]) + chance.choice(["", " ", "  ", "\n"])
            for _ in range(chance.randint(1, most))
        ).strip()

    text = words(30)
    tokens, position, model = read(text).tokens, 0, []
    while position < len(tokens):
        last = min(len(tokens) - 1, position + chance.randrange(3))
        start, end = tokens[position].start, tokens[last].end
        if chance.random() < 0.5:
            model.append(Entity(start, end, "M", text[start:end], 0.5))
        position = last + 1
    return text, model, [words(4) for _ in range(6)], [words(4) for _ in range(3)], chance.random() < 0.5


def test_on_random_texts_the_rules_give_what_the_definition_gives() -> None:
    chance = random.Random(1)
    changed = 0
    for _ in range(2_000):
        text, model, always, never, case_sensitive = random_case(chance)
        found = Gazetteer({"A": always}, never, case_sensitive).entities(Annotation(read(text), model))
        expected = by_definition(text, model, always, never, case_sensitive)
        assert [(entity.start, entity.end) for entity in found] == expected
        changed += expected != [(entity.start, entity.end) for entity in model]
    assert changed > 1_000


class Counted(dict[str, int]):
    """A state's steps, which count how often they are looked up."""

    lookups = 0

    def get(self, *arguments: object) -> int | None:  # type: ignore[override]
        Counted.lookups += 1
        return super().get(*arguments)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("phrases", [1, 10, 300])
def test_the_steps_are_linear_in_the_text_however_many_phrases_there_are(phrases: int) -> None:
    # Phrases that begin alike, end alike and almost stand everywhere: what is worst for looking at each of them.
    automaton = Automaton(f"{'a ' * (n % 40)}b{n}" for n in range(phrases))
    automaton.step = [Counted(steps) for steps in automaton.step]
    text = "a " * 5_000 + "b1"
    Counted.lookups = state = 0
    for character in reversed(text):
        state = automaton.after(state, character)
    assert len(text) <= Counted.lookups <= 2 * len(text)
