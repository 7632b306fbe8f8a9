"""What `bench.bundled` counts as right: exact characters and label, but for an article and a genitive."""

import pytest

from bench.comparison import Text, as_texts, scored, trimmed
from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated

LABELS = ("PER", "ORG", "LOC")


def text(content: str, *names: tuple[str, str], unknown: str = "") -> Text:
    """A text with these names, each given by what it covers and its label."""
    spans = tuple(span(content, *name) for name in names)
    return Text(content, spans, (span(content, unknown, "?"),) if unknown else ())


def span(content: str, covered: str, label: str) -> Span:
    start = content.index(covered)
    return Span(start, start + len(covered), label)


def test_a_text_is_written_as_one_would_write_it_with_its_names_in_code_points() -> None:
    sentence = Annotated(("Ann", "Lee", "'s", "bank", ",", "Acme", "."), (Span(0, 2, "PER"), Span(5, 6, "ORG")), ())
    (got,) = as_texts([sentence])
    assert got.text == "Ann Lee's bank, Acme."
    assert [got.text[name.start : name.end] for name in got.names] == ["Ann Lee", "Acme"]


@pytest.mark.parametrize(
    ("covered", "kept"),
    [
        ("the White House", "White House"),
        ("The Hague", "Hague"),
        ("Apple's", "Apple"),
        ("Apple’s", "Apple"),
        ("Ann ' s", "Ann"),
        ("the Bank's", "Bank"),
        ("Theo", "Theo"),
        ("Paris", "Paris"),
        ("the", "the"),
        ("'s", "'s"),
        ("Mr. Lee", "Mr. Lee"),
    ],
)
def test_an_article_and_a_genitive_are_cut_and_something_always_stays(covered: str, kept: str) -> None:
    content = f"In {covered} now"
    assert trimmed(content, span(content, covered, "PER")) == span(content, kept, "PER")


@pytest.mark.parametrize(
    ("covered", "label", "kept"),
    [
        ("Mr. Lee", "PER", "Lee"),
        ("President Ann Lee", "PER", "Ann Lee"),
        ("Vice President Lee", "PER", "Lee"),
        ("Prime Minister Mr. Lee", "PER", "Lee"),
        ("Secretary of State Rice", "PER", "Rice"),
        ("President", "PER", "President"),
        ("Generalov", "PER", "Generalov"),
        ("General Electric", "ORG", "General Electric"),
    ],
)
def test_titles_are_cut_from_persons_where_that_is_wanted(covered: str, label: str, kept: str) -> None:
    content = f"In {covered} now"
    assert trimmed(content, span(content, covered, label), cut_titles=True) == span(content, kept, label)


def test_a_name_is_right_if_characters_and_label_are_the_gold_ones() -> None:
    gold = text("Ann Lee left Acme in Bonn.", ("Ann Lee", "PER"), ("Acme", "ORG"), ("Bonn", "LOC"))
    found = [span(gold.text, "Ann", "PER"), span(gold.text, "Acme", "LOC"), span(gold.text, "Bonn", "LOC")]
    scores = scored([gold], [found], LABELS)
    assert (scores.precision, scores.recall, scores.support) == (33.33, 33.33, 3)


def test_edges_need_not_be_those_of_any_tokens() -> None:
    gold = text("New York-based", ("New York", "LOC"))
    assert scored([gold], [[span(gold.text, "New York-b", "LOC")]], LABELS).f1 == 0
    assert scored([gold], [[span(gold.text, "New York", "LOC")]], LABELS).f1 == 100


def test_the_same_is_cut_from_gold_and_from_predicted_names() -> None:
    first = text("The Beatles left.", ("The Beatles", "ORG"))
    second = text("He met the Beatles.", ("Beatles", "ORG"))
    found = [[span(first.text, "Beatles", "ORG")], [span(second.text, "the Beatles", "ORG")]]
    assert scored([first, second], found, LABELS).f1 == 100
    assert scored([first, second], found, LABELS, trim=False).f1 == 0


def test_names_of_other_labels_count_neither_as_gold_nor_as_predicted() -> None:
    gold = text("Ann left on Monday.", ("Ann", "PER"), ("Monday", "DATE"))
    found = [span(gold.text, "Ann", "PER"), span(gold.text, "left", "MISC")]
    scores = scored([gold], [found], LABELS)
    assert (scores.f1, scores.support) == (100, 1)


def test_what_is_predicted_where_the_corpus_does_not_know_does_not_count() -> None:
    gold = text("Ann won the Bonn Cup.", ("Ann", "PER"), unknown="Bonn Cup")
    found = [span(gold.text, "Ann", "PER"), span(gold.text, "Bonn", "LOC")]
    assert scored([gold], [found], LABELS).precision == 100


def test_names_are_counted_in_all_texts_together() -> None:
    gold = [text("Ann and Bob", ("Ann", "PER"), ("Bob", "PER")), text("nobody"), text("Bonn", ("Bonn", "LOC"))]
    found = [[span(gold[0].text, "Ann", "PER")], [], [span(gold[2].text, "Bonn", "LOC")]]
    scores = scored(gold, found, LABELS)
    assert (scores.precision, scores.recall, scores.support) == (100, 66.67, 3)
