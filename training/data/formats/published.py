"""Corpora in formats of their own: GMB's csv, MSRA's zip, Weibo's numbered characters, JSON of CLUENER and DocRED.

A corpus that is published without a split of its text gets one that keeps an article in one piece: by the hash of the
article's title, or of the number of each block of 20 sentences, whose neighbours mostly come from one article.
"""

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import OUTSIDE, tags_from
from nerve.training.data.formats.columns import blocks_of, read_columns, sentence_of, without_blanks
from nerve.training.data.formats.lines import FormatError, Row, decode, read_bytes, refuse_empty
from nerve.training.data.formats.records import read_records

# So many sentences of dh_msra.txt are MSRA's training set; after them the test set is repeated.
_MSRA_TRAINING_SENTENCES = 50_658
_MSRA_LABELS = {"NS": "LOC", "NR": "PER", "NT": "ORG"}


def read_gmb(path: Path, split: str) -> list[Sentence]:
    """The sentences of one split (`train`, `dev`, `test`) of GMB's zipped csv, the form in which it is spread.

    A row is a token; its first column is filled where a sentence begins. The file is in cp1252.

    Raises:
        FormatError: The zip or a row is damaged, a tag sequence is invalid, or the split is empty.
    """
    blocks = _gmb_blocks(path, decode(path, _only_member(path), "cp1252"))
    sentences = [sentence_of(path, rows, "bio") for index, rows in enumerate(blocks) if _gmb_split(index) == split]
    refuse_empty(path, sentences)
    return sentences


def read_msra_train(path: Path, split: str) -> list[Sentence]:
    """The sentences of one split (`train`, `dev`) of the zipped training set of MSRA.

    Its sentences are cut near 100 characters, some inside a name, the second half of which is read as another name.
    Its digits and letters are ASCII, those of the test set full-width: fold them before scoring.

    Raises:
        FormatError: As `read_columns`.
    """
    blocks = islice(blocks_of(path, decode(path, _only_member(path))), _MSRA_TRAINING_SENTENCES)
    sentences = [
        sentence_of(path, rows, "bio", mend=True) for index, rows in enumerate(blocks) if _msra_split(index) == split
    ]
    refuse_empty(path, sentences)
    return sentences


def read_msra_test(path: Path) -> list[Sentence]:
    """The sentences of MSRA's test set, with its labels named as everywhere: NS is LOC, NR PER, NT ORG.

    Raises:
        FormatError: As `read_columns`.
    """
    return [
        Sentence(sentence.tokens, tuple(_renamed(tag) for tag in sentence.tags))
        for sentence in read_columns(path, "bmes")
    ]


def read_weibo(path: Path) -> list[Sentence]:
    """The sentences of a Weibo file. The digit after each character, its place in a word, is dropped.

    Raises:
        FormatError: As `read_columns`.
    """
    return [
        Sentence(tuple(token[:-1] for token in sentence.tokens), sentence.tags)
        for sentence in read_columns(path, "bio", mend=True)
    ]


def read_cluener(path: Path) -> list[Sentence]:
    """The sentences of a CLUENER file, a character a token: JSON lines with inclusive spans by label and name.

    Of spans that overlap the longest is kept, of two equally long ones the first.

    Raises:
        FormatError: Bad JSON, other fields than these, a span that is empty or outside its text, or no sentence.
    """
    sentences = []
    for line, record in read_records(path):
        try:
            text, spans = _cluener_fields(record)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise FormatError(path, line, 'not {"text": ..., "label": {label: {name: [[start, end]]}}}') from None
        try:
            tags = tags_from(_without_overlaps(spans), len(text))
        except ValueError as error:
            raise FormatError(path, line, str(error)) from None
        sentences.append(Sentence(tuple(text), tags))
    refuse_empty(path, sentences)
    return sentences


