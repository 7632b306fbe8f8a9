"""What lies beside an archive: the card says what it was made of and how good it is; the pictures are pictures."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from nerve.model.annotation import Span
from nerve.model.metadata import Metadata
from nerve.model.tags import tags_of
from nerve.training.export import exported_epoch
from nerve.training.learn.trainer import Epoch
from nerve.training.measure import fonts, pictures, report, scores
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
            "epoch": 2,
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


@pytest.mark.parametrize(
    "fact", ["2.3 MB", "format 2", "seed 7", "3 epochs of up to 20, the weights of epoch 2", "temperature of 1.25"]
)
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
        "epoch": 2,
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


BEGUN = {
    "datasets": [
        {"name": "mine", "licence": "of the files' owner", "annotates": ["PER"], "size": "train 9 sentences"},
        {
            "name": "gmb",
            "licence": "public domain",
            "annotates": ["PER"],
            "size": "train 99 sentences",
            "model": "en",
        },
    ],
    "licence": "of the files' owner; CC BY-SA 4.0",
}


def test_the_card_of_a_model_begun_with_another_states_its_licence_its_data_and_its_guideline(tmp_path: Path) -> None:
    output = tmp_path / "mine.pt"
    output.write_bytes(b"")
    begun_with = {"name": "en", "licence": "CC BY-SA 4.0", "language": "en", "guidelines": ["en"]}
    settings = {
        **{"command": "", "temperature": 1.0, "epoch": 1, "begun_with": begun_with, "tagger": {}},
        **{"training": {"seed": 1, "epochs": 1}, "corpora": [{"train": "mine.conll", "guideline": "en"}]},
    }
    report.write(output, metadata(settings=settings, **BEGUN), {}, HISTORY, 1.0)
    lines = output.with_suffix(".md").read_text(encoding="utf-8").splitlines()
    guideline = "the guideline `en` (recipes/en/guideline.md of nerve)."
    assert lines[lines.index("## Data") : lines.index("## Scores")] == [
        *("## Data", "", "| corpus | licence | annotates | size |", "|---|---|---|---|"),
        *("| mine | of the files' owner | PER | train 9 sentences |", ""),
        *(f"Annotations are brought to {guideline}", ""),
        "Training began with the weights of the model `en` (language en, licence CC BY-SA 4.0), which come from:",
        *("", "| model | corpus | licence | annotates | size |", "|---|---|---|---|---|"),
        *("| en | gmb | public domain | PER | train 99 sentences |", ""),
        *(f"What it knows from there follows {guideline}", ""),
    ]
    assert "- Licence of the weights: of the files' owner; CC BY-SA 4.0" in lines


def labelled(labels: Sequence[str]) -> Metadata:
    tags = tags_of(labels)
    return metadata(tags=tags, scores={}, settings={"epoch": 1})


def test_labels_that_no_font_draws_are_a_table_in_the_card_and_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (default,) = fonts.families("PER") or ()
    only = [entry for entry in font_manager.fontManager.ttflist if entry.name == default]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", only)
    output = tmp_path / "mine.pt"
    output.write_bytes(b"")
    (tmp_path / "mine.confusion.png").write_bytes(b"of a training before")
    settings = {
        **{"command": "", "temperature": 1.0, "epoch": 1, "tagger": {}},
        **{"training": {"seed": 1, "epochs": 1}, "corpora": []},
    }
    sentence = ScoredSentence(2, (Span(0, 1, "人名"),), (Span(0, 1, "地名"),))
    described = metadata(tags=tags_of(("人名", "地名")), settings=settings)
    report.write(output, described, {"toy dev": [sentence]}, HISTORY, 1.0)
    assert not (tmp_path / "mine.confusion.png").exists()
    card = output.with_suffix(".md").read_text(encoding="utf-8")
    assert "mine.confusion.png" not in card
    assert "| | 人名 | 地名 | - |\n|---|---:|---:|---:|\n| 人名 | 0 | 1 | 0 |\n| 地名 | 0 | 0 | 0 |\n" in card


def test_the_picture_of_labels_in_any_script_has_no_boxes(han: str) -> None:
    """matplotlib warns of every letter that it draws as a box, and warnings are errors here."""
    assert fonts.families("PER", "人") == [*(fonts.families("PER") or ()), han]
    drawn = report.pictures_of(labelled(("人", "PER")), {("人", "人"): 3}, HISTORY)
    assert set(drawn) == set(report.PICTURES)


def test_the_name_of_a_split_that_no_font_draws_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    (default,) = fonts.families("PER") or ()
    only = [entry for entry in font_manager.fontManager.ttflist if entry.name == default]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", only)
    shown = []
    real = pictures.reliability

    def reliability(scores: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> Figure:
        shown.append(titles)
        return real(scores, titles)

    monkeypatch.setattr(pictures, "reliability", reliability)
    figures = {"f1": 50.0, "calibration": {"error": 0.1, "bins": [[0, 0.0, 0.0]] * 10}}
    described = metadata(scores={"toy dev": figures, "人民 dev": figures}, settings={"epoch": 1})
    report.pictures_of(described, {}, HISTORY)
    assert shown == [{"toy dev": "toy dev", "人民 dev": "split 2"}]


@pytest.fixture
def han(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A font with one letter, 人, is installed. Its name."""
    builder = FontBuilder(1000, isTTF=True)
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 900))
    pen.lineTo((900, 0))
    pen.closePath()
    builder.setupGlyphOrder([".notdef", "person"])
    builder.setupCharacterMap({ord("人"): "person"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "person": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "person": (1000, 0)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "One Letter", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "letter.ttf")
    entry = font_manager.ttfFontProperty(font_manager.get_font(tmp_path / "letter.ttf"))
    (default,) = fonts.families("PER") or ()
    only = [one for one in font_manager.fontManager.ttflist if one.name == default]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*only, entry])
    return entry.name


def test_the_curve_marks_the_epoch_that_is_exported_with_the_figure_of_the_card() -> None:
    figure = pictures.learning_curve(HISTORY, 2, 61.48)
    (marked,) = (line for axes in figure.axes for line in axes.lines if len(line.get_xdata()) == 1)
    assert (list(marked.get_xdata()), list(marked.get_ydata())) == ([2], [61.48])
    (legend,) = (axes.legend_ for axes in figure.axes if axes.legend_)
    assert [text.get_text() for text in legend.get_texts()] == ["exported: 61.48"]


def test_without_dev_the_curve_marks_nothing() -> None:
    axes = pictures.learning_curve(HISTORY, 3, None).axes
    assert [len(line.get_xdata()) for one in axes for line in one.lines] == [len(HISTORY)] * 2
    assert [one.legend_ for one in axes] == [None, None]


@pytest.mark.parametrize(("last", "number"), [(False, 2), (True, 4)])
def test_the_exported_epoch_is_the_first_of_the_best_or_the_last(last: bool, number: int) -> None:
    history = [Epoch(1.0, f1, 1.0) for f1 in (10.0, 30.0, 20.0, 30.0)]
    assert exported_epoch(history, last=last) == number
