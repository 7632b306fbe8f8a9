"""Exports of annotation tools: texts with labelled character spans, from doccano, Label Studio, Prodigy and spaCy.

    doccano        {"text": ..., "label": [[start, end, "X"]]}, or "entities" with start_offset and end_offset
    Prodigy        {"text": ..., "spans": [{"start", "end", "label"}], "answer": "accept" | "reject" | "ignore"}
    spaCy          {"text": ..., "ents" | "entities": [[start, end, "X"] or {"start", "end", "label"}]}
    Label Studio   {"data": {"text": ...}, "annotations": [{"result": [{"value": {"start", "end", "labels"}}]}]}

A file holds a record a line, or one JSON array of records. Offsets are half-open and count code points. Our own
tokenizer cuts the text, as it will when the tagger is used; a token is cut further where a span begins or ends inside
it, and two sentences are joined where a span reaches from one into the other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from nerve.model import tokenizer
from nerve.model.annotation import Sentence, Span, Token
from nerve.model.tags import tags_from
from nerve.training.data.formats.lines import FormatError, refuse_empty
from nerve.training.data.formats.records import read_records

# The fields that may hold the spans, in the order in which they are tried.
_SPAN_FIELDS = ("spans", "ents", "entities", "label", "labels")
_ANSWERS = ("accept", "reject", "ignore")
# What the value of every Label Studio region has.
_REGION = {"start", "end", "text", "startOffset", "endOffset", "globalOffsets"}
# A few names of part of a word are nothing special.
_FEWEST_CUTTING = 5
# A text and its names, in order. The offsets of these spans count code points of the text, not tokens.
_Annotated = tuple[str, list[Span]]
# doccano and older Label Studios count as JavaScript does: the likely cause if a quoted text is not at its offsets.
_COUNTING = "offsets must count code points, not UTF-16 units or bytes"


class _RecordError(Exception):
    """What is wrong with a record, before its file and line are known."""


def read_spans(path: Path) -> list[Sentence]:
    """The sentences of an export. Records that were rejected, skipped or never annotated are left out.

    Raises:
        FormatError: Not UTF-8, not JSON, a record of none of these forms, a span that is empty, outside its text,
            without a token, or overlaps another, most spans begin or end inside a word, or no sentence at all.
    """
    sentences: list[Sentence] = []
    count, cutting = 0, list[int]()
    for line, record in read_records(path):
        try:
            annotated = _annotated(record)
            if annotated:
                text, spans = annotated
                tokenized = tokenizer.sentences(text)
                count += len(spans)
                cutting += [line] * _cutting(tokenized, spans)
                sentences += _sentences(tokenized, spans)
        except _RecordError as error:
            raise FormatError(path, line, str(error)) from None
    if len(cutting) >= _FEWEST_CUTTING and len(cutting) > count / 2:
        fact = f"{len(cutting):,} of {count:,} spans begin or end inside a word"
        raise FormatError(path, cutting[0], f"{fact}: are ends inclusive, or offsets UTF-16 units?")
    refuse_empty(path, sentences)
    return sentences


def _annotated(record: Any) -> _Annotated | None:
    """The annotated text in a record; None if the annotator rejected or skipped it."""
    if not isinstance(record, Mapping):
        raise _RecordError(f"a record is an object, not {_kind(record)}")
    if "annotations" in record:
        return _label_studio(record)
    if record.get("answer", "accept") not in _ANSWERS:
        raise _RecordError(f"answer is {record['answer']!r}; expected {', '.join(_ANSWERS)}")
    if record.get("answer") in ("reject", "ignore"):
        return None
    if "text" not in record:
        raise _RecordError('there is no "text"')
    field = next((name for name in _SPAN_FIELDS if isinstance(record.get(name), list)), "")
    # Prodigy leaves the field out where nothing was marked.
    if not field and "answer" not in record:
        raise _RecordError(f"there is no list of spans; looked for {', '.join(_SPAN_FIELDS)}")
    return _checked(record["text"], record.get(field, []))


def _label_studio(task: Mapping[str, Any]) -> _Annotated | None:
    annotations = task["annotations"]
    if not isinstance(annotations, list) or not all(isinstance(one, Mapping) for one in annotations):
        raise _RecordError("annotations is not a list of objects")
    submitted = [one for one in annotations if not one.get("was_cancelled")]
    if not submitted:
        return None
    if len(submitted) > 1:
        raise _RecordError(f"the task has {len(submitted)} annotations; keep the one that holds")
    results = submitted[0].get("result")
    if not isinstance(results, list) or not all(isinstance(one, Mapping) for one in results):
        raise _RecordError("result is not a list of objects")
    return _checked(_only_text(task.get("data")), [one["value"] for one in results if _is_name(one)])


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
    return "labels" in value or "label" in value or unlabelled


def _only_text(data: Any) -> Any:
    """The text of a task: under `text`, or under the name that the labelling configuration gives it."""
    if not isinstance(data, Mapping):
        raise _RecordError('there is no "data"')
    texts = [value for value in data.values() if isinstance(value, str)]
    if "text" in data:
        return data["text"]
    if len(texts) != 1:
        raise _RecordError(f'data has no "text", and {len(texts)} other strings')
    return texts[0]


def _checked(text: Any, values: list[Any]) -> _Annotated:
    if not isinstance(text, str):
        raise _RecordError(f"text is {_kind(text)}, not a string")
    if not _is_encodable(text):
        raise _RecordError("the text holds half a surrogate pair")
    spans = sorted(_span(text, value) for value in values)
    for earlier, later in pairwise(spans):
        if later.start < earlier.end:
            raise _RecordError(f"span {_shown(later)} overlaps span {_shown(earlier)}")
    return text, spans


def _span(text: str, value: Any) -> Span:
    start, end, label, quoted = _parts(value)
    if type(start) is not int or type(end) is not int:
        raise _RecordError("a span's start and end are whole numbers")
    if not isinstance(label, str) or not label.strip() or not _is_encodable(label):
        raise _RecordError(f"span {start}-{end} needs one label, a string")
    span = Span(start, end, label)
    if start >= end:
        raise _RecordError(f"span {_shown(span)} is empty")
    if start < 0 or end > len(text):
        raise _RecordError(f"span {_shown(span)} is outside the text of {len(text):,} characters")
    if isinstance(quoted, str) and _words(quoted) != _words(text[start:end]):
        raise _RecordError(f"span {_shown(span)} is {text[start:end][:40]!r}, not {quoted[:40]!r}: {_COUNTING}")
    return span


def _parts(value: Any) -> tuple[Any, Any, Any, Any]:
    """Start, end, label and, where the tool repeats it, the text of the span."""
    if isinstance(value, list) and len(value) == 3:
        start, end, label = value
        return start, end, label, None
    if not isinstance(value, Mapping):
        raise _RecordError("a span is [start, end, label] or an object with start, end and label")
    start, end = (value.get(name, value.get(f"{name}_offset")) for name in ("start", "end"))
    label = value.get("label", value.get("labels"))
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    return start, end, label, value.get("text")


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _words(text: str) -> list[str]:
    # Label Studio writes a line break inside a quotation as backslash and n.
    return text.replace("\\n", " ").split()


def _cutting(sentences: Sequence[Sequence[Token]], spans: Sequence[Span]) -> int:
    """How many of the spans begin or end inside a token of our tokenizer."""
    tokens = [token for sentence in sentences for token in sentence]
    starts = [token.start for token in tokens]

    def inside(offset: int) -> bool:
        before = bisect_left(starts, offset) - 1  # the last token that starts before it
        return before >= 0 and offset < tokens[before].end

    return sum(inside(span.start) or inside(span.end) for span in spans)


def _sentences(tokenized: Sequence[list[Token]], spans: Sequence[Span]) -> Iterator[Sentence]:
    edges = sorted({edge for span in spans for edge in (span.start, span.end)})
    waiting = list(reversed(spans))
    for tokens in _joined(tokenized, spans):
        pieces = [piece for token in tokens for piece in _cut(token, edges)]
        starts, ends = [piece.start for piece in pieces], [piece.end for piece in pieces]
        here = []
        while waiting and waiting[-1].start < ends[-1]:
            span = waiting.pop()
            first, after = bisect_left(starts, span.start), bisect_right(ends, span.end)
            if first == after:
                raise _RecordError(f"span {_shown(span)} holds white space only")
            here.append(Span(first, after, span.label))
        yield Sentence(tuple(piece.text for piece in pieces), tags_from(here, len(pieces)))
    if waiting:
        raise _RecordError(f"span {_shown(waiting[-1])} holds white space only")


def _joined(sentences: Sequence[list[Token]], spans: Sequence[Span]) -> Iterator[list[Token]]:
    """The sentences, joined where a span reaches from one into the next."""
    joined: list[Token] = []
    upcoming = 0
    for tokens in sentences:
        while upcoming < len(spans) and spans[upcoming].end <= tokens[0].start:
            upcoming += 1
        # The first span that ends after the start of this sentence: does it start before the end of the last one?
        if joined and not (upcoming < len(spans) and spans[upcoming].start < joined[-1].end):
            yield joined
            joined = []
        joined.extend(tokens)
    if joined:
        yield joined


def _cut(token: Token, edges: Sequence[int]) -> Iterator[Token]:
    inner = edges[bisect_right(edges, token.start) : bisect_left(edges, token.end)]
    bounds = [token.start, *inner, token.end]
    for start, end in pairwise(bounds):
        yield Token(token.text[start - token.start : end - token.start], start, end)


def _shown(span: Span) -> str:
    return f"{span.start}-{span.end} {span.label[:40]!r}"


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}.get(
        type(value), "null" if value is None else "a number"
    )
