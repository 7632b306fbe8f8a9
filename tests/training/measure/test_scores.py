"""Scores against hand counts and against the definition: F1 over sets of (sentence, start, end, label)."""

import random
from collections import Counter

import pytest

from nerve.model.annotation import Span
from nerve.model.tags import may_follow, spans_of, tags_of
from nerve.training.data.annotated import Annotated
from nerve.training.measure.scores import ScoredSentence, Scores, confusion, report, score, scored

Tags = tuple[str, ...]


def sentence(gold: str, predicted: str) -> ScoredSentence:
    """A sentence with the names that these tags mark."""
    return sentence_of(tuple(gold.split()), tuple(predicted.split()))


def sentence_of(gold: Tags, predicted: Tags) -> ScoredSentence:
    assert len(gold) == len(predicted)
    return ScoredSentence(len(gold), tuple(spans_of(gold)), tuple(spans_of(predicted)))


@pytest.mark.parametrize(
    ("spans", "unknown", "annotates", "predicted", "expected_gold", "expected_predicted"),
    [
        # all scored
        ([(0, 1, "PER")], [], "PER LOC", "B-PER B-LOC O", "B-PER O O", "B-PER B-LOC O"),
        # a predicted label that the corpus does not annotate counts neither way
        ([(0, 1, "PER")], [], "PER", "B-PER B-LOC I-LOC", "B-PER O O", "B-PER O O"),
        # nor does a gold name of a label that it marks now and then
        ([(0, 1, "PER"), (1, 3, "LOC")], [], "PER", "B-PER B-LOC I-LOC", "B-PER O O", "B-PER O O"),
        # but a label that is annotated, predicted in its place is wrong
        ([(1, 3, "LOC")], [], "PER", "O B-PER I-PER", "O O O", "O B-PER I-PER"),
        # a prediction that touches a span of unknown label counts neither way
        ([], [(1, 3, "?")], "PER", "B-PER I-PER O", "O O O", "O O O"),
        ([], [(1, 2, "?")], "PER", "B-PER B-PER B-PER", "O O O", "B-PER O B-PER"),
        # one that ends where such a span begins does not touch it
        ([], [(1, 3, "?")], "PER", "B-PER O O", "O O O", "B-PER O O"),
        # nothing annotated: nothing scored
        ([(0, 1, "PER")], [], "", "B-PER O O", "O O O", "O O O"),
    ],
)
def test_only_names_that_the_corpus_can_score_are_scored(
    spans: list[tuple[int, int, str]],
    unknown: list[tuple[int, int, str]],
    annotates: str,
    predicted: str,
    expected_gold: str,
    expected_predicted: str,
) -> None:
    annotated = Annotated(("a", "b", "c"), tuple(Span(*one) for one in spans), tuple(Span(*one) for one in unknown))
    found = scored(annotated, spans_of(predicted.split()), annotates.split())
    assert found == sentence(expected_gold, expected_predicted)


def test_scores_of_a_case_counted_by_hand() -> None:
    # PER: 2 gold, 2 predicted, 1 right. LOC: 2 gold, 3 predicted, 2 right. ORG: 1 gold, none predicted.
    sentences = [
        sentence("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC"),
        sentence("B-PER O B-LOC O", "B-PER I-PER B-LOC B-LOC"),
        sentence("B-ORG O O", "O O O"),
    ]
    assert score(sentences) == Scores(
        precision=60.0,
        recall=60.0,
        f1=60.0,
        support=5,
        labels={
            "LOC": Scores(66.67, 100.0, 80.0, 2, {}),
            "ORG": Scores(0.0, 0.0, 0.0, 1, {}),
            "PER": Scores(50.0, 50.0, 50.0, 2, {}),
        },
    )


@pytest.mark.parametrize(
    ("gold", "predicted", "f1"),
    [
        ("B-PER I-PER O", "B-PER I-PER O", 100.0),
        ("B-PER I-PER O", "B-PER O O", 0.0),  # a boundary off is all wrong
        ("B-PER I-PER O", "B-LOC I-LOC O", 0.0),  # so is a label off
        ("B-PER B-PER O", "B-PER I-PER O", 0.0),  # two neighbours are not one name
        ("B-PER O O", "B-PER O B-PER", 66.67),
        ("O O O", "O O O", 0.0),  # nothing to find, nothing found: no score
        ("O O O", "B-PER O O", 0.0),
        ("B-PER O O", "O O O", 0.0),
    ],
)
def test_a_name_is_right_with_exact_boundaries_and_label_only(gold: str, predicted: str, f1: float) -> None:
    assert score([sentence(gold, predicted)]).f1 == f1


@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_the_definition_on_random_tags(seed: int) -> None:
    generator = random.Random(seed)
    lengths = [generator.randint(1, 12) for _ in range(60)]
    gold, predicted = ([random_tags(generator, length) for length in lengths] for _ in range(2))
    expected = by_definition(gold, predicted, None)
    found = score([sentence_of(*pair) for pair in zip(gold, predicted, strict=True)])
    assert (found.precision, found.recall, found.f1, found.support) == pytest.approx(expected, abs=0.006)
    assert set(found.labels) == {"PER", "LOC", "A-B"}
    for label, own in found.labels.items():
        expected = by_definition(gold, predicted, label)
        assert (own.precision, own.recall, own.f1, own.support) == pytest.approx(expected, abs=0.006)


def random_tags(generator: random.Random, length: int) -> Tags:
    found: list[str] = []
    for _ in range(length):
        previous = found[-1] if found else "O"
        found.append(generator.choice([tag for tag in tags_of(("PER", "LOC", "A-B")) if may_follow(previous, tag)]))
    return tuple(found)


def by_definition(gold: list[Tags], predicted: list[Tags], label: str | None) -> tuple[float, float, float, int]:
    wanted, found = (
        {(n, span) for n, one in enumerate(some) for span in spans_of(one) if label in (None, span.label)}
        for some in (gold, predicted)
    )
    precision, recall = 100 * len(wanted & found) / len(found), 100 * len(wanted & found) / len(wanted)
    return precision, recall, 2 * precision * recall / (precision + recall), len(wanted)


def test_the_report_is_seqevals_table() -> None:
    lines = report([sentence("B-PER O", "B-PER B-LOC")]).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1-score", "support"]
    assert ["micro", "avg", "0.5000", "1.0000", "0.6667", "1"] in [line.split() for line in lines]


def test_a_report_without_any_name_says_so() -> None:
    assert report([sentence("O O", "O O")]) == "no names, neither gold nor predicted"


def test_confusions_are_counted_where_the_boundaries_agree() -> None:
    sentences = [
        sentence("B-PER I-PER O B-LOC O", "B-PER I-PER O B-ORG O"),
        sentence("B-ORG O O B-PER O", "B-ORG I-ORG O O B-LOC"),
    ]
    assert confusion(sentences) == Counter(
        {
            ("PER", "PER"): 1,
            ("LOC", "ORG"): 1,
            ("ORG", "-"): 1,  # found with other boundaries: missed …
            ("-", "ORG"): 1,  # … and invented
            ("PER", "-"): 1,
            ("-", "LOC"): 1,
        }
    )


def test_scores_are_json() -> None:
    assert score([sentence("B-PER", "B-PER")]).to_json() == {
        "precision": 100.0,
        "recall": 100.0,
        "f1": 100.0,
        "support": 1,
        "labels": {"PER": {"precision": 100.0, "recall": 100.0, "f1": 100.0, "support": 1, "labels": {}}},
    }
