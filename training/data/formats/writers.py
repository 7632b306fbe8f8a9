"""Documents written in each format. A file appears whole or not at all."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import OUTSIDE, labels_of, spans_of, tags_of
from nerve.training.data import detokenize
from nerve.training.data.formats.columns import DOCUMENT_START, check_cells
from nerve.training.data.formats.document import Document, Text
from nerve.training.data.formats.extras import required
from nerve.training.data.formats.webanno import LAYER

Json = dict[str, Any]


class Writer(NamedTuple):
    """How a format is written, and what its files are called."""

    write: Callable[[Path, Sequence[Document]], None]
    suffix: str
    about: str


def columns(path: Path, documents: Sequence[Document]) -> None:
    """Two columns, token and tag. `-DOCSTART-` separates documents where they are known."""
    lines = []
    for begun, sentences in _beginnings(documents):
        if begun:
            lines.append(f"{DOCUMENT_START}\t{OUTSIDE}\n\n")
        for sentence in sentences:
            check_cells(sentence)
            lines += [f"{token}\t{tag}\n" for token, tag in zip(sentence.tokens, sentence.tags, strict=True)]
            lines.append("\n")
    _write(path, "".join(lines))


def conllu(path: Path, documents: Sequence[Document]) -> None:
    """CoNLL-U, the tags in its last column."""
    lines = []
    for begun, sentences in _beginnings(documents):
        if begun:
            lines.append(f"# newdoc id = {begun}\n")
        for sentence in sentences:
            check_cells(sentence)
            text, places = detokenize.join(sentence.tokens)
            lines.append(f"# text = {text}\n")
            for number, (token, tag, place) in enumerate(
                zip(sentence.tokens, sentence.tags, places, strict=True), start=1
            ):
                glued = number < len(places) and places[number][0] == place[1]
                lines.append(_conllu_row(number, token, tag, glued))
            lines.append("\n")
    _write(path, "".join(lines))


def table(path: Path, documents: Sequence[Document]) -> None:
    """CSV, a row a token, with the number of its sentence."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["sentence_id", "token", "tag"])
    number = 0
    for document in documents:
        for sentence in document.sentences():
            number += 1
            rows.writerows([number, *pair] for pair in zip(sentence.tokens, sentence.tags, strict=True))
    _write(path, out.getvalue())


def doccano(path: Path, documents: Sequence[Document]) -> None:
    """JSON lines as doccano imports and exports them."""
    _lines(path, ({"text": text, "label": _triples(spans), **group} for text, spans, group in _texts(documents)))


def prodigy(path: Path, documents: Sequence[Document]) -> None:
    """JSON lines of accepted tasks."""
    _lines(
        path,
        (
            {
                "text": text,
                "spans": list(map(_object, spans)),
                "answer": "accept",
                **({"meta": group} if group else {}),
            }
            for text, spans, group in _texts(documents)
        ),
    )


def spacy_tuples(path: Path, documents: Sequence[Document]) -> None:
    """A JSON array of texts with their entities, as `TRAIN_DATA` of spaCy's users."""
    _array(path, ([text, {"entities": _triples(spans)}] for text, spans, _ in _texts(documents)))


def ner_annotator(path: Path, documents: Sequence[Document]) -> None:
    """The JSON of ner-annotator: its classes, and its annotations."""
    pairs = [[text, {"entities": _triples(spans)}] for text, spans, _ in _texts(documents)]
    classes = sorted({label for _, entities in pairs for _, _, label in entities["entities"]})  # type: ignore[index]
    _write(path, json.dumps({"classes": classes, "annotations": pairs}, ensure_ascii=False) + "\n")


def label_studio(path: Path, documents: Sequence[Document]) -> None:
    """A JSON array of annotated tasks, for a labelling configuration with `<Labels name="label" toName="text">`."""
    _array(path, (_task(text, spans, group) for text, spans, group in _texts(documents)))


def _task(text: str, spans: Iterable[Span], group: Json) -> Json:
    result = [
        {
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": span.start,
                "end": span.end,
                "text": text[span.start : span.end],
                "labels": [span.label],
            },
        }
        for span in spans
    ]
    return {"data": {"text": text, **group}, "annotations": [{"result": result}]}


def gliner(path: Path, documents: Sequence[Document]) -> None:
    """JSON lines of tokens, and names by their first and last token."""
    _lines(
        path,
        (
            {
                "tokenized_text": list(sentence.tokens),
                "ner": [[span.start, span.end - 1, span.label] for span in spans_of(sentence.tags)],
            }
            for document in documents
            for sentence in document.sentences()
        ),
    )


