"""JSON of annotation tools: texts with labelled character spans.

    doccano            {"text": ..., "label": [[start, end, "X"]]}, or "entities" with start_offset and end_offset
    Prodigy            {"text": ..., "spans": [{"start", "end", "label"}], "answer": "accept" | "reject" | "ignore"}
    spaCy              {"text": ..., "ents" | "entities": [[start, end, "X"] or {"start", "end", "label"}]}
    spaCy tuples       ["...", {"entities": [[start, end, "X"]]}]
    ner-annotator      {"classes": ["X"], "annotations": [["...", {"entities": [[start, end, "X"]]}]]}
    Label Studio       {"data": {"text": ...}, "annotations": [{"result": [{"value": {"start", "end", "labels"}}]}]}
    Label Studio MIN   {"text": ..., "label": [{"start", "end", "text", "labels"}], "annotator": 1}

Offsets are half-open and count code points, if `Reading` says nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nerve.model.annotation import Sentence
from nerve.training.data.formats.annotators import Version, chosen
from nerve.training.data.formats.document import (
    Document,
    Reading,
    RecordError,
    faultless,
    group_of,
    unreadable,
)
from nerve.training.data.formats.lines import decode, read_bytes, refuse_empty
from nerve.training.data.formats.marks import Mark, checked, kind_of, words_of
from nerve.training.data.formats.records import Broken, records_of

# The fields that may hold the spans, in the order in which they are tried.
_SPAN_FIELDS = ("spans", "ents", "entities", "label", "labels")
_ANSWERS = ("accept", "reject", "ignore")
# What the value of every Label Studio region has.
_REGION = {"start", "end", "text", "startOffset", "endOffset", "globalOffsets"}
# What labels of HTML, of dialogues and of recordings are called there.
_FOREIGN = ("hypertextlabels", "paragraphlabels", "timeserieslabels", "timelinelabels")


def read_spans(path: Path) -> list[Sentence]:
    """The sentences of an export. Records that were rejected, skipped or never annotated are left out.

    Raises:
        FormatError: Not UTF-8, not JSON, a record of none of these forms, a span that is empty, outside its text,
            without a token, or overlaps another, or no sentence at all.
    """
    text = decode(path, read_bytes(path))
    sentences = [
        sentence for document in faultless(documents(path, text, Reading())) for sentence in document.sentences()
    ]
    refuse_empty(path, sentences)
    return sentences


def documents(path: Path, text: str, reading: Reading) -> Iterator[Document]:
    """The documents of an export.

    Raises:
        FormatError: A JSON array is damaged.
    """
    records = list(_flat(records_of(path, text)))
    marked = _min_field(record for _, record in records)
    versions: list[Version] = []
    for number, (line, record) in enumerate(records):
        try:
            for version in _versions(path, line, record, reading, marked):
                key = ("record", number) if version.key is None else version.key
                versions.append(version._replace(key=key))
        except RecordError as error:
            versions.append(Version(("record", number), "", unreadable(path, line, str(error))))
    return chosen(versions, reading.annotator)


def _flat(records: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """The records, with those of a file of ner-annotator one by one."""
    for line, record in records:
        if isinstance(record, Mapping) and "classes" in record and isinstance(record.get("annotations"), list):
            # The annotator writes null for a text that it has not shown.
            yield from ((line, one) for one in record["annotations"] if one is not None)
        else:
            yield line, record


def _versions(path: Path, line: int, record: Any, reading: Reading, marked: str) -> Iterator[Version]:
    """The document in a record, as each of its annotators sees it; none if they rejected or skipped it.

    Raises:
        RecordError: The record cannot be read.
    """
    if isinstance(record, Broken):
        raise RecordError(record)
    if isinstance(record, list) and len(record) == 2 and isinstance(record[1], Mapping):
        record = {"text": record[0], **record[1]}
    if not isinstance(record, Mapping):
        raise RecordError(f"a record is an object, not {kind_of(record)}")
    group = group_of(record)
    if "annotations" in record and "text" not in record:
        for annotator, text, marks in _label_studio(record):
            yield Version(None, annotator, checked(path, line, text, marks, reading, group))
    elif "annotations" in record:
        for annotator, marks in _old_doccano(record):
            yield Version(None, annotator, checked(path, line, record["text"], marks, reading, group))
    elif marked and not any(isinstance(record.get(name), list) for name in _SPAN_FIELDS if name != marked):
        marks = list(map(_mark, record.get(marked, ())))
        document = checked(path, line, _min_text(record, marks), marks, reading, group)
        yield Version(record.get("id"), str(record.get("annotator", "")), document)
    elif (plain := _plain(record)) is not None:
        annotator = record.get("_annotator_id", record.get("_session_id", ""))
        yield Version(record.get("_input_hash"), str(annotator or ""), checked(path, line, *plain, reading, group))


def _plain(record: Mapping[str, Any]) -> tuple[Any, list[Mark | str]] | None:
    """Text and marks of a record of doccano, Prodigy or spaCy; None if the annotator rejected or skipped it."""
    if record.get("answer", "accept") not in _ANSWERS:
        raise RecordError(f"answer is {record['answer']!r}; expected {', '.join(_ANSWERS)}")
    if record.get("answer") in ("reject", "ignore"):
        return None
    if "text" not in record:
        raise RecordError(f'there is no "text"{_fields(record)}')
    field = next((name for name in _SPAN_FIELDS if isinstance(record.get(name), list)), "")
    # Prodigy leaves the field out where nothing was marked.
    if not field and "answer" not in record:
        raise RecordError(f"there is no list of spans; looked for {', '.join(_SPAN_FIELDS)}")
    return record["text"], list(map(_mark, record.get(field, [])))


def _old_doccano(record: Mapping[str, Any]) -> Iterator[tuple[str, list[Mark | str]]]:
    """What each user of an older doccano marked in a text: JSON with `annotations`, each of which names its user."""
    annotations = _objects(record["annotations"], "annotations")
    users = dict.fromkeys(str(one.get("user", "")) for one in annotations) or {"": None}
    for user in users:
        marks = [_mark(one) for one in annotations if str(one.get("user", "")) == user]
        if any(isinstance(mark, Mark) and type(mark.label) is int for mark in marks):
            raise RecordError("the labels are numbers of doccano's database: export JSONL (text labels) instead")
        yield user, marks


def _label_studio(task: Mapping[str, Any]) -> Iterator[tuple[str, Any, list[Mark | str]]]:
    submitted = [one for one in _objects(task["annotations"], "annotations") if not one.get("was_cancelled")]
    for one in [one for one in submitted if one.get("ground_truth")][:1] or submitted:
        results = _objects(one.get("result"), "result")
        marks = [_foreign(result) or _mark(result["value"]) for result in results if _is_name(result)]
        by = one.get("completed_by", "")
        yield (str(by.get("email", by.get("id"))) if isinstance(by, Mapping) else str(by)), _only_text(task), marks


def _objects(value: Any, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise RecordError(f"{name} is not a list of objects")
    return value


def _is_name(result: Mapping[str, Any]) -> bool:
    """Whether a result marks a name.

    Relations have no value, and choices and ratings of a whole text no start. Those of a region repeat its offsets,
    without its labels, beside what the annotator chose.
    """
    value = result.get("value")
    if not isinstance(value, Mapping) or "start" not in value:
        return False
    # A region without any label is a mistake, which is reported.
    unlabelled = value.keys() <= _REGION and result.get("type", "labels") == "labels"
    return "labels" in value or "label" in value or unlabelled or bool(_foreign(result))


def _foreign(result: Mapping[str, Any]) -> str:
    """What is wrong with a region of something else than a plain text; empty if nothing is."""
    kind = next((name for name in _FOREIGN if name in result["value"]), "")
    return (
        f"a region has {kind}: only those of <Labels> in a <Text> are read, with offsets in plain text"
        if kind
        else ""
    )


def _only_text(task: Mapping[str, Any]) -> Any:
    """The text of a task: under `text`, or under the name that the labelling configuration gives it."""
    data = task.get("data")
    if not isinstance(data, Mapping):
        raise RecordError('there is no "data"')
    texts = [value for value in data.values() if isinstance(value, str)]
    if "text" in data:
        return data["text"]
    if len(texts) != 1:
        raise RecordError(f'data has no "text", and {len(texts)} other strings{_fields(data)}')
    return texts[0]


def min_field(record: Any) -> str:
    """The field that holds the regions in a record of Label Studio's JSON-MIN: the name of the labelling control."""
    if isinstance(record, Mapping):
        for name, value in record.items():
            if isinstance(value, list) and value and all(map(_is_region, value)):
                return str(name)
    return ""


