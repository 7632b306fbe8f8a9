"""The check of the model cards: it passes on figures that can be measured again, and fails on any that cannot."""

import shutil
from pathlib import Path

import pytest

from nerve.training import train
from nerve.training.data.formats import write_columns
from recipes import cards
from recipes.cards import Difference, compare
from tests.support.toy_corpus import FLAGS, sentences


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained archive, its card, and the files it was trained on."""
    folder = tmp_path_factory.mktemp("trained")
    files = []
    for seed, split in enumerate(("train", "dev", "test")):
        write_columns(folder / f"toy.{split}.conll", sentences(24, seed))
        files += [f"--{split}", str(folder / f"toy.{split}.conll")]
    assert train.main([*files, *FLAGS, "--output", str(folder / "mine.pt")]) == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of the archive and its card that a test may change; the corpus stays where it was."""
    for name in ("mine.pt", "mine.md"):
        shutil.copy(trained / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def test_file(trained: Path) -> object:
    """The test split, which is put back after a test has changed it."""
    path = trained / "toy.test.conll"
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def test_a_card_that_tells_the_truth_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cards.main([str(folder / "mine.pt")]) == 0
    out, err = capsys.readouterr()
    rows = [line for line in out.splitlines() if line.startswith("| mine |")]
    assert [row.split(" | ")[1] for row in rows] == ["toy.train dev", "toy.train test"]
    assert all(row.endswith("| none |") for row in rows)
    assert err.splitlines()[-1] == "2 splits measured, 0 differences"


def test_a_figure_that_is_measured_otherwise_fails_by_name(
    folder: Path, test_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test_file.write_text(test_file.read_text(encoding="utf-8").replace("-PER", "-ORG"), encoding="utf-8")
    assert cards.main([str(folder / "mine.pt")]) == 1
    rows = [line for line in capsys.readouterr().out.splitlines() if "toy.train test" in line]
    assert "labels.PER.support: " in rows[0]


def test_a_card_that_states_other_figures_than_its_archive_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = folder / "mine.md"
    card.write_text(
        card.read_text(encoding="utf-8").replace("| toy.train test |", "| toy.train tset |"), encoding="utf-8"
    )
    assert cards.main([str(folder / "mine.pt")]) == 1
    assert f"{card} lacks | toy.train test |" in capsys.readouterr().err


def test_a_corpus_that_is_not_there_is_said_to_be_not_measured(
    folder: Path, test_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test_file.unlink()
    assert cards.main([str(folder / "mine.pt")]) == 1  # nothing is left to measure
    assert "mine: toy.train dev, test: not measured: " in capsys.readouterr().err


def test_a_missing_archive_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cards.main([str(tmp_path / "absent.pt")]) == 1
    assert capsys.readouterr().err.startswith(f"recipes.cards: {tmp_path / 'absent.pt'}: no such file")


@pytest.mark.parametrize(
    ("stated", "measured", "differing"),
    [
        ({"f1": 60.49}, {"f1": 60.49}, []),
        ({"f1": 60.49}, {"f1": 60.50}, []),
        ({"f1": 60.49}, {"f1": 60.51}, ["f1"]),
        ({"calibration": {"error": 0.0533}}, {"calibration": {"error": 0.0534}}, []),
        ({"calibration": {"error": 0.0533}}, {"calibration": {"error": 0.0540}}, ["calibration.error"]),
        (
            {"calibration": {"bins": [[3, 0.9, 1.0]]}},
            {"calibration": {"bins": [[4, 0.9, 1.0]]}},
            ["calibration.bins.0.0"],
        ),
        ({"labels": {"PER": {"f1": 1.0}}}, {"labels": {}}, ["labels.PER.f1"]),
        ({"labels": {}}, {"labels": {"PER": {"f1": 1.0}}}, ["labels.PER.f1"]),
        ({"f1": 0.0}, {"f1": float("nan")}, ["f1"]),
    ],
)
def test_a_figure_differs_if_it_is_off_by_more_than_rounding(
    stated: dict[str, object], measured: dict[str, object], differing: list[str]
) -> None:
    found = list(compare(stated, measured))
    assert all(isinstance(one, Difference) for one in found)
    assert [one.figure for one in found] == differing
