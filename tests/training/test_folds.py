"""Cross-validation: every fold once, resumed after an interruption, and the mean and spread of what they score."""

import json
from pathlib import Path
from statistics import fmean, stdev

import pytest

from nerve.model.archive import load
from nerve.training import folds, train
from nerve.training.config import Config, ConfigError
from nerve.training.data.formats import read, write_columns
from tests.support.toy_corpus import FLAGS, sentences

SMALL = [*FLAGS, "--epochs", "1"]


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A command line that makes two folds of a file."""
    write_columns(tmp_path / "all.conll", sentences(60))
    return ["--train", str(tmp_path / "all.conll"), "--folds", "2", *SMALL, "--output", str(tmp_path / "mine.pt")]


def test_each_fold_leaves_its_model_and_what_it_was_tested_on(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, trained = train.train, []

    def interrupted(config: Config, output: Path, **rest: object) -> None:
        if len(trained) == 1:
            raise KeyboardInterrupt
        trained.append(output.name)
        real(config, output, **rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(train, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train.main(arguments)
    first = (tmp_path / "mine.folds" / "1.pt").stat().st_mtime_ns

    assert train.main(arguments) == 0
    folder = tmp_path / "mine.folds"
    assert (folder / "1.pt").stat().st_mtime_ns == first, "a fold that is done is not trained again"
    assert {f"{number}{suffix}" for number in (1, 2) for suffix in (".pt", ".dev.conll", ".test.conll")} <= {
        path.name for path in folder.iterdir()
    }
    assert not (tmp_path / "mine.pt").exists()
    tests = [sentence for number in (1, 2) for sentence in read(folder / f"{number}.test.conll")]
    assert set(tests) == set(read(tmp_path / "all.conll"))

    found = [load(folder / f"{number}.pt").metadata.scores["all test"]["f1"] for number in (1, 2)]
    lines = capsys.readouterr().err.splitlines()
    shown = f"{fmean(found):.2f} {stdev(found):.2f} {min(found):.2f} {max(found):.2f}".split()
    assert lines[-2].split() == ["micro", *shown]
    assert lines[-1].endswith(f"are in {folder}")
    assert load(folder / "2.pt").metadata.settings["corpora"][0]["fold"] == "2/2"


def cross_validate(config: Config, folder: Path, count: int, *, restart: bool = False) -> list[Path]:
    """The archives that are trained; no training takes place."""
    trained: list[Path] = []
    list(
        folds.cross_validate(config, count, folder / "mine.pt", lambda _, path: trained.append(path), restart=restart)
    )
    return trained


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    write_columns(tmp_path / "all.conll", sentences(60))
    (tmp_path / "mine.folds").mkdir()
    monkeypatch.setattr(folds, "_scores", lambda path: {"micro": float(path.stem)})
    return Config(corpora=({"train": str(tmp_path / "all.conll")},))  # type: ignore[arg-type]


def test_what_is_done_is_not_trained_again_unless_it_is_restarted(config: Config, tmp_path: Path) -> None:
    assert len(cross_validate(config, tmp_path, 3)) == 3
    assert cross_validate(config, tmp_path, 3) == []
    assert len(cross_validate(config, tmp_path, 3, restart=True)) == 3


@pytest.mark.parametrize("change", ["data", "folds"])
def test_the_scores_of_something_else_are_refused_and_kept(config: Config, tmp_path: Path, change: str) -> None:
    cross_validate(config, tmp_path, 2)
    before = (tmp_path / "mine.folds" / "scores.json").read_bytes()
    if change == "data":
        write_columns(tmp_path / "all.conll", sentences(61))
    with pytest.raises(ConfigError, match="a cross-validation with other settings, data or code"):
        cross_validate(config, tmp_path, 2 if change == "data" else 3)
    assert (tmp_path / "mine.folds" / "scores.json").read_bytes() == before


@pytest.mark.parametrize("content", [b"{", b"[]", json.dumps({"key": 1}).encode()])
def test_damaged_scores_are_refused(config: Config, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.folds" / "scores.json").write_bytes(content)
    with pytest.raises(ConfigError, match="damaged; start over with --restart"):
        cross_validate(config, tmp_path, 2)


def test_mean_and_spread_of_each_label_are_shown() -> None:
    lines = list(folds.summary([{"LOC": 50.0, "micro": 60.0}, {"LOC": 60.0, "PER": 90.0, "micro": 70.0}]))
    assert [line.split() for line in lines] == [
        ["label", "mean", "F1", "spread", "lowest", "highest"],
        ["LOC", "55.00", "7.07", "50.00", "60.00"],
        ["PER", "90.00", "-", "90.00", "90.00"],
        ["micro", "65.00", "7.07", "60.00", "70.00"],
    ]