def _is_region(value: Any) -> bool:
    return isinstance(value, Mapping) and "start" in value and isinstance(value.get("labels"), list)


def _min_field(records: Iterator[Any]) -> str:
    return next((name for name in map(min_field, records) if name), "")


def _min_text(record: Mapping[str, Any], marks: Sequence[Mark | str]) -> Any:
    """The text of a record of JSON-MIN: under `text`, or the only string that has all quoted spans in it."""
    if "text" in record:
        return record["text"]
    quoted = [mark.quoted for mark in marks if isinstance(mark, Mark) and isinstance(mark.quoted, str)]
    texts = [
        value
        for name, value in record.items()
        if isinstance(value, str)
        and name not in ("created_at", "updated_at", "annotator")
        and all(" ".join(words_of(one)) in " ".join(words_of(value)) for one in quoted)
    ]
    if len(texts) != 1:
        raise RecordError(f'there is no "text", and {len(texts)} other strings')
    return texts[0]


def _mark(value: Any) -> Mark | str:
    """Start, end, label and, where the tool repeats it, the text of the span; or what is wrong with it."""
    if isinstance(value, list) and len(value) == 3:
        return Mark(*value)
    if not isinstance(value, Mapping):
        return "a span is [start, end, label] or an object with start, end and label"
    start, end = (value.get(name, value.get(f"{name}_offset")) for name in ("start", "end"))
    label = value.get("label", value.get("labels"))
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if start is None or end is None or (label is None and not value.keys() <= _REGION):
        return f"a span has start, end and label; this one has {', '.join(map(str, value))[:80]}"
    if isinstance(label, list) and label:
        return f"span {start}-{end} has {len(label)} labels, {', '.join(map(str, label))[:80]}; a name has one"
    return Mark(start, end, label, value.get("text"))


def _fields(record: Mapping[str, Any]) -> str:
    return f"; its fields are {', '.join(map(str, record))[:80]}" if record else ""
