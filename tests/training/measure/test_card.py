"""What lies beside an archive: the card says what it was made of and how good it is; the pictures are pictures."""

import json
import re
from pathlib import Path

import pytest

from nerve.model.annotation import Span
from nerve.training.learn.trainer import Epoch
from nerve.training.measure import report, scores
from nerve.training.measure.scores import ScoredSentence
from tests.support.toy_corpus import LABELS, metadata

HISTORY = [Epoch(9.0, 0.0, 1.0), Epoch(2.0, 61.5, 1.0), Epoch(1.0, 60.0, 1.0)]
SENTENCES = [
    ScoredSentence(3, (Span(0, 2, "PER"),), (Span(0, 2, "PER"),)),
    ScoredSentence(3, (Span(0, 1, "LOC"), Span(2, 3, "LOC")), (Span(0, 1, "LOC"), Span(2, 3, "ORG"))),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, here a file of another content, with card and pictures beside it."""
    output = tmp_path_factory.mktemp("report") / "mine.v2.pt"
    output.write_bytes(bytes(2_340_000))
    bins = [[0, 0.0, 0.0]] * 9 + [[12, 0.95, 0.75]]
    calibration = {"error": 0.2, "sure_precision": 75.0, "sure_share": 90.0, "bins": bins}
    figures = {**scores.score(SENTENCES).to_json(), "raw_text_f1": 12.34, "calibration": calibration}
    described = metadata(
        description="Names in toy sentences.",
        licence="CC BY 4.0",
        datasets=[{"name": "toy", "licence": "CC0-1.0", "annotates": list(LABELS), "size": "train 48 sentences"}],
        scores={"toy dev": figures},
        settings={
            "command": "nerve train --dataset toy",
            "temperature": 1.25,
            "training": {"seed": 7, "epochs": 20},
            "tagger": {"cell": "lstm"},
            "corpora": [{"dataset": "toy", "map": {"人": "PER"}}],
        },
    )
    report.write(output, described, {"toy dev": SENTENCES}, HISTORY, 12345.6)
    return output


@pytest.fixture(scope="module")
def card(written: Path) -> str:
    return written.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "# tiny",
        "Names in toy sentences.",
        "- Labels: LOC, ORG, PER",
        "- Language: en",
        "- Licence of the weights: CC BY 4.0",
        "- Speed when it was exported: 12,346 words/s on one CPU thread",
        "    nerve train --dataset toy",
        "| toy | CC0-1.0 | LOC, ORG, PER | train 48 sentences |",
        "| toy dev | 66.67 | 66.67 | **66.67** | 12.34 | 3 |",
        "| toy dev | 0.200 | 75.00 | 90.00 % |",
        "### toy dev",
        "| LOC | 100.00 | 50.00 | 66.67 | 2 |",
        "| ORG | 0.00 | 0.00 | 0.00 | 0 |",
        "| PER | 100.00 | 100.00 | 100.00 | 1 |",
        "![Learning curve](mine.v2.curve.png)",
        "![Confusions](mine.v2.confusion.png)",
        "![Reliability](mine.v2.reliability.png)",
    ],
)
def test_the_card_says(card: str, line: str) -> None:
    assert line in card.splitlines()


@pytest.mark.parametrize("fact", ["2.3 MB", "format 2", "seed 7", "3 epochs of up to 20", "temperature of 1.25"])
def test_the_card_mentions(card: str, fact: str) -> None:
    assert fact in card


def test_the_card_holds_the_configuration_as_json(card: str) -> None:
    found = re.search(r"```json\n(.*?)```", card, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == {
        "training": {"seed": 7, "epochs": 20},
        "tagger": {"cell": "lstm"},
        "corpora": [{"dataset": "toy", "map": {"人": "PER"}}],
    }
    assert "人" in card


def test_without_a_description_the_labels_describe_it(tmp_path: Path) -> None:
    output = tmp_path / "mine.pt"
    output.write_bytes(b"")
    settings = {
        "command": "",
        "temperature": 1.0,
        "training": {"seed": 1, "epochs": 1},
        "tagger": {},
        "corpora": [],
    }
    report.write(output, metadata(settings=settings), {}, HISTORY, 1.0)
    assert "Names LOC, ORG, PER in text." in output.with_suffix(".md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["mine.v2.curve.png", "mine.v2.confusion.png", "mine.v2.reliability.png"])
def test_the_pictures_are_png_of_some_size(written: Path, name: str) -> None:
    content = (written.parent / name).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert width > 300
    assert height > 300


def test_nothing_else_is_written(written: Path) -> None:
    assert {path.name for path in written.parent.iterdir()} == {
        "mine.v2.pt",
        "mine.v2.md",
        "mine.v2.curve.png",
        "mine.v2.confusion.png",
        "mine.v2.reliability.png",
    }