def rows(path: Path, documents: Sequence[Document]) -> None:
    """JSON lines of tokens and tags, as rows of a dataset of Hugging Face."""
    _lines(
        path,
        (
            {"tokens": list(sentence.tokens), "ner_tags": list(sentence.tags), **({"doc_id": name} if name else {})}
            for name, sentences in _named(documents)
            for sentence in sentences
        ),
    )


def spacy_2(path: Path, documents: Sequence[Document]) -> None:
    """The JSON that spaCy 2 trained on, tags in BILUO."""
    _array(
        path,
        (
            {"id": document.group or str(number), "paragraphs": [{"sentences": sentences}]}
            for number, document in enumerate(documents)
            if (sentences := [_spacy_sentence(sentence) for sentence in document.sentences()])
        ),
    )


def _spacy_sentence(sentence: Sentence) -> Json:
    tags = [OUTSIDE] * len(sentence.tags)
    for span in spans_of(sentence.tags):
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        tags[span.start], tags[span.end - 1] = f"B-{span.label}", f"L-{span.label}"
        if span.end - span.start == 1:
            tags[span.start] = f"U-{span.label}"
    pairs = enumerate(zip(sentence.tokens, tags, strict=True))
    return {"tokens": [{"id": number, "orth": token, "ner": tag} for number, (token, tag) in pairs]}


