"""The guideline of the English corpora as tables: what a corpus marks, and what is left of it after each rule."""

from collections.abc import Sequence

import pytest

from nerve.model.annotation import Span
from nerve.training.config import UNKNOWN
from nerve.training.data import guideline

ALL = ("PER", "ORG", "LOC", "MISC", "DATE")


def parsed(marked: str) -> tuple[list[str], list[Span]]:
    """Tokens and spans of a sentence such as `[PER Ann Lee] saw [LOC Rome] .`."""
    tokens: list[str] = []
    spans: list[Span] = []
    begin, label = 0, ""
    for word in marked.split():
        if word.startswith("[") and len(word) > 1:
            begin, label = len(tokens), word[1:]
            continue
        tokens.append(word.removesuffix("]") if label else word)
        if label and word.endswith("]"):
            spans.append(Span(begin, len(tokens), label))
            label = ""
    return tokens, spans


def marked(tokens: Sequence[str], spans: Sequence[Span]) -> str:
    """The opposite of `parsed`."""
    words = list(tokens)
    for span in spans:
        words[span.start] = f"[{span.label} {words[span.start]}"
        words[span.end - 1] += "]"
    return " ".join(words)


def by_the_guideline(sentence: str, annotates: Sequence[str] = ALL) -> str:
    tokens, spans = parsed(sentence)
    return marked(tokens, guideline.applied("en", tokens, spans, annotates))


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("[PER Mr. Okafor] left", "Mr. [PER Okafor] left"),
        ("[PER Mr . Okafor] left", "Mr . [PER Okafor] left"),
        ("[PER President Ana Silva] left", "President [PER Ana Silva] left"),
        ("the [PER vice president Ana Silva] left", "the vice president [PER Ana Silva] left"),
        ("[PER Deputy Prime Minister Ana Silva] left", "Deputy Prime Minister [PER Ana Silva] left"),
        ("[PER Secretary of State Ana Silva] left", "Secretary of State [PER Ana Silva] left"),
        ("[PER Secretary-General Ana Silva] left", "Secretary-General [PER Ana Silva] left"),
        ("[PER Lt. Gen. Ana Silva] left", "Lt. Gen. [PER Ana Silva] left"),
        ("[PER Pope Felix III] left", "Pope [PER Felix III] left"),
        # an office without a name
        ("the [PER Prime] Minister left", "the Prime Minister left"),
        ("the [PER President] left", "the President left"),
        ("[PER The President] left", "The President left"),
        # no titles
        ("the [PER Duke of Kent] left", "the [PER Duke of Kent] left"),
        ("[PER King] left", "[PER King] left"),
        ("[PER Mayor] left", "[PER Mayor] left"),
        ("[PER Dr. Dre] sang", "[PER Dr. Dre] sang"),
        ("[ORG General Mills] pays", "[ORG General Mills] pays"),
    ],
)
def test_titles_are_no_part_of_a_person(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("in [LOC the Azores] ,", "in the [LOC Azores] ,"),
        ("[ORG The Red Cross] came", "The [ORG Red Cross] came"),
        ("at [MISC the Oscars] ,", "at the [MISC Oscars] ,"),
        ("she read [MISC The Sea Wolf] twice", "she read [MISC The Sea Wolf] twice"),
        ("a court in [LOC The Hague] said", "a court in [LOC The Hague] said"),
        ("[ORG The] said", "[ORG The] said"),
    ],
)
def test_the_is_no_part_of_a_name(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("a [LOC Danish] baker", "a [MISC Danish] baker"),
        ("two [LOC Kenyans] won", "two [MISC Kenyans] won"),
        ("the [LOC South Korean] team", "the [MISC South Korean] team"),
        ("a [PER Sunni] cleric", "a [MISC Sunni] cleric"),
        ("flights to [LOC Denmark] ,", "flights to [LOC Denmark] ,"),
        ("the [ORG Danish Council] met", "the [ORG Danish Council] met"),
    ],
)
def test_peoples_are_misc_whatever_the_corpus_calls_them(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


def test_a_people_that_a_corpus_of_misc_left_unmarked_is_unknown() -> None:
    assert by_the_guideline("a Danish baker in [LOC Oslo]") == f"a [{UNKNOWN} Danish] baker in [LOC Oslo]"
    assert by_the_guideline("a Danish baker in [LOC Oslo]", ("LOC",)) == "a Danish baker in [LOC Oslo]"


def test_the_name_of_a_user_is_no_name() -> None:
    assert by_the_guideline("[PER @annlee] met [PER Bo @ home] , says [ORG .@acme]") == (
        "@annlee met [PER Bo @ home] , says .@acme"
    )


def test_without_a_guideline_the_spans_stay() -> None:
    tokens, spans = parsed("[PER Mr. Okafor] left [LOC the Azores]")
    assert guideline.applied("", tokens, spans, ALL) == spans
