"""The choice of texts out of a stream, against the definition: all texts sorted by what they are worth."""

import random
from collections import Counter

import pytest

from nerve.training.suggest.selection import Candidate, Selection, fingerprint


def texts(count: int, documents: int, seed: int) -> list[Candidate]:
    generator = random.Random(seed)
    return [
        Candidate(f"text {n}", generator.expovariate(3.0), f"d{generator.randrange(documents)}" if documents else "")
        for n in range(count)
    ]


def by_definition(candidates: list[Candidate], limit: int) -> list[Candidate]:
    """Every text with its rank in its document, sorted by uncertainty divided by rank."""
    ranked, seen = [], Counter[str]()
    for one in sorted(candidates, key=lambda one: -one.uncertainty):
        name = one.document or one.text
        seen[name] += 1
        ranked.append((one.uncertainty / seen[name], one))
    return [one for _, one in sorted(ranked, key=lambda pair: -pair[0])[:limit]]


def selected(candidates: list[Candidate], limit: int) -> list[Candidate]:
    selection = Selection(limit)
    for one in candidates:
        selection.add(one)
        assert len(selection) <= limit
    return selection.best()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("documents", [0, 1, 3, 40])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_stream_gives_the_same_texts_as_sorting_all_of_them(seed: int, documents: int, limit: int) -> None:
    candidates = texts(300, documents, seed)
    assert selected(candidates, limit) == by_definition(candidates, limit)


def test_the_second_text_of_a_document_counts_for_half() -> None:
    candidates = [Candidate("a", 1.0, "x"), Candidate("b", 0.9, "x"), Candidate("c", 0.5, "y"), Candidate("d", 0.4)]
    assert [one.text for one in selected(candidates, 4)] == ["a", "c", "b", "d"]


def test_texts_of_no_document_do_not_share_one() -> None:
    candidates = [Candidate("a", 1.0), Candidate("b", 0.9), Candidate("c", 0.5, "y")]
    assert [one.text for one in selected(candidates, 2)] == ["a", "b"]


def test_a_text_that_is_there_twice_is_selected_once() -> None:
    candidates = [Candidate("a b", 1.0, "x"), Candidate("a  b\n", 1.0, "y"), Candidate("c", 0.5)]
    assert [one.text for one in selected(candidates, 3)] == ["a b", "c"]


def test_fewer_texts_than_the_limit_are_all_selected() -> None:
    assert len(selected(texts(5, 2, seed=1), 100)) == 5


def test_tokens_and_their_text_have_one_fingerprint() -> None:
    assert fingerprint("He left , too .") == fingerprint("He left, too.") != fingerprint("He left, two.")
