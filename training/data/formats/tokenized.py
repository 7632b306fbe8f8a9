"""JSON of texts that are tokens already, with names by their places or a tag for each token.

    GLiNER          {"tokenized_text": ["Ada", …], "ner": [[first, last, "X"], …]}: both ends are inside the name
    rows            {"tokens": ["Ada", …], "ner_tags": ["B-X", …] or [1, …]}: a row of a dataset of Hugging Face
    spaCy 2         {"paragraphs": [{"sentences": [{"tokens": [{"orth": "Ada", "ner": "U-X"}, …]}]}]}

Tags that are numbers need their names: `features` in the file or in `dataset_info.json` beside it, or
`Reading.names`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import tags_from
from nerve.training.data.formats.document import (
    Document,
    Fault,
    Reading,
    RecordError,
    group_of,
    tagged,
    unreadable,
)
from nerve.training.data.formats.marks import kind_of
from nerve.training.data.formats.records import Broken, records_of
from nerve.training.data.formats.schemes import detect

FEATURES = "dataset_info.json"
"""The file beside others that says the names of their tags."""

TAG_FIELDS = ("ner_tags", "tags", "labels", "ner", "label")


def gliner(path: Path, text: str, _: Reading) -> Iterator[Document]:
    """The sentences of a file for GLiNER.

    Raises:
        FormatError: A JSON array is damaged.
    """
    for line, record in records_of(path, text):
        try:
            tokens = _tokens(record, "tokenized_text")
            yield _of_places(path, line, tokens, record.get("ner", []), group_of(record))
        except RecordError as error:
            yield unreadable(path, line, str(error))


def rows(path: Path, text: str, reading: Reading) -> Iterator[Document]:
    """The sentences of rows with tokens and tags.

    Raises:
        FormatError: A JSON array is damaged.
    """
    records = list(_rows(records_of(path, text)))
    features = next((record["features"] for _, record in records_of(path, text) if _has_features(record)), None)
    yield from of_rows(path, records, names_of(features) or names_beside(path), reading)


def of_rows(
    path: Path, records: Sequence[tuple[int, Any]], names: Sequence[str], reading: Reading
) -> Iterator[Document]:
    """The sentences of numbered rows.

    Args:
        path: Their file.
        records: Each row with its line.
        names: Names of tags that are numbers, if the file says them; `reading.names` come first.
        reading: How to read them.
    """
    found: list[tuple[int, tuple[str, ...], list[str], str]] = []
    names = reading.names or names
    for line, record in records:
        try:
            tokens = _tokens(record, "tokens")
            found.append((line, tokens, _tags(record, tokens, names), group_of(record)))
        except RecordError as error:
            yield unreadable(path, line, str(error))
    yield from _tagged(path, found, reading)


def spacy_2(path: Path, text: str, reading: Reading) -> Iterator[Document]:
    """The sentences of the JSON that spaCy 2 trained on.

    Raises:
        FormatError: A JSON array is damaged.
    """
    found: list[tuple[int, tuple[str, ...], list[str], str]] = []
    for line, record in records_of(path, text):
        try:
            if isinstance(record, Broken):
                raise RecordError(record)
            for paragraph in record["paragraphs"]:
                for sentence in paragraph["sentences"]:
                    tokens = tuple(str(token["orth"]) for token in sentence["tokens"])
                    tags = [str(token.get("ner", "O")) for token in sentence["tokens"]]
                    if tokens:
                        found.append((line, tokens, tags, str(record.get("id", ""))))
        except RecordError as error:
            yield unreadable(path, line, str(error))
        except (KeyError, TypeError, AttributeError):
            fact = 'not {"paragraphs": [{"sentences": [{"tokens": [{"orth": …, "ner": …}]}]}]}'
            yield unreadable(path, line, fact)
    yield from _tagged(path, found, reading)


def _has_features(record: Any) -> bool:
    return isinstance(record, Mapping) and "features" in record


def names_of(features: Any) -> tuple[str, ...]:
    """The names of the tags in the `features` of a dataset; empty if it does not say them.

    Both forms are read: a mapping of fields, as in dataset_info.json, and a list of fields with `name` and `type`.
    """
    fields = features
    if isinstance(features, list):
        fields = {one.get("name"): one.get("type", one) for one in features if isinstance(one, Mapping)}
    if isinstance(fields, Mapping):
        for name in TAG_FIELDS:
            if names := _class_names(fields.get(name)):
                return names
    return ()


def _class_names(feature: Any) -> tuple[str, ...]:
    if isinstance(feature, list) and len(feature) == 1:
        return _class_names(feature[0])
    if not isinstance(feature, Mapping):
        return ()
    names = feature.get("names")
    if isinstance(names, Mapping):  # in the YAML of a dataset's card
        names = [names[key] for key in sorted(names, key=int)]
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    return _class_names(feature.get("feature", feature.get("sequence", feature.get("class_label"))))


def names_beside(path: Path) -> tuple[str, ...]:
    """The names of the tags in a `dataset_info.json` beside a file, if there is one."""
    info = path.with_name(FEATURES)
    try:
        return names_of(json.loads(info.read_text(encoding="utf-8")).get("features"))
    except (OSError, ValueError, AttributeError):
        return ()


def _rows(records: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """The rows, also of an answer of the dataset viewer: {"features": …, "rows": [{"row": {…}}]}."""
    for line, record in records:
        if isinstance(record, Mapping) and isinstance(record.get("rows"), list):
            yield from ((line, one.get("row", one) if isinstance(one, Mapping) else one) for one in record["rows"])
        elif not (_has_features(record) and "tokens" not in record):
            yield line, record


def _tokens(record: Any, field: str) -> tuple[str, ...]:
    if isinstance(record, Broken):
        raise RecordError(record)
    if not isinstance(record, Mapping):
        raise RecordError(f"a record is an object, not {kind_of(record)}")
    tokens = record.get(field)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise RecordError(f"{field} is not a list of strings")
    if not tokens:
        raise RecordError(f"{field} is empty")
    if not all(token.strip() for token in tokens):
        raise RecordError("a token is empty")
    return tuple(tokens)


def _tags(record: Mapping[str, Any], tokens: Sequence[str], names: Sequence[str]) -> list[str]:
    field = next((name for name in TAG_FIELDS if isinstance(record.get(name), list)), "")
    if not field:
        raise RecordError(f"there is no list of tags; looked for {', '.join(TAG_FIELDS)}")
    tags = record[field]
    if len(tags) != len(tokens):
        raise RecordError(f"{len(tags)} tags for {len(tokens)} tokens")
    if all(isinstance(tag, str) for tag in tags):
        return list(tags)
    if not all(type(tag) is int for tag in tags):
        raise RecordError(f"{field} holds neither names nor whole numbers")
    if not names:
        raise RecordError(f"{field} holds numbers: name their tags in order, with --names O,B-PER,I-PER,…")
    if outside := [tag for tag in tags if not 0 <= tag < len(names)]:
        raise RecordError(f"tag {outside[0]} is none of the {len(names)} that have a name")
    return [names[tag] for tag in tags]


def _tagged(
    path: Path, found: Sequence[tuple[int, tuple[str, ...], list[str], str]], reading: Reading
) -> Iterator[Document]:
    scheme = detect([tags for _, _, tags, _ in found]) if reading.scheme == "auto" else reading.scheme
    for line, tokens, tags, group in found:
        yield tagged(path, [line] * len(tokens), tokens, tags, scheme, group)


def _of_places(path: Path, line: int, tokens: tuple[str, ...], names: Any, group: str) -> Document:
    spans: list[Span] = []
    faults: list[Fault] = []
    for name in names if isinstance(names, list) else [names]:
        span = _place(name)
        if span is None:
            fact = "a name is [first, last, label]"
            faults.append(Fault(line, "spans that cannot be read", fact, "the name is left out"))
            continue
        shown = f"name {span.start}-{span.end - 1} {span.label[:40]!r}"
        if not 0 <= span.start < span.end <= len(tokens):
            fact = f"{shown} is outside the {len(tokens)} tokens, or ends before it begins"
            faults.append(Fault(line, "spans that cannot be read", fact, "the name is left out"))
        elif other := next((one for one in spans if one.start < span.end and span.start < one.end), None):
            fact = f"{shown} overlaps {other.start}-{other.end - 1} {other.label[:40]!r}"
            faults.append(Fault(line, "spans that overlap", fact, "the first one is kept"))
        else:
            spans.append(span)
    return Document(path, line, Sentence(tokens, tags_from(spans, len(tokens))), group, tuple(faults))


def _place(name: Any) -> Span | None:
    if isinstance(name, list) and len(name) == 3 and type(name[0]) is type(name[1]) is int:
        first, last, label = name
        if isinstance(label, str) and label.strip():
            return Span(first, last + 1, label)
    return None
