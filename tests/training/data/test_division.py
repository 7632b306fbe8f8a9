"""A file that its configuration divides, and the files of its parts."""

import json
from pathlib import Path

import pytest

from nerve.training.config import ConfigError, CorpusConfig
from nerve.training.data import corpora
from nerve.training.data.division import write_parts
from nerve.training.data.formats import WRITERS, load, read, write_columns
from tests.support.toy_corpus import sentences, write_jsonl


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_columns(tmp_path / "all.conll", sentences(100))
    return tmp_path / "all.conll"


def test_a_divided_corpus_has_the_splits_that_its_files_have(file: Path, tmp_path: Path) -> None:
    config = CorpusConfig(train=str(file), split="80/10/10")
    corpus = corpora.load(config, (), None)
    _, paths = write_parts(config, tmp_path / "mine", replace=False)
    assert [path.name for path in paths] == ["mine.train.conll", "mine.dev.conll", "mine.test.conll"]
    for name, path in zip(("train", "dev", "test"), paths, strict=True):
        assert [one.tokens for one in corpus.splits[name]] == [one.tokens for one in read(path)]
    assert corpora.load(config, (), None, splits=("dev",)).splits == {"dev": corpus.splits["dev"]}


def test_of_a_fold_only_what_is_held_out_is_written(file: Path, tmp_path: Path) -> None:
    _, paths = write_parts(CorpusConfig(train=str(file), fold="2/5"), tmp_path / "2", replace=False)
    assert [path.name for path in paths] == ["2.dev.conll", "2.test.conll"]


def test_two_shares_leave_room_for_a_test_file(file: Path, tmp_path: Path) -> None:
    write_columns(tmp_path / "test.conll", sentences(5, seed=9))
    config = CorpusConfig(train=str(file), test=str(tmp_path / "test.conll"), split="80/20")
    corpus = corpora.load(config, (), None)
    assert (list(corpus.splits), len(corpus.splits["test"])) == (["train", "dev", "test"], 5)


@pytest.mark.parametrize("form", ["doccano", "label-studio", "brat", "rows", "csv"])
def test_the_parts_have_the_format_of_the_file(tmp_path: Path, form: str) -> None:
    write_jsonl(tmp_path / "all", sentences(60))
    source = tmp_path / f"source{WRITERS[form].suffix}"
    WRITERS[form].write(source, load(tmp_path / "all").documents)
    config = CorpusConfig(train=str(source), split="80/10/10")
    division, paths = write_parts(config, tmp_path / "mine", replace=False)
    for name, path in zip(("train", "dev", "test"), paths, strict=True):
        assert load(path).format == form
        held = [sentence for document in division.splits[name] for sentence in document.sentences()]
        assert set(read(path)) == set(held)
    assert write_parts(config, tmp_path / "mine", replace=False)[1] == paths, "the same again is no fault"


def test_a_file_that_holds_something_else_is_not_written_over(file: Path, tmp_path: Path) -> None:
    config = CorpusConfig(train=str(file), split="80/10/10")
    (tmp_path / "mine.dev.conll").write_text("precious", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.dev\.conll is there and holds something else"):
        write_parts(config, tmp_path / "mine", replace=False)
    assert (tmp_path / "mine.dev.conll").read_text(encoding="utf-8") == "precious"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    write_parts(config, tmp_path / "mine", replace=True)
    assert read(tmp_path / "mine.dev.conll")


def test_a_file_that_is_too_small_is_refused_by_name(tmp_path: Path) -> None:
    write_columns(tmp_path / "all.conll", sentences(2))
    with pytest.raises(ConfigError, match=r"all\.conll: 2 documents are too few for 3 parts"):
        corpora.load(CorpusConfig(train=str(tmp_path / "all.conll"), split="80/10/10"), (), None)


def test_a_corpus_is_read_as_its_configuration_says(tmp_path: Path) -> None:
    record = {"text": "\U0001f600 Ada wrote.", "label": [[3, 6, "PER"]]}
    (tmp_path / "all.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    found = corpora.load(CorpusConfig(train=str(tmp_path / "all.jsonl"), offsets="utf16"), (), None)
    (sentence,) = found.splits["train"]
    (span,) = sentence.spans
    assert sentence.tokens[span.start : span.end] == ("Ada",)