def webanno(path: Path, documents: Sequence[Document]) -> None:
    """WebAnno TSV 3.3, which INCEpTION imports; its offsets count UTF-16 units."""
    lines = ["#FORMAT=WebAnno TSV 3.3", f"#T_SP={LAYER}|identifier|value", "", ""]
    place = named = 0
    sentences = (sentence for document in documents for sentence in document.sentences())
    for number, sentence in enumerate(sentences, start=1):
        text, places = detokenize.join(sentence.tokens)
        cells = [("_", "_")] * len(places)
        for span in spans_of(sentence.tags):
            label = "".join("\\" + character if character in "\\[]|_;->*" else character for character in span.label)
            several = span.end - span.start > 1
            named += several
            mark = f"[{named}]" if several else ""
            cells[span.start : span.end] = [(f"*{mark}", f"{label}{mark}")] * (span.end - span.start)
        lines.append("#Text=" + text.replace("\\", "\\\\"))
        for index, ((start, end), cell) in enumerate(zip(places, cells, strict=True)):
            first, after = (place + len(text[:edge].encode("utf-16-le")) // 2 for edge in (start, end))
            lines.append("\t".join((f"{number}-{index + 1}", f"{first}-{after}", text[start:end], *cell, "")))
        lines.append("")
        place += len(text.encode("utf-16-le")) // 2 + 1
    _write(path, "\n".join(lines) + "\n")


def brat(path: Path, documents: Sequence[Document]) -> None:
    """A folder with a .txt and an .ann file for each text. Sentences of one document are paragraphs of its text."""
    path.mkdir(parents=True, exist_ok=True)
    names: dict[str, Text] = {}
    for number, document in enumerate(documents, start=1):
        text, spans = document.as_text()
        alone = isinstance(document.content, Text)
        name = f"{number:05}" if alone else "".join(c if c.isalnum() else "-" for c in document.group) or "sentences"
        before = names.get(name, Text("", ()))
        start = len(before.text) + 2 if before.text else 0
        moved = tuple(Span(start + span.start, start + span.end, span.label) for span in spans)
        names[name] = Text(f"{before.text}\n\n{text}" if before.text else text, (*before.spans, *moved))
    for name, (text, spans) in names.items():
        marks = [
            f"T{number}\t{''.join(span.label.split())} {span.start} {span.end}\t"
            f"{' '.join(text[span.start : span.end].splitlines())}\n"
            for number, span in enumerate(spans, start=1)
        ]
        _write(path / f"{name}.txt", text)
        _write(path / f"{name}.ann", "".join(marks))


def parquet(path: Path, documents: Sequence[Document]) -> None:
    """Parquet with the columns `tokens` and `ner_tags`, whose names the library datasets reads.

    Raises:
        FormatError: pyarrow is not installed.
    """
    library = required(path, "pyarrow", "parquet", "a Parquet file")
    files = required(path, "pyarrow.parquet", "parquet", "a Parquet file")
    sentences = [sentence for document in documents for sentence in document.sentences()]
    names = tags_of(labels_of(tag for sentence in sentences for tag in sentence.tags))
    features = {
        "tokens": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"},
        "ner_tags": {"feature": {"names": list(names), "_type": "ClassLabel"}, "_type": "Sequence"},
    }
    number = {name: index for index, name in enumerate(names)}
    content = {
        "tokens": [list(sentence.tokens) for sentence in sentences],
        "ner_tags": [[number[tag] for tag in sentence.tags] for sentence in sentences],
    }
    stored = {"huggingface": json.dumps({"info": {"features": features}})}
    files.write_table(library.table(content).replace_schema_metadata(stored), path)


def docbin(path: Path, documents: Sequence[Document]) -> None:
    """A DocBin, which `spacy train` reads.

    Raises:
        FormatError: spaCy is not installed.
    """
    spacy = required(path, "spacy", "spacy", "a DocBin of spaCy")
    tokens = required(path, "spacy.tokens", "spacy", "a DocBin of spaCy")
    vocabulary, docs = spacy.blank("xx").vocab, []
    for document in documents:
        words: list[str] = []
        ents: list[str] = []
        spaces: list[bool] = []
        starts: list[bool] = []
        for sentence in document.sentences():
            _, places = detokenize.join(sentence.tokens)
            spaces += [*(after[0] > before[1] for before, after in pairwise(places)), True]
            starts += [True, *[False] * (len(places) - 1)]
            words += sentence.tokens
            ents += sentence.tags
        if words:
            docs.append(tokens.Doc(vocabulary, words=words, spaces=spaces, sent_starts=starts, ents=ents))
    tokens.DocBin(docs=docs).to_disk(path)


WRITERS = {
    "columns": Writer(columns, ".conll", "CoNLL columns: a token and its BIO tag a line"),
    "conllu": Writer(conllu, ".conllu", "CoNLL-U, with NER= in its last column"),
    "csv": Writer(table, ".csv", "a row a token, with the number of its sentence"),
    "doccano": Writer(doccano, ".jsonl", "doccano's JSON lines"),
    "label-studio": Writer(label_studio, ".json", "tasks of Label Studio"),
    "prodigy": Writer(prodigy, ".jsonl", "Prodigy's JSON lines"),
    "spacy-tuples": Writer(spacy_tuples, ".json", 'a JSON array of ["text", {"entities": …}]'),
    "spacy-2": Writer(spacy_2, ".json", "the JSON that spaCy 2 trained on"),
    "docbin": Writer(docbin, ".spacy", "spaCy 3's DocBin (extra spacy)"),
    "brat": Writer(brat, "", "a folder of brat's .txt and .ann files"),
    "webanno": Writer(webanno, ".tsv", "WebAnno TSV 3.3, for INCEpTION"),
    "gliner": Writer(gliner, ".jsonl", "GLiNER's JSON lines"),
    "ner-annotator": Writer(ner_annotator, ".json", "the JSON of ner-annotator"),
    "rows": Writer(rows, ".jsonl", "JSON lines of tokens and ner_tags, as rows of Hugging Face"),
    "parquet": Writer(parquet, ".parquet", "Parquet of tokens and ner_tags (extra parquet)"),
}


def _named(documents: Iterable[Document]) -> Iterator[tuple[str, list[Sentence]]]:
    """The sentences of each document with the document's name; each text is a document."""
    for number, document in enumerate(documents, start=1):
        is_text = isinstance(document.content, Text)
        yield document.group or (f"document {number}" if is_text else ""), document.sentences()


def _beginnings(documents: Iterable[Document]) -> Iterator[tuple[str, list[Sentence]]]:
    """As `_named`, but the name is "" where a document goes on."""
    before = ""
    for name, sentences in _named(documents):
        yield (name if name != before else ""), sentences
        before = name


def _texts(documents: Iterable[Document]) -> Iterator[tuple[str, tuple[Span, ...], Json]]:
    for document in documents:
        text, spans = document.as_text()
        yield text, spans, {"doc_id": document.group} if document.group else {}


def _triples(spans: Iterable[Span]) -> list[list[Any]]:
    return [[span.start, span.end, span.label] for span in spans]


def _object(span: Span) -> Json:
    return {"start": span.start, "end": span.end, "label": span.label}


def _conllu_row(number: int, token: str, tag: str, glued: bool) -> str:
    misc = f"NER={tag}" + ("|SpaceAfter=No" if glued else "")
    return "\t".join((str(number), token, *"_______", misc)) + "\n"


def _lines(path: Path, records: Iterable[Any]) -> None:
    _write(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def _array(path: Path, records: Iterable[Any]) -> None:
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    _write(path, f"[\n{lines}\n]\n")


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
