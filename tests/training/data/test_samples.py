"""Each format as its tool writes it: read by its content, and written so that it is read back."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from nerve.model.annotation import Sentence
from nerve.model.tags import spans_of
from nerve.training.config import CorpusConfig
from nerve.training.data import corpora
from nerve.training.data.formats import WRITERS, Document, FormatError, Reading, load

SAMPLES = Path(__file__).parent / "samples"
# What every sample holds, in its own way.
SENTENCES = [
    Sentence(
        ("😀", "Ada", "Lovelace", "wrote", "to", "London", "."), ("O", "B-PER", "I-PER", "O", "O", "B-LOC", "O")
    ),
    Sentence(
        ("Acme", "Corp", "hired", "Grace", "in", "Oslo", "."), ("B-ORG", "I-ORG", "O", "B-PER", "O", "B-LOC", "O")
    ),
    Sentence(("She", "left", "in", "May", "."), ("O",) * 5),
    Sentence(("Nobody", "came", "."), ("O",) * 3),
]
FORMATS = {
    "columns.conll": "columns",
    "bilou.conll": "columns",
    "bioes.conll": "columns",
    "bare.conll": "columns",
    "multiconer.conll": "columns",
    "wikineural.conll": "index-first",
    "germeval.tsv": "index-first",
    "uner.iob2": "index-first",
    "ud.conllu": "conllu",
    "kaggle.csv": "csv",
    "ids.csv": "csv",
    "doccano.jsonl": "doccano",
    "doccano-relations.jsonl": "doccano",
    "doccano-old.jsonl": "doccano",
    "label-studio.json": "label-studio",
    "label-studio-min.json": "label-studio-min",
    "prodigy.jsonl": "prodigy",
    "spacy-tuples.json": "spacy-tuples",
    "ner-annotator.json": "ner-annotator",
    "spacy-2.json": "spacy-2",
    "gliner.json": "gliner",
    "rows.jsonl": "rows",
    "rows-viewer.json": "rows",
    "brat": "brat",
    "brat/letter-1.txt": "brat",
    "inception.tsv": "webanno",
}
WITH_EXTRAS = {"docbin": "spacy", "parquet": "pyarrow"}


def sentences(documents: Sequence[Document]) -> list[Sentence]:
    return [sentence for document in documents for sentence in document.sentences()]


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_is_recognised_and_read(name: str) -> None:
    loaded = load(SAMPLES / name)
    assert loaded.format == FORMATS[name]
    expected = SENTENCES[:1] if name == "brat/letter-1.txt" else SENTENCES
    assert sentences(loaded.faultless()) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_a_training_reads_the_sentences_of_a_sample(name: str) -> None:
    path = str(SAMPLES / name)
    corpus = corpora.load(CorpusConfig(train=path, dev=path), (), None)
    expected = SENTENCES[:1] if name == "brat/letter-1.txt" else SENTENCES
    learned = [(one.tokens, one.spans) for one in corpus.splits["train"]]
    assert learned == [(one.tokens, tuple(spans_of(one.tags))) for one in expected]
    assert corpus.splits["dev"] == corpus.splits["train"]


def test_every_sample_is_tested() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {name.partition("/")[0] for name in FORMATS}


@pytest.mark.parametrize("name", ["a", "a.txt", "a.json", "a.conll", "a.csv", "a.tsv"])
@pytest.mark.parametrize("sample", [name for name in FORMATS if not name.startswith("brat") and "json" not in name])
def test_the_content_of_a_file_of_columns_counts_whatever_its_name(tmp_path: Path, name: str, sample: str) -> None:
    (tmp_path / name).write_bytes((SAMPLES / sample).read_bytes())
    if name.endswith(".json"):
        with pytest.raises(FormatError, match="not JSON"):
            load(tmp_path / name).faultless()
    else:
        assert load(tmp_path / name).format == FORMATS[sample]


@pytest.mark.parametrize("sample", ["columns.conll", "doccano.jsonl"])
@pytest.mark.parametrize("to", WRITERS)
def test_what_is_written_in_a_format_is_recognised_and_read_back(tmp_path: Path, to: str, sample: str) -> None:
    pytest.importorskip(WITH_EXTRAS.get(to, "json"))
    path = tmp_path / f"out{WRITERS[to].suffix}"
    WRITERS[to].write(path, load(SAMPLES / sample).documents)
    loaded = load(path)
    assert loaded.format == to
    assert sentences(loaded.faultless()) == SENTENCES


@pytest.mark.parametrize("to", WRITERS)
def test_only_the_file_itself_is_left_behind(tmp_path: Path, to: str) -> None:
    pytest.importorskip(WITH_EXTRAS.get(to, "json"))
    WRITERS[to].write(tmp_path / "out", load(SAMPLES / "doccano.jsonl").documents)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_texts_stay_the_same_between_formats_of_texts(tmp_path: Path) -> None:
    given = load(SAMPLES / "label-studio.json").documents
    for to in ("doccano", "label-studio", "prodigy", "spacy-tuples", "ner-annotator", "brat"):
        path = tmp_path / to
        WRITERS[to].write(path, given)
        assert [document.content for document in load(path).documents] == [document.content for document in given]


def test_the_sentences_of_a_document_stay_together(tmp_path: Path) -> None:
    for to in ("columns", "conllu", "rows"):
        path = tmp_path / to
        WRITERS[to].write(path, load(SAMPLES / "doccano.jsonl").documents)
        first, second, third, fourth = (document.group for document in load(path).documents)
        assert second == third
        assert len({first, second, fourth}) == 3
    assert [document.group for document in load(SAMPLES / "ud.conllu").documents] == [
        "letter",
        "note",
        "note",
        "note",
    ]


def test_numbered_tags_are_named_by_the_file_beside_or_by_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"tokens": ["Ada", "Bonn"], "ner_tags": [1, 2]}\n')
    with pytest.raises(FormatError, match=r"rows\.jsonl:1: ner_tags holds numbers: name their tags in order"):
        load(path).faultless()
    expected = [Sentence(("Ada", "Bonn"), ("B-PER", "B-LOC"))]
    assert sentences(load(path, Reading(names=("O", "B-PER", "B-LOC"))).faultless()) == expected
    names = {"names": ["O", "B-PER", "B-LOC"], "_type": "ClassLabel"}
    features = {"features": {"ner_tags": {"feature": names, "_type": "Sequence"}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(features))
    assert sentences(load(path).faultless()) == expected


def test_a_dataset_saved_to_disk_is_read(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"tokens": [["Ada"]], "ner_tags": [["B-PER"]]})
    file = str(tmp_path / "data-00000-of-00001.arrow")
    with arrow.OSFile(file, "wb") as out, arrow.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    assert sentences(load(tmp_path).faultless()) == [Sentence(("Ada",), ("B-PER",))]


@pytest.mark.parametrize(("to", "package"), WITH_EXTRAS.items())
def test_without_its_package_a_format_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, package: str
) -> None:
    for module in (package, f"{package}.parquet", f"{package}.tokens"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    path = tmp_path / f"out{WRITERS[to].suffix}"
    path.write_bytes(b"PAR1" if to == "parquet" else b"x")
    with pytest.raises(FormatError, match=rf"needs the package {package}: pip install 'nerve-ner\[\w+\]'"):
        load(path)
    with pytest.raises(FormatError, match=rf"needs the package {package}"):
        WRITERS[to].write(path, ())
