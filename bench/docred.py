"""Re-DocRED's test split (Tan et al. 2022; documents of DocRED, Yao et al. 2019): names in Wikipedia's articles.

It is no corpus that `training` knows, so `bench.bundled` reads the published file from DIR/docred and fetches
nothing:

    curl -Lo DIR/docred/redocred_test.json https://raw.githubusercontent.com/tonytan48/Re-DocRED/ccfb54f5ddf5836027c87badda10f6dfc56efaac/data/test_revised.json
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nerve.model.annotation import Span
from nerve.training.data.annotated import Annotated
from nerve.training.data.datasets import DatasetError

NAME = "docred"
SHA256 = "ea673b7ef91e16510d7eb88863d3903e47318dc5653ef361266f27ae3b84723c"


def load(data_dir: Path | None) -> list[Annotated]:
    """The sentences of all documents, with their names in DocRED's labels (PER, ORG, LOC, MISC, TIME, NUM).

    It counts peoples (`American`) among the locations. Of mentions that overlap, the longest is kept.

    Raises:
        DatasetError: there is no folder of data, or the file there is another.
        OSError: the file cannot be read.
    """
    if data_dir is None:
        raise DatasetError("its file is not fetched: bench/docred.py says how to get it into --data-dir")
    path = data_dir / NAME / "redocred_test.json"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DatasetError(f"{path} is not the published file: its SHA-256 is not {SHA256}")
    return sentences(json.loads(content))


def sentences(documents: Iterable[dict[str, Any]]) -> list[Annotated]:
    """The sentences of some documents."""
    return [sentence for document in documents for sentence in _sentences(document)]


def _sentences(document: dict[str, Any]) -> Iterator[Annotated]:
    mentions: list[set[Span]] = [set() for _ in document["sents"]]
    for entity in document["vertexSet"]:
        for mention in entity:
            start, end = mention["pos"]
            mentions[mention["sent_id"]].add(Span(start, end, mention["type"]))
    for tokens, spans in zip(document["sents"], mentions, strict=True):
        yield Annotated(tuple(tokens), tuple(_apart(spans)), ())


def _apart(spans: set[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)
