"""A folder of annotated files: files of one format are one corpus, each a document."""

import json
from pathlib import Path

import pytest

from nerve.training.data.formats import FormatError, Reading, load, write_copy
from nerve.training.data.quality.examined import examine
from nerve.training.data.quality.mending import clean
from tests.training.data.test_samples import FORMATS, SAMPLES, SENTENCES, sentences

FILES = [name for name in FORMATS if not name.startswith("brat")]


def folder_of(path: Path, **files: str) -> Path:
    """A folder with these files, each a copy of a sample. The word before `__` is a folder in it."""
    for name, sample in files.items():
        source = SAMPLES / sample
        file = path / f"{name.replace('__', '/')}{source.suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(source.read_bytes())
    return path


@pytest.mark.parametrize("name", FILES)
def test_files_of_one_format_are_read_as_one_corpus(tmp_path: Path, name: str) -> None:
    loaded = load(folder_of(tmp_path, letter=name, below__note=name))
    assert loaded.format == FORMATS[name]
    assert sentences(loaded.faultless()) == [*SENTENCES, *SENTENCES]


def test_a_file_of_sentences_is_a_document_that_has_its_name(tmp_path: Path) -> None:
    loaded = load(folder_of(tmp_path, b="bilou.conll", a__a="bilou.conll"))
    assert [document.group for document in loaded.documents] == ["a/a"] * 4 + ["b"] * 4


def test_documents_that_a_file_only_counts_are_those_of_that_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("-DOCSTART- O\n\nAda B-PER\nran O\n\n-DOCSTART- O\n\nBonn B-LOC\nis O\n")
    groups = [document.group for document in load(tmp_path).documents]
    assert groups == ["a, document 1", "a, document 2", "b, document 1", "b, document 2"]


def test_texts_and_documents_with_a_name_stay_what_they_are(tmp_path: Path) -> None:
    texts = load(folder_of(tmp_path / "texts", a="doccano.jsonl", b="doccano.jsonl"))
    assert [document.group for document in texts.documents] == [
        document.group for document in load(SAMPLES / "doccano.jsonl").documents
    ] * 2
    named = load(folder_of(tmp_path / "named", a="ud.conllu"))
    assert [document.group for document in named.documents] == ["letter", "note", "note", "note"]


def test_files_of_two_formats_are_refused_by_name(tmp_path: Path) -> None:
    folder_of(tmp_path, a="bilou.conll", b="doccano.jsonl")
    with pytest.raises(FormatError, match=r"in one format: a\.conll is columns, b\.jsonl is doccano$"):
        load(tmp_path)


def test_a_file_that_is_none_of_annotations_is_refused_by_name(tmp_path: Path) -> None:
    folder_of(tmp_path, a="bilou.conll")
    (tmp_path / "README").write_text("These are letters.\n")
    with pytest.raises(FormatError, match=r"README:1: the last of 3 columns holds no tags of names"):
        load(tmp_path)


def test_hidden_files_and_the_names_of_tags_are_no_annotations(tmp_path: Path) -> None:
    for hidden in (".git/config", ".DS_Store"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_text("something else\n")
    (tmp_path / "a.jsonl").write_text('{"tokens": ["Ada", "ran"], "ner_tags": [1, 0]}\n')
    names = {"names": ["O", "B-PER"], "_type": "ClassLabel"}
    features = {"ner_tags": {"feature": names, "_type": "Sequence"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": features}))
    assert [sentence.tags for sentence in sentences(load(tmp_path).faultless())] == [("B-PER", "O")]


def test_the_splits_of_a_corpus_are_not_read_as_one(tmp_path: Path) -> None:
    folder_of(tmp_path, wiki_train="bilou.conll", wiki_dev="bilou.conll")
    fact = r"the folder holds the splits of a corpus, wiki_train\.conll and wiki_dev\.conll: give each file by itself"
    with pytest.raises(FormatError, match=fact):
        load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="the folder holds no file"):
        load(tmp_path)


def test_a_fault_has_its_file_and_line(tmp_path: Path) -> None:
    folder_of(tmp_path, a="bilou.conll")
    (tmp_path / "b.conll").write_text("Ada U-PER\nran\n")
    with pytest.raises(FormatError, match=r"b\.conll:2: 1 column; most lines have 2"):
        load(tmp_path).faultless()


def test_offsets_that_do_not_fit_have_the_file_in_which_they_first_do_not(tmp_path: Path) -> None:
    folder_of(tmp_path, a="doccano.jsonl")
    (tmp_path / "b.jsonl").write_text('{"text": "😀 Ada met Lee.", "label": [[3, 6, "P"], [11, 14, "P"]]}\n' * 9)
    with pytest.raises(FormatError, match=r"b\.jsonl:1: .* fit: give --offsets utf16"):
        load(tmp_path).faultless()


def test_a_part_of_a_folder_is_written_as_one_file(tmp_path: Path) -> None:
    loaded = load(folder_of(tmp_path / "letters.2", a="inception.tsv", b="inception.tsv"))
    written = write_copy(loaded.path, loaded.format, loaded.documents[:4], tmp_path / "part")
    assert written == tmp_path / "part.tsv"
    assert sentences(load(written).faultless()) == SENTENCES


def test_a_cleaned_copy_of_a_folder_is_a_file_beside_it(tmp_path: Path) -> None:
    folder_of(tmp_path / "letters", a="bilou.conll", b="bilou.conll")
    (cleaned,) = clean(examine([tmp_path / "letters"]), Reading())
    assert (cleaned.path, len(cleaned.changes)) == (tmp_path / "letters.clean.conll", 3)
