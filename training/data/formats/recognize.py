"""Which format a file or folder is in, found out by what it holds, and the reader for it.

What is not understood is refused with what it looks like and what to do.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from nerve.model.annotation import Sentence
from nerve.training.data.formats import arrow, brat, csv_rows, docbin, spans, token_rows, tokenized, webanno
from nerve.training.data.formats.document import COUNTED, Document, Reading
from nerve.training.data.formats.lines import FormatError, decode, numbered_lines, read_bytes
from nerve.training.data.formats.records import Broken, records_of

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
# How files begin that are not text, and what to do with them.
_BINARY = (
    (b"\x1f\x8b", "it is compressed (gzip): unpack it first"),
    (b"BZh", "it is compressed (bzip2): unpack it first"),
    (b"\xfd7zXZ\x00", "it is compressed (xz): unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed (zstd): unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "it is an archive (7z): unpack it, and give the files in it"),
    (b"Rar!", "it is an archive (rar): unpack it, and give the files in it"),
    (b"ARROW1", "it is an Arrow file: give the folder that the library datasets saved it in"),
    (b"\xd0\xcf\x11\xe0", "it is a document of an older Office: save its table as CSV, in UTF-8"),
    (b"\x80", "it looks like a pickle of Python: write JSON lines instead"),
    (b"\xff\xfe", "it looks like UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "it looks like UTF-16: save it as UTF-8"),
    (b"SQLite format 3", "it is a database (SQLite), such as Prodigy's: export it, with `prodigy db-out NAME`"),
    (b"%PDF", "it is a PDF: annotate its text with an annotation tool first"),
    (b"{\\rtf", "it is rich text (RTF): annotate plain text with an annotation tool first"),
)
_ZIP = b"PK\x03\x04"
# What a zip file is, by a folder in it.
_ZIPPED = (
    (b"xl/", "it is an Excel workbook: save its sheet as CSV, in UTF-8"),
    (b"word/", "it is a Word document: annotate its text with an annotation tool first"),
)
_MARKUP = (
    (("<?xml", "<xmi:", "<GateDocument", "<dataset", "<doc"), "it looks like XML (UIMA's XMI, GATE)"),
    (("<!DOCTYPE", "<html", "<HTML"), "it looks like a page of HTML, perhaps of a failed download"),
)
# Parts of a corpus, by the words in the names of its files.
_LEARNED, _HELD_OUT = {"train", "training"}, {"dev", "devel", "valid", "validation", "test", "testa", "testb", "eval"}
_INCLUSIVE = 'write {"text": …, "label": [[start, end + 1, label]]} instead, for its ends are inclusive'


class Recognized(NamedTuple):
    """A format, and the reader of the file in it."""

    name: str
    read: Callable[[Reading], Iterator[Document]]


def recognize(path: Path) -> Recognized:
    """The format of a file or folder.

    Raises:
        FormatError: It cannot be read, or is in no format that is known.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.suffix == ".ann" or (path.suffix == ".txt" and brat.files_of(path)):
        return Recognized("brat", lambda reading: brat.documents(path, reading))
    content = read_bytes(path)
    if content.startswith(arrow.PARQUET):
        return Recognized("parquet", lambda reading: arrow.parquet(path, reading))
    if path.suffix == ".spacy":
        return Recognized("docbin", lambda reading: docbin.documents(path, reading))
    if fact := _binary(content):
        raise FormatError(path, 1, fact)
    return _of_text(path, decode(path, content))


def _binary(content: bytes) -> str:
    """What a file is that is not text, and what to do with it; empty for a text."""
    if content.startswith(_ZIP):
        unpack = "it is a zip file: unpack it, and give the files in it"
        return next((fact for folder, fact in _ZIPPED if folder in content), unpack)
    for beginning, fact in _BINARY:
        if content.startswith(beginning):
            return fact
    return "it looks like UTF-16 without a byte order mark: save it as UTF-8" if b"\x00" in content[:2] else ""


def _of_folder(path: Path) -> Recognized:
    if arrow.is_dataset(path):
        return Recognized("dataset", lambda reading: arrow.saved(path, reading))
    if brat.files_of(path):
        return Recognized("brat", lambda reading: brat.documents(path, reading))
    files = _files_of(path)
    if not files:
        raise FormatError(path, 1, "the folder holds no file")
    _refuse_splits(path, files)
    recognized = {file: recognize(file) for file in files}
    first = recognized[files[0]].name
    if other := next((file for file in files if recognized[file].name != first), None):
        fact = f"{files[0].relative_to(path)} is {first}, {other.relative_to(path)} is {recognized[other].name}"
        raise FormatError(path, 1, f"the files of a folder are in one format: {fact}")
    return Recognized(
        first,
        lambda reading: chain.from_iterable(
            _in_folder(path, file, read(reading)) for file, (_, read) in recognized.items()
        ),
    )


def _files_of(folder: Path) -> list[Path]:
    """The files in a folder and below, in order, without hidden ones and what a reader takes from beside its file."""
    inside = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")))
    shown = [path for name, path in inside if not any(part.startswith(".") for part in name.parts)]
    return [path for path in shown if path.is_file() and path.name != tokenized.FEATURES]


