"""The records of each format, the errors of bad ones, and what is written of them."""

from collections.abc import Iterable

import pytest

from nerve import Entity, Result
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.record import Record
from nerve.bulk.records import reader
from nerve.bulk.writers import writer

GOOD = Record("")


def records(form: str, given: Iterable[bytes], unit: str = "line", text_field: str = "text") -> list[Record]:
    place = Slice(Input("in", form, 0)).place
    return list(reader(form, unit, text_field)(enumerate(given, start=1), place))


@pytest.mark.parametrize(
    ("form", "given", "fact"),
    [
        ("text", b"one\ntwo \xff\n", "in:2: byte 0xff is not UTF-8"),
        ("jsonl", b'{"text": "a"}\n{"text": SECRET}\n', "in:2: not JSON: Expecting value"),
        ("jsonl", b'["SECRET"]', "in:1: not an object whose field text is a string"),
        ("jsonl", b'{"body": "SECRET"}', "in:1: not an object whose field text is a string"),
        ("jsonl", b'{"text": 1}', "in:1: not an object whose field text is a string"),
        ("jsonl", rb'{"text": "SECRET \ud800"}', "in:1: text has a lone surrogate"),
        ("jsonl", b"[" * 100_000, "in:1: not JSON: nested too deeply"),
        ("jsonl", b"9" * 10_000, "in:1: not JSON: a number is too long"),
        ("jsonl", b'{"text": "\xff"}', "in:1: byte 0xff is not UTF-8"),
        ("conll", b"a\tO\n\tO\n", "in:2: the token is empty"),
        ("conll", b"a\tO\n\xff\tO\n", "in:2: byte 0xff is not UTF-8"),
        ("csv", b"text\na,SECRET\n", "in:2: the row has 2 cells, the first line 1"),
        ("csv", b'text\n"a\nb\xff"\n', "in:2: byte 0xff is not UTF-8"),
        ("csv", b'text\n"SECRET"x\n', "in:2: not CSV: ',' expected after '\"'"),
        ("csv", b'text\nx\n"SECRET\n', "in:3: not CSV: unexpected end of data"),
    ],
)
def test_an_error_names_the_line_of_the_input_and_does_not_quote_it(form: str, given: bytes, fact: str) -> None:
    (error,) = (one.error for one in records(form, given.splitlines(keepends=True)) if one.error)
    assert error == fact


@pytest.mark.parametrize(
    ("form", "unit", "given", "sources"),
    [
        ("text", "line", b"a\n\xff\nb\n", ["a", None, "b"]),
        ("text", "paragraph", b"a\n\nb\n\xff\n\n\nc\n", ["a", None, "c"]),
        ("text", "file", b"a\n\xff\n", [None]),
        ("jsonl", "line", b'{"text": "a"}\n{\n{"text": "b"}\n', ["a", None, "b"]),
        ("conll", "line", b"a O\n\nb O\n\tO\nc O\n\nd O\n", [["a"], None, ["d"]]),
        ("csv", "line", b'text\na\n"x"y\nb\n', ["a", None, "b"]),
    ],
)
def test_a_bad_record_stands_between_its_neighbours(
    form: str, unit: str, given: bytes, sources: list[str | list[str] | None]
) -> None:
    found = records(form, given.splitlines(keepends=True), unit)
    assert [None if one.error else one.source for one in found] == sources


def test_an_object_without_its_text_keeps_its_fields() -> None:
    (record,) = records("jsonl", [b'{"id": 7}'])
    assert record.fields == {"id": 7}


@pytest.mark.parametrize(
    ("header", "fact"),
    [
        (b"id,body\n", "in:1: there is no column text; --text-column names the column of the texts"),
        (b"id,text,id\n", "in:1: two columns have one name"),
        (b'"a"b\n', "in:1: not CSV: ',' expected after '\"'"),
    ],
)
def test_a_csv_file_without_its_column_ends_the_run(header: bytes, fact: str) -> None:
    with pytest.raises(BulkError) as refusal:
        records("csv", [header, b"1,2\n"])
    assert str(refusal.value) == fact


def test_a_quotation_mark_that_is_never_closed_takes_a_bounded_part_of_a_csv_file() -> None:
    long = b"x" * 9_000_000 + b"\n"
    found = records("csv", [b"text\n", b'"a\n', long, long, b"b\n"])
    assert [bool(one.error) for one in found] == [True, False]
    assert found[-1].source == "b"


def test_only_line_feeds_end_a_line() -> None:
    text = "a\u2028b\x0bc\x85d\re"
    (record,) = records("text", [text.encode() + b"\r\n"])
    assert record.source == text


def test_columns_may_be_separated_by_blanks_or_tabs() -> None:
    given = [b"New York\tB-LOC\n", b"is  VBZ   O\n", b"big\n", b" \n", b"end O"]
    assert [record.source for record in records("conll", given)] == [["New York", "is", "big"], ["end"]]


def test_every_label_has_its_colour() -> None:
    labels = [f"L{number}" for number in range(8)]
    write = writer("inline", labels, colour=True)
    results = (Result("x", [Entity(0, 1, label, "x", 1.0)]) for label in labels)
    marked = [write(GOOD, result).replace(label, "") for result, label in zip(results, labels, strict=True)]
    assert len(set(marked[:6])) == 6
    assert (marked[6], marked[7]) == (marked[0], marked[1])
