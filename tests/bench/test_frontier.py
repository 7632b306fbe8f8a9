"""The picture of F1 over speed has every tagger, and the mean of the unseen sets is what it says."""

import pytest

from bench import frontier, tables

ROWS = [
    {"kind": frontier.TRAINED, "tagger": "nerve, 64 units", "F1": 90.0, tables.BATCHED: 100_000.0},
    {"kind": frontier.TRAINED, "tagger": "python-crfsuite", "F1": 80.0, tables.BATCHED: 250_000.0},
    {"kind": frontier.SHIPPED, "tagger": "spaCy sm", "F1": 65.0, tables.BATCHED: 15_000.0},
]


def test_the_picture_names_every_tagger_on_its_side() -> None:
    trained, shipped = frontier.picture(ROWS).axes
    named = [{text.get_text().split(",  ")[0] for text in side.texts} for side in (trained, shipped)]
    assert named[0] >= {"nerve, 64 units", "python-crfsuite"}
    assert named[1] == {"spaCy sm"}


def test_a_row_of_the_table_has_f1_and_speed(capsys: pytest.CaptureFixture[str]) -> None:
    frontier.report(ROWS[:1])
    assert capsys.readouterr().out.splitlines()[-1] == "| trained on conll2003 | nerve, 64 units | 90.0 | 100,000 |"


def test_the_unseen_sets_are_those_that_no_training_saw() -> None:
    def row(dataset: str, tagger: str, f1: float, seen: str) -> dict[str, object]:
        return {
            "language": "en",
            "dataset": dataset,
            "split": "test",
            "cut_titles": False,
            "tagger": tagger,
            "f1": f1,
            "seen": seen,
        }

    results = {
        "taggers": {"en": {"nerve": {}, "spaCy sm": {}}},
        "rows": [
            row("a", "nerve", 80.0, "nothing"),
            row("a", "spaCy sm", 60.0, "nothing"),
            row("b", "nerve", 70.0, "nothing"),
            row("b", "spaCy sm", 50.0, "nothing"),
            row("c", "nerve", 99.0, "train"),
            row("c", "spaCy sm", 10.0, "nothing"),
        ],
    }
    assert tables.unseen(results) == {"nerve": 75.0, "spaCy sm": 55.0}
