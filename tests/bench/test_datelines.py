"""The documents of the Spanish files of CoNLL-2002: each begins with a dateline."""

from pathlib import Path

import pytest

from bench.datelines import ends_in_dateline, main
from nerve.training.config import CorpusConfig
from nerve.training.data.formats import read
from nerve.training.measure.documents import lengths

REPORTS = (
    "Madrid , 23 may ( EFE ) .",
    "Llueve en Galicia .",
    "SUBEN LOS PRECIOS La Coruña , 24 may ( EFECOM ) .",
    "Los precios suben .",
    "Nadie sabe por qué .",
)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("La Coruña , 23 may ( EFECOM ) .", True),
        ("Un titular Langreo , 23 may ( efe ) .", True),
        ("Lo dijo la Comisión ( CE ) .", False),
        ("Lo dijo la agencia ( EFE ) ayer .", False),
        ("( EFE ) .", False),
        ("EFE", False),
    ],
)
def test_a_dateline_names_the_agency_in_brackets_at_its_end(sentence: str, expected: bool) -> None:
    assert ends_in_dateline(sentence.split()) == expected


def columns(path: Path, sentences: tuple[str, ...]) -> Path:
    path.write_text("\n".join("".join(f"{word}\tO\n" for word in one.split()) for one in sentences), encoding="utf-8")
    return path


def test_a_document_begins_with_each_dateline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = columns(tmp_path / "es.dev.txt", REPORTS)
    assert main([str(path)]) == 0
    assert lengths(CorpusConfig(train=str(path), dev=str(path)), "dev") == [2, 3]
    assert capsys.readouterr().out == f"{path}: 2 documents, 5 sentences\n"


def test_the_sentences_stay_as_they_are(tmp_path: Path) -> None:
    path = columns(tmp_path / "es.txt", REPORTS)
    before = read(path)
    main([str(path)])
    assert read(path) == before


def test_what_is_marked_twice_is_as_if_it_were_marked_once(tmp_path: Path) -> None:
    path = columns(tmp_path / "es.txt", REPORTS)
    main([str(path)])
    once = path.read_bytes()
    main([str(path)])
    assert path.read_bytes() == once


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.txt")]) == 1
    assert "none.txt" in capsys.readouterr().err


def test_a_damaged_file_is_refused_and_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "es.txt"
    path.write_text("Madrid B-LOC\nllueve I-PER\n", encoding="utf-8")
    assert main([str(path)]) == 1
    assert "es.txt:2: " in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "Madrid B-LOC\nllueve I-PER\n"