def _refuse_splits(folder: Path, files: list[Path]) -> None:
    """Check that the files are not the splits of one corpus: who reads them as one learns what is held out.

    Raises:
        FormatError: They are.
    """
    words = {file: set(re.split(r"[^a-z]+", str(file.relative_to(folder)).lower())) for file in files}
    learned, held_out = ([file for file in files if words[file] & part] for part in (_LEARNED, _HELD_OUT))
    if learned and held_out:
        names = " and ".join(str(some[0].relative_to(folder)) for some in (learned, held_out))
        raise FormatError(folder, 1, f"the folder holds the splits of a corpus, {names}: give each file by itself")


def _in_folder(folder: Path, file: Path, documents: Iterator[Document]) -> Iterator[Document]:
    """The documents of one of the files, which gives its name to sentences whose document has none."""
    name = str(file.relative_to(folder).with_suffix(""))
    for document in documents:
        if not document.group and isinstance(document.content, Sentence):
            yield replace(document, group=name)
        elif COUNTED.fullmatch(document.group):
            yield replace(document, group=f"{name}, {document.group}")
        else:
            yield document


def _of_text(path: Path, text: str) -> Recognized:
    start = text.lstrip()
    if not start:
        raise FormatError(path, 1, "the file holds no sentence")
    if "\r" in text and "\n" not in text:
        raise FormatError(path, 1, "its lines end with CR alone, as on old Macs: save it with LF or CR LF")
    if path.suffix.lower() in _JSON_SUFFIXES or _begins_as_json(start):
        return _of_json(path, text)
    if start.startswith(webanno.BEGINNING):
        return Recognized("webanno", lambda reading: webanno.documents(path, text, reading))
    if start.startswith(("# webanno.custom.NamedEntity", "#id=")):
        raise FormatError(path, 1, "it looks like WebAnno TSV 1 or 2: export WebAnno TSV v3 instead")
    for beginnings, fact in _MARKUP:
        if start.startswith(beginnings):
            raise FormatError(path, 1, f"{fact}: export JSON, CoNLL columns or WebAnno TSV v3 instead")
    if start.startswith(("[(", "TRAIN_DATA")):
        fact = 'it looks like a Python program: write json.dumps(TRAIN_DATA) to a file, [["text", {"entities": …}]]'
        raise FormatError(path, 1, fact)
    return _of_rows(path, text)


def _of_rows(path: Path, text: str) -> Recognized:
    if csv_rows.dialect_of(text):
        return Recognized("csv", lambda reading: csv_rows.documents(path, text, reading))
    if names := csv_rows.columns_of_texts(text):
        fact = f"it looks like CSV with a text in each row ({', '.join(names)[:60]})"
        raise FormatError(path, 1, f"{fact}: give a row for each token (sentence_id, token, tag), or export JSON")
    layout = token_rows.layout_of(path, text)
    return Recognized(layout.name, lambda reading: token_rows.documents(path, text, layout, reading))


def _begins_as_json(text: str) -> bool:
    # A line of columns may begin with a bracket or brace too, but as a token with a blank or tab behind it.
    first = text.partition("\n")[0].rstrip()
    return first in ("[", "{") or (first.startswith(("[{", '{"', '[["')) and "\t" not in first)


def _of_json(path: Path, text: str) -> Recognized:
    records = islice(records_of(path, text), 50)
    first = next((record for _, record in records if not isinstance(record, Broken)), None)
    name = _name_of(first)
    if name in _REFUSED:
        line = next(number for number, content in numbered_lines(text) if content.strip())
        raise FormatError(path, line, _REFUSED[name])
    read = _JSON_READERS.get(name, spans.documents)
    return Recognized(name, lambda reading: read(path, text, reading))


_JSON_READERS = {"gliner": tokenized.gliner, "rows": tokenized.rows, "spacy-2": tokenized.spacy_2}
_REFUSED = {
    "cluener": f"it looks like CLUENER's: {_INCLUSIVE}",
    "dataturks": f"it looks like an export of Dataturks: {_INCLUSIVE}",
    "docred": "it looks like DocRED: write tokens and ner_tags, a sentence a line",
    "predictions": "it looks like tasks of Label Studio that nobody annotated yet: export annotated ones",
}


def _name_of(record: Any) -> str:
    """The format of a record; `doccano` for what is none of the others, whose reader says what is missing."""
    if isinstance(record, list):
        return "spacy-tuples"
    if not isinstance(record, Mapping):
        return "doccano"
    names = record.keys()
    rules = (
        ("gliner", "tokenized_text" in names),
        ("spacy-2", "paragraphs" in names),
        ("ner-annotator", {"classes", "annotations"} <= names),
        ("rows", isinstance(record.get("rows"), list) or _is_row(record)),
        ("dataturks", {"content", "annotation"} <= names),
        ("docred", {"sents", "vertexSet"} <= names),
        ("label-studio", "annotations" in names and "text" not in names),
        ("predictions", {"data", "predictions"} <= names and "annotations" not in names),
        ("cluener", "text" in names and isinstance(record.get("label"), Mapping)),
        ("label-studio-min", bool(spans.min_field(record)) or {"annotation_id", "lead_time"} <= names),
        ("prodigy", bool({"answer", "_input_hash"} & names) or isinstance(record.get("spans"), list)),
        ("doccano", isinstance(record.get("label"), list) or isinstance(record.get("labels"), list)),
        ("doccano", "relations" in names),
        ("spacy", bool({"ents", "entities"} & names)),
    )
    return next((name for name, holds in rules if holds), "doccano")


def _is_row(record: Mapping[str, Any]) -> bool:
    tokens = record.get("tokens")
    return isinstance(tokens, list) and all(isinstance(token, str) for token in tokens) and "spans" not in record
