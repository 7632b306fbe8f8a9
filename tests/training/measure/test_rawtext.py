"""F1 on raw text: gold sentences written as text, read by something that finds names in text."""

import re
from collections.abc import Sequence

import pytest

from nerve.model.annotation import Entity, Span
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import Corpus
from nerve.training.measure import rawtext
from nerve.training.measure.rawtext import DOCUMENT_SENTENCES
from tests.support.toy_corpus import COMPANIES, FIRST, LABELS, LAST, PLACES, corpus, sentences


class Reader:
    """Finds what a regular expression for each label matches, and remembers what it read."""

    def __init__(self, **patterns: str) -> None:
        self.patterns = patterns
        self.texts: list[str] = []

    def recognize(self, texts: Sequence[str], *, context: bool = True) -> list[list[Entity]]:
        assert not context, "neighbours in a split need not be of one document"
        self.texts += texts
        return [
            [
                Entity(match.start(), match.end(), label, match[0], 1.0)
                for label, pattern in self.patterns.items()
                for match in re.finditer(pattern, text)
            ]
            for text in texts
        ]


KNOWN = {
    "PER": rf"(?:{'|'.join(FIRST)}) (?:{'|'.join(LAST)})",
    "LOC": "|".join(PLACES),
    "ORG": "|".join(COMPANIES),
}


def one(text: str, *spans: tuple[int, int, str], annotates: Sequence[str] = ("PER",)) -> Corpus:
    """A corpus of one sentence; the label `?` makes a span of unknown label."""
    known, unknown = (tuple(Span(*span) for span in spans if (span[2] == "?") == is_) for is_ in (False, True))
    return Corpus("one", "", tuple(annotates), {"dev": (Annotated(tuple(text.split()), known, unknown),)})


def test_who_finds_every_name_scores_100() -> None:
    assert rawtext.f1(Reader(**KNOWN), corpus(50), "dev") == 100.0


def test_who_finds_nothing_scores_0() -> None:
    assert rawtext.f1(Reader(), corpus(50), "dev") == 0.0


def test_the_text_is_the_sentences_as_one_would_write_them() -> None:
    reader = Reader()
    rawtext.f1(reader, corpus(50), "train")
    assert len(reader.texts) == -(-50 // DOCUMENT_SENTENCES)
    first = sentences(50, seed=0)[0]
    assert reader.texts[0].startswith(" ".join(first.tokens).replace(" .", ".") + " Yesterday")


@pytest.mark.parametrize(
    ("corpus", "patterns", "f1"),
    [
        (one("Ann saw Bo", (0, 1, "PER"), (2, 3, "PER")), {"PER": "Ann"}, 66.67),
        # one character off, or another label, is wrong
        (one("Ann saw Bo", (0, 1, "PER")), {"PER": "An"}, 0.0),
        (one("Ann saw Bo", (0, 1, "PER"), annotates=("PER", "LOC")), {"LOC": "Ann"}, 0.0),
        # what the corpus cannot judge counts neither way
        (one("Ann saw Bo", (0, 1, "PER")), {"PER": "Ann", "LOC": "Bo"}, 100.0),
        (one("Ann saw Bo", (0, 1, "PER"), (2, 3, "LOC")), {"PER": "Ann"}, 100.0),
        (one("Ann saw Bo", (0, 1, "PER"), (2, 3, "?")), {"PER": "Ann|Bo"}, 100.0),
        (one("Ann saw Bo", (0, 1, "PER"), (2, 3, "?")), {"PER": "Ann|saw"}, 66.67),
        # nothing there and nothing found
        (one("nobody saw it"), {"PER": "Ann"}, 0.0),
    ],
)
def test_f1_counts_exact_character_spans_that_the_corpus_can_judge(
    corpus: Corpus, patterns: dict[str, str], f1: float
) -> None:
    assert rawtext.f1(Reader(**patterns), corpus, "dev") == f1


def test_the_toy_corpus_annotates_what_the_reader_knows() -> None:
    assert set(KNOWN) == set(LABELS)
