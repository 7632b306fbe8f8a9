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


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("[MISC Nepal] signed", "[LOC Nepal] signed"),
        ("the [MISC United States] signed", "the [LOC United States] signed"),
        ("[MISC Nepalese] farmers", "[MISC Nepalese] farmers"),
    ],
)
def test_countries_are_places_whatever_the_corpus_calls_them(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("the [LOC South] [MISC Korean] team", "the [MISC South Korean] team"),
        ("a [PER Sri] [MISC Lankan] cook", "a [MISC Sri Lankan] cook"),
        ("a Costa [MISC Rican] cook", "a [MISC Costa Rican] cook"),
        ("from [LOC Far North] [MISC Australian] towns", "from [LOC Far North] [MISC Australian] towns"),
    ],
)
def test_a_people_is_whole(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("a Peru-based firm", "a [? Peru-based] firm"),
        ("the Peru-Chile border", "the [? Peru-Chile] border"),
        ("[ORG Oslo-based Fjord Bank] fell", "[? Oslo-based] [ORG Fjord Bank] fell"),
        ("[LOC New York-based] actors", "[? New York-based] actors"),
        ("[PER Jean-Luc Martin] left", "[PER Jean-Luc Martin] left"),
        ("a well-known baker", "a well-known baker"),
    ],
)
def test_what_a_name_within_a_compound_is_nobody_knows(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        # what corpora mark in part, or not at all
        ("for [DATE two] days", "for [DATE two days]"),
        ("she left 5 years ago", "she left [DATE 5 years ago]"),
        ("it opens next week .", "it opens [DATE next week] ."),
        ("on [DATE March] 3rd", "on [DATE March 3rd]"),
        ("due 2024-10-05 ,", "due [DATE 2024-10-05] ,"),
        ("due 05/12/2024 ,", "due [DATE 05/12/2024] ,"),
        ("on 8 December 2024", "on [DATE 8 December 2024]"),
        ("on Monday , 3 June 2024", "on [DATE Monday , 3 June 2024]"),
        ("from 19 to 27 May 2025", "from [DATE 19 to 27 May 2025]"),
        ("in the past [DATE 15] years", "in the [DATE past 15 years]"),
        ("at the [DATE end of] July", "at the [DATE end of July]"),
        ("in the third quarter of 2025", "in the [DATE third quarter of 2025]"),
        ("late in the [DATE 1990s]", "late in the [DATE 1990s]"),
        ("in the mid - [DATE 1990s]", "in the [DATE mid - 1990s]"),
        ("every day", "[DATE every day]"),
        # prepositions and what else is no part of it
        ("[DATE since 2003]", "since [DATE 2003]"),
        ("[DATE from Wednesday to Friday]", "from [DATE Wednesday] [? to] [DATE Friday]"),
        ("[DATE Cairo Thursday]", "[? Cairo] [DATE Thursday]"),
        # dates that the patterns leave to the corpus
        ("in [DATE 1999] and [DATE March]", "in [DATE 1999] and [DATE March]"),
        ("in the [DATE Edo period]", "in the [DATE Edo period]"),
        # marked, but nothing of a date; or doubtful
        ("the [DATE two] rivers", "the [? two] rivers"),
        ("a three-day trip", "a [? three-day] trip"),
        ("$ 9 a year", "$ 9 [? a year]"),
        ("20 years old", "[? 20 years old]"),
        # times of day are no dates, and other names stay
        ("at [DATE 9 pm]", "at 9 pm"),
        ("for [DATE ten minutes]", "for ten minutes"),
        ("in [ORG USA Today]", "in [ORG USA Today]"),
        # numbers that are none
        ("call 555-0199", "call 555-0199"),
        ("postcode 1012 AB , account 4400-2211", "postcode 1012 AB , account 4400-2211"),
    ],
)
def test_dates_are_whole(corpus: str, expected: str) -> None:
    assert by_the_guideline(corpus) == expected


def test_dates_of_a_corpus_that_marks_none_stay_unmarked() -> None:
    assert by_the_guideline("[PER Ann] left last week", ("PER",)) == "[PER Ann] left last week"


def test_the_name_of_a_user_is_no_name() -> None:
    assert by_the_guideline("[PER @annlee] met [PER Bo @ home] , says [ORG .@acme]") == (
        "@annlee met [PER Bo @ home] , says .@acme"
    )


def test_without_a_guideline_the_spans_stay() -> None:
    tokens, spans = parsed("[PER Mr. Okafor] left [LOC the Azores]")
    assert guideline.applied("", tokens, spans, ALL) == spans
