"""Scores of documents: which sentences are one document, and what they read of each other."""

from pathlib import Path

import pytest

from nerve.model.annotation import Entity, Span
from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from nerve.model.tokenizer import joined
from nerve.training.config import CorpusConfig
from nerve.training.data import corpora
from nerve.training.measure.documents import lengths, scored_documents, spans_in
from nerve.training.measure.scores import scored_split

COLUMNS = "Ann B-PER\nleft O\n\nShe O\n\n"
SPANS = '{{"text": "Ann left. Bob stayed.", "spans": [[0, 3, "PER"]]{0}}}\n{{"text": "Ann left.", "spans": []{0}}}\n'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(COLUMNS, [1, 1], id="sentences of nobody knows which document"),
        pytest.param(f"-DOCSTART- O\n\n{COLUMNS}-DOCSTART- O\n\n{COLUMNS}", [2, 2], id="documents of CoNLL-2003"),
        pytest.param(f"{COLUMNS}-DOCSTART- O\n\n{COLUMNS}", [2, 2], id="what stands before the first mark"),
        pytest.param(SPANS.format(""), [2, 1], id="each text is a document"),
        pytest.param(SPANS.format(', "doc_id": "a"'), [3], id="texts that are parts of one document"),
    ],
)
def test_the_documents_of_a_file(tmp_path: Path, content: str, expected: list[int]) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(content, encoding="utf-8")
    assert lengths(CorpusConfig(train=str(path), dev=str(path)), "dev") == expected


def test_without_context_a_document_is_scored_as_its_sentences(trained: Path, toy_files: list[str]) -> None:
    archive = load(trained)
    corpus = corpora.load(CorpusConfig(train=toy_files[1], dev=toy_files[1]), archive.labels, None, ("dev",))
    count = len(corpus.splits["dev"])
    read = scored_documents(Recognizer(archive), corpus, "dev", [count - 2, 2], context=False)
    assert list(read) == scored_split(archive, corpus, "dev")


def test_an_entity_is_a_span_of_the_sentence_in_which_it_begins() -> None:
    text, tokens = joined(["Ann", "left", "New", "York", "."])
    entities = [Entity(0, 3, "PER", "Ann", 1.0), Entity(9, 17, "LOC", "New York", 1.0)]
    assert text[9:17] == "New York"
    assert [list(spans_in(sentence, entities)) for sentence in (tokens[:2], tokens[2:])] == [
        [Span(0, 1, "PER")],
        [Span(0, 2, "LOC")],
    ]
