"""Where a name's context stands, as a table of sentences; and the counts of names that were found."""

import pytest

from bench.cells.contexts import CONTEXTS, Found, context, count, unknown
from nerve.model.annotation import Span
from nerve.model.vocabulary import Vocabulary
from nerve.training.measure.scores import ScoredSentence

# A sentence with its name in brackets.
SENTENCES = [
    ("after", "[Smith] resigned yesterday ."),
    ("after", '" [Smith] said so .'),
    ("after", "12. [Ada Lovelace] ( Britain ) 7 points"),
    ("before", "He wrote to [Smith] ."),
    ("before", "a letter from [Ada Lovelace]"),
    ("before", "They beat [Leeds] 2-0 ."),
    ("both", "Mr [Smith] resigned"),
    ("little", "[LONDON] 1996-12-06"),
    ("little", "[Smith] resigned ."),
    ("little", "said [Smith] ."),
    ("little", "1. [Leeds] 10 7 2 1"),
]

MARKED = [marked for _, marked in SENTENCES]


def parts(marked: str) -> tuple[list[str], Span]:
    tokens = marked.replace("[", "").replace("]", "").split()
    before = len(marked.partition("[")[0].split())
    inside = len(marked.partition("[")[2].partition("]")[0].split())
    return tokens, Span(before, before + inside, "PER")


@pytest.mark.parametrize(("expected", "marked"), SENTENCES)
def test_the_context_of_a_name_is(expected: str, marked: str) -> None:
    assert context(*parts(marked)) == expected


def test_a_name_is_unknown_if_all_of_its_words_are() -> None:
    vocabulary = Vocabulary.build([["Ada", "wrote", "10"]])
    for words, expected in (("Lovelace", True), ("ADA", False), ("Ada Lovelace", False), ("99", False)):
        tokens = words.split()
        assert unknown(tokens, Span(0, len(tokens), "PER"), vocabulary) is expected


def test_found_is_a_name_with_its_boundaries_and_its_label() -> None:
    tokens = ["Ada", "Lovelace", "wrote", "to", "London", "today"]
    ada, london = Span(0, 2, "PER"), Span(4, 5, "LOC")
    vocabulary = Vocabulary.build([["London"]])
    for predicted, person, place in (
        ((ada, london), 1, 1),
        ((Span(0, 1, "PER"), london), 0, 1),
        ((ada, Span(4, 5, "PER")), 1, 0),
        ((Span(5, 6, "LOC"),), 0, 0),
    ):
        counts = count([(tokens, ScoredSentence(len(tokens), (ada, london), predicted))], vocabulary)
        assert counts["unknown"]["after"] == Found(names=1, found=person)
        assert counts["known"]["both"] == Found(names=1, found=place)
        assert sum(one.names for of in counts.values() for one in of.values()) == 2


def test_every_name_is_counted_once() -> None:
    sentences = [(tokens, ScoredSentence(len(tokens), (span,), ())) for tokens, span in map(parts, MARKED)]
    counts = count(sentences, Vocabulary.build([]))
    assert sum(counts["unknown"][name].names for name in CONTEXTS) == len(SENTENCES)