def read_docred(path: Path, split: str) -> list[Sentence]:
    """The sentences of the documents of one split, as `docred_documents` gives them.

    Raises:
        FormatError: As there, or no sentence in the split.
    """
    sentences = [sentence for document in docred_documents(path, split) for sentence in document]
    refuse_empty(path, sentences)
    return sentences


def docred_documents(path: Path, split: str) -> Iterator[list[Sentence]]:
    """The documents of one split (`train`, `dev`, `test`) of a file of DocRED or Re-DocRED, an array of documents.

    Its files were split for relations, and two of three have been revised (Yao et al. 2019; Tan et al. 2022). Here
    every document of theirs is in the split that its title decides, whichever file it is in. Of mentions that overlap
    the longest is kept, of two equally long ones the first.

    Raises:
        FormatError: Bad JSON, other fields than these, or a mention outside its sentence.
    """
    for line, record in read_records(path):
        try:
            title, texts, mentions = _docred_fields(record)
        except (KeyError, TypeError, ValueError, IndexError):
            raise FormatError(path, line, "not a document with title, sents and vertexSet") from None
        if _docred_split(title) != split:
            continue
        try:
            yield [
                Sentence(tokens, tags_from(_without_overlaps(spans), len(tokens)))
                for tokens, spans in zip(texts, mentions, strict=True)
            ]
        except ValueError as error:
            raise FormatError(path, line, f"{title}: {error}") from None


def _only_member(path: Path) -> bytes:
    content = io.BytesIO(read_bytes(path))
    try:
        with zipfile.ZipFile(content) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise FormatError(path, 1, f"the zip holds {len(names)} files; expected 1")
            return archive.read(names[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(path, 1, f"the zip cannot be unpacked: {error}") from None


def _gmb_blocks(path: Path, text: str) -> Iterator[list[Row]]:
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    block: list[Row] = []
    try:
        next(records, None)  # the header
        for record in records:
            if len(record) != 4:
                raise FormatError(path, records.line_num, f"{len(record)} columns; a token's row has 4")
            beginning, token, _, tag = record
            if beginning and block:
                yield block
                block = []
            block.append((records.line_num, [without_blanks(token), tag]))
    except csv.Error as error:
        raise FormatError(path, records.line_num, str(error)) from None
    if block:
        yield block


def _gmb_split(index: int) -> str:
    percent = _block_hash("gmb", index) % 100
    if percent < 80:
        return "train"
    return "dev" if percent < 90 else "test"


def _msra_split(index: int) -> str:
    return "dev" if _block_hash("msra", index) % 10 == 0 else "train"


def _block_hash(corpus: str, index: int) -> int:
    return int(hashlib.md5(f"{corpus}{index // 20}".encode(), usedforsecurity=False).hexdigest(), 16)


def _renamed(tag: str) -> str:
    letter, _, label = tag.partition("-")
    return tag if tag == OUTSIDE else f"{letter}-{_MSRA_LABELS.get(label, label)}"


def _cluener_fields(record: Any) -> tuple[str, list[Span]]:
    spans = [
        Span(int(start), int(end) + 1, label)
        for label, names in record["label"].items()
        for places in names.values()
        for start, end in places
    ]
    return str(record["text"]), spans


def _docred_fields(record: Any) -> tuple[str, list[tuple[str, ...]], list[list[Span]]]:
    texts = [tuple(without_blanks(token) for token in tokens) for tokens in record["sents"]]
    mentions: list[list[Span]] = [[] for _ in texts]
    for entity in record["vertexSet"]:
        for mention in entity:
            start, end = mention["pos"]
            mentions[mention["sent_id"]].append(Span(start, end, mention["type"]))
    return record["title"], texts, mentions


def _docred_split(title: str) -> str:
    percent = int(hashlib.md5(title.encode(), usedforsecurity=False).hexdigest(), 16) % 100
    if percent < 5:
        return "dev"
    return "test" if percent < 10 else "train"


def _without_overlaps(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return kept
