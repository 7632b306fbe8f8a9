"""Which sentences the English teacher learns from and tags."""

from pathlib import Path

import pytest

from nerve.model.annotation import Sentence
from nerve.training.config import read
from nerve.training.data import datasets
from nerve.training.data.datasets import DatasetError
from recipes import english


def plain(given: str) -> list[tuple[str, ...]]:
    """The sentences of a text that are read alone."""
    return [one.tokens for passage in english.plain_passages(given, 0) for one in passage]


def test_a_text_gives_each_sentence_once_in_a_random_order(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("We met in Oslo today. He left.\nWe met in Oslo today. They sang in the old church.\n")
    found = plain(str(path))
    assert sorted(found) == [
        ("They", "sang", "in", "the", "old", "church", "."),
        ("We", "met", "in", "Oslo", "today", "."),
    ]
    assert plain(f"{path}:1") == found[:1]


def test_sentences_of_a_paragraph_are_read_together(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("We met in Oslo today. He left at noon.\nThey sang in the old church.\n")
    found = english.plain_passages(str(path), 100)
    assert sorted([one.tokens[0] for one in passage] for passage in found) == [["They"], ["We", "He"]]


def test_a_passage_stays_within_its_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two documents of two sentences each."""
    document = [Sentence(("Oslo",), ("B-LOC",)), Sentence(("Anna", "sleeps"), ("B-PER", "O"))]
    monkeypatch.setattr(datasets, "load", lambda *_: 2 * document)
    monkeypatch.setattr(datasets, "document_lengths", lambda *_: [2, 2])
    config = tmp_path / "news.toml"
    config.write_text('name = "news"\nlabels = ["PER", "LOC"]\n[[corpora]]\ndataset = "conll2003"\n')
    found = english.lessons(read(config, {}), tmp_path / "silver.txt", None, 100)
    assert {lesson.sentence.tokens for lesson in found} == {("Oslo", "Anna", "sleeps")}


def test_together_needs_documents(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Oslo\tB-LOC\n\n")
    config = tmp_path / "own.toml"
    config.write_text(f'name = "own"\nlabels = ["LOC"]\n[[corpora]]\ntrain = "{tmp_path}/own.txt"\n')
    with pytest.raises(DatasetError, match="no dataset does not say where a document begins"):
        english.lessons(read(config, {}), tmp_path / "silver.txt", None, 100)


def test_a_sentence_in_which_a_word_is_missing_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("Author Walter <unk> denied it for years. Fast Eddie played on for years.\n")
    assert [words[:2] for words in plain(str(path))] == [("Fast", "Eddie")]


def test_the_marks_of_wikitext_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" = A heading of five words = \n A long @-@ term plan cost 1 @,@ 500 dollars . \n")
    assert plain(str(path)) == [
        ("A", "long-term", "plan", "cost", "1,500", "dollars", "."),
    ]


def test_the_teacher_learns_from_every_corpus_but_what_it_writes(tmp_path: Path) -> None:
    """A small corpus is read more than once, a large one in part."""
    (tmp_path / "small.txt").write_text("Anna\tB-PER\nsleeps\tO\n\n")
    (tmp_path / "large.txt").write_text("Oslo\tB-LOC\nsleeps\tO\n\n" * (english.MOST + 5))
    (tmp_path / "silver.txt").write_text("Bergen\tB-LOC\n\n")
    config = tmp_path / "en.toml"
    config.write_text(
        'name = "en"\nlabels = ["PER", "LOC"]\n'
        f'[[corpora]]\ntrain = "{tmp_path}/small.txt"\nannotates = ["PER"]\n'
        f'[[corpora]]\ntrain = "{tmp_path}/large.txt"\n'
        f'[[corpora]]\ntrain = "{tmp_path}/silver.txt"\n'
    )
    lessons = english.lessons(read(config, {}), tmp_path / "silver.txt", None, 0)
    first = [lesson.sentence.tokens[0] for lesson in lessons]
    assert {word: first.count(word) for word in first} == {"Anna": english.FEWEST, "Oslo": english.MOST}
    assert {lesson.labels for lesson in lessons if lesson.sentence.tokens[0] == "Anna"} == {("PER",)}


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheels = [str(tmp_path / f"{n}.whl") for n in range(5)]
    given = ["text.txt", "--mpnet", *wheels, "--config", "recipes/en/en.toml", "--output", str(tmp_path)]
    assert english.main(given) == 1
    assert capsys.readouterr().err.startswith("recipes.english: ")


def test_silver_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "silver.txt").write_text("Bergen\tB-LOC\n\n")
    wheels = [str(tmp_path / f"{n}.whl") for n in range(5)]
    given = ["text.txt", "--mpnet", *wheels, "--config", "recipes/en/en.toml", "--output", str(tmp_path)]
    assert english.main(given) == 0
