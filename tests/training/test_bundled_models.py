"""The bundled models on slices of the corpora they were trained on: the exact scores, through the stored settings."""

from dataclasses import replace
from pathlib import Path

import pytest

from nerve.model.archive import load
from nerve.model.bundled import available
from nerve.model.recognizer import Recognizer
from nerve.training import evaluate
from nerve.training.config import ConfigError
from nerve.training.data import corpora, datasets
from nerve.training.data.formats import read_columns
from nerve.training.measure import rawtext, scores
from tests.support import ROOT

SLICES = ROOT / "tests" / "training" / "slices"

# Model, dataset, split, micro F1, micro F1 on raw text.
SCORES = [
    ("en", "broad_twitter", "dev", 59.02, 61.54),
    ("en", "wnut17", "test", 45.45, 48.89),
    ("en", "uner_en_ewt", "test", 77.78, 77.78),
    ("multi", "uner_en_ewt", "test", 73.17, 71.60),
    ("zh", "uner_zh_gsd", "test", 78.18, 79.28),
    ("zh", "uner_zh_gsdsimp", "test", 78.43, 77.67),
]


@pytest.fixture(autouse=True)
def _slices_for_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_slice(name: str, split: str, _data_dir: Path | None) -> object:
        return read_columns(SLICES / f"{name}.{split}.conll", "bio")

    monkeypatch.setattr(datasets, "load", load_slice)


@pytest.mark.parametrize(("model", "dataset", "split", "f1", "raw_text_f1"), SCORES)
def test_a_bundled_model_scores_exactly_this(
    capsys: pytest.CaptureFixture[str], model: str, dataset: str, split: str, f1: float, raw_text_f1: float
) -> None:
    arguments = [str(available()[model]), "--dataset", dataset, "--split", split, "--raw"]
    assert evaluate.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [f"micro F1 on raw text {raw_text_f1:.2f}", f"micro F1 {f1:.2f}"]


@pytest.mark.parametrize("model", sorted(available()))
def test_a_bundled_model_reads_a_text_whose_words_recur(model: str) -> None:
    recognizer = Recognizer(load(available()[model]))
    text = "Tim Cook 在北京。Angela Merkel met Tim Cook. COOK"
    assert any(window.recurring for window in recognizer.windows(text)), "no window shares evidence with another"
    (found,) = recognizer.recognize([text])
    assert "Tim Cook" in [entity.text for entity in found]


@pytest.mark.parametrize(
    ("dataset", "split", "key"),
    [
        ("broad_twitter", "dev", "unknown_after"),
        ("broad_twitter", "dev", "no_names"),
        ("wnut17", "test", "annotates"),
        ("wnut17", "test", "map"),
    ],
)
def test_the_scores_show_when_a_stored_key_is_lost(dataset: str, split: str, key: str) -> None:
    archive = load(available()["en"])
    (config,) = [corpus for corpus in evaluate.trained_corpora(archive) if corpus.dataset == dataset]
    lost = replace(config, **{key: type(getattr(config, key))()})
    expected = next(row[3:] for row in SCORES if row[1] == dataset)
    try:
        corpus = corpora.load(lost, archive.labels, None, splits=(split,))
    except ConfigError:
        return
    f1 = scores.score(scores.scored_split(archive, corpus, split)).f1
    assert (f1, rawtext.f1(Recognizer(archive), corpus, split)) != expected
