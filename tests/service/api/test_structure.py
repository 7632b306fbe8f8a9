"""How many values a document has, with Python's own parser as the oracle."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from nerve.service.api import structure
from nerve.service.api.structure import (
    CHUNK_BYTES,
    MOST_CONTAINERS,
    MOST_KNOWN_NAMES,
    MOST_NAMES,
    MOST_VALUES,
    check_structure,
)
from nerve.service.errors import TooLargeError

LIMITS = ("MOST_CONTAINERS", "MOST_NAMES", "MOST_VALUES")


def refused(document: bytes, most_names: int | None = None) -> bool:
    try:
        check_structure(document, structure.MOST_NAMES if most_names is None else most_names)
    except TooLargeError as error:
        return error.reason == "too_many_values"
    return False


@pytest.mark.parametrize("container", [b"[]", b"{}", b'{"a":[', b"[[["])
def test_lists_and_objects_up_to_the_limit_pass_and_one_more_does_not(container: bytes) -> None:
    count = sum(map(container.count, (b"[", b"{")))
    assert not refused(b",".join([container] * (MOST_CONTAINERS // count)))
    assert refused(b",".join([container] * (MOST_CONTAINERS // count + 1)))


@pytest.mark.parametrize("value", [b"1,", b'"",', b"[]", b"{}"])
def test_values_up_to_the_limit_pass_and_more_do_not(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "MOST_CONTAINERS", MOST_VALUES)
    assert not refused(value * MOST_VALUES)
    assert refused(value * (MOST_VALUES + 1))


@pytest.mark.parametrize("limit", [MOST_NAMES, MOST_KNOWN_NAMES])
def test_names_up_to_the_limit_pass_and_more_do_not(limit: int) -> None:
    assert not refused(b'"a":1,' * limit, limit)
    assert refused(b'"a":1,' * (limit + 1), limit)


@pytest.mark.parametrize("text", ["[{,:", '"', "\\", '\\"[', '[\\\\"'], ids=repr)
@pytest.mark.parametrize("shift", range(4))
def test_what_is_inside_a_string_is_no_value_wherever_a_chunk_ends(text: str, shift: int) -> None:
    document = json.dumps(["x" * shift, text * CHUNK_BYTES]).encode()
    assert not refused(document)


def counts(value: Any) -> Counter[str]:
    """Return what has a limit, by the limit."""
    if not isinstance(value, list | dict):
        return Counter()
    own = Counter(MOST_CONTAINERS=1, MOST_VALUES=1 + max(0, len(value) - 1))
    if isinstance(value, dict):
        own["MOST_NAMES"] = len(value)
    return sum(map(counts, value.values() if isinstance(value, dict) else value), own)


def some_value(chance: random.Random, depth: int) -> Any:
    text = "".join(chance.choices('a"\\[]{}:,\n é', k=chance.randrange(8)))
    kind = chance.randrange(6) if depth else 0
    if kind < 2:
        return text
    items = [some_value(chance, depth - 1) for _ in range(chance.randrange(5))]
    return items if kind < 4 else {f"{text}{n}": item for n, item in enumerate(items)}


@pytest.mark.parametrize("seed", range(200))
def test_the_counts_are_those_of_a_parser(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    value = [some_value(chance, 5)]
    document = json.dumps(value, ensure_ascii=chance.random() < 0.5, separators=(",", ":")).encode()
    monkeypatch.setattr(structure, "CHUNK_BYTES", chance.randrange(1, 9))
    for limit in LIMITS:
        monkeypatch.setattr(structure, limit, len(document))
    for limit, number in counts(value).items():
        with monkeypatch.context() as patch:
            patch.setattr(structure, limit, number)
            assert not refused(document)
            patch.setattr(structure, limit, number - 1)
            assert refused(document)
