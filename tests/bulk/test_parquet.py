"""Parquet: rows as records, slices of them, and tables that are written."""

import datetime
import io
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nerve import Entity, Result
from nerve.bulk import arrow, columns, parquet
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice, can_be_cut, find
from nerve.bulk.record import Record
from nerve.bulk.records import read
from nerve.bulk.writers import writer

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TYPED = {
    "id": pa.array([1, 2, None], pa.int16()),
    "text": pa.array(["a", None, "c"], pa.large_string()),
    "time": pa.array([1, 2, 1_000_000_001], pa.timestamp("ns")),
    "day": pa.array([datetime.date(2026, 11, 26)] * 3),
    "price": pa.array([Decimal("1.50")] * 3),
    "raw": pa.array([b"\xff"] * 3),
    "tags": pa.array([["x"], [], None], pa.list_(pa.string())),
    "kind": pa.array(["p", "q", "p"]).dictionary_encode(),
    "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int8())),
}
FOUND = [Entity(0, 1, "PER", "a", 0.5)]


def nothing(_: int) -> None:
    pass


def given(path: Path) -> Input:
    (file,), _ = find([str(path)], None)
    assert file.form == "parquet"
    return file


def saved(path: Path, table: Any, **how: Any) -> Input:
    pq.write_table(table, path, **how)
    return given(path)


def results(records: Sequence[Record]) -> list[Result | None]:
    return [None if record.error else Result("a", FOUND) for record in records]


def written(records: Sequence[Record], table: columns.Columns) -> Any:
    out = io.BytesIO()
    with parquet.Table(out, table) as rows:
        for record, result in zip(records, results(records), strict=True):
            rows.add(record, result)
    return pq.read_table(io.BytesIO(out.getvalue()))


@pytest.fixture
def typed(tmp_path: Path) -> Input:
    return saved(tmp_path / "a.parquet", pa.table(TYPED))


def test_rows_are_records_and_a_row_without_its_text_has_an_error(typed: Input) -> None:
    records = list(read(Slice(typed), "line", "text", nothing))
    assert [(record.source, record.error) for record in records] == [
        ("a", ""),
        ("", f"{typed.name}, row 2: text is null"),
        ("c", ""),
    ]


def test_the_other_columns_of_a_table_keep_their_types_and_values(typed: Input) -> None:
    records = list(read(Slice(typed), "line", "text", nothing))
    out = written(records, columns.of_schema(parquet.schema(typed.name), "ents"))
    assert out.drop_columns(["ents"]).equals(pa.table(TYPED))
    assert out["ents"].type == arrow.entities_type()
    ent = {"start": 0, "end": 1, "label": "PER", "text": "a", "score": 0.5}
    assert out["ents"].to_pylist() == [[ent], None, [ent]]


def test_a_row_has_a_form_as_json(typed: Input) -> None:
    records = list(read(Slice(typed), "line", "text", nothing))
    value = json.loads(writer("jsonl")(records[2], Result("c", [])))
    nanoseconds = value.pop("time").replace("T", " ")
    assert nanoseconds == "1970-01-01 00:00:01.000000001"
    assert value == {
        **{"id": None, "text": "c", "day": "2026-11-26", "price": "1.50", "raw": "/w==", "tags": None, "kind": "p"},
        **{"map": None, "ents": []},
    }


def test_a_column_of_the_entities_name_is_replaced(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.parquet", pa.table({"ents": [1], "text": ["a"]}))
    out = written(
        list(read(Slice(file), "line", "text", nothing)), columns.of_schema(parquet.schema(file.name), "ents")
    )
    assert out.schema.names == ["text", "ents"]
    assert out["ents"].type == arrow.entities_type()


@pytest.mark.parametrize("group", [1, 7, 50, 1_000])
def test_slices_of_any_size_hold_each_row_once_whatever_the_row_groups_are(tmp_path: Path, group: int) -> None:
    texts = [f"text {n} {'x' * (n % 7)}" for n in range(50)]
    file = saved(tmp_path / "a.parquet", pa.table({"text": texts}), row_group_size=group)
    assert can_be_cut(file, "line")
    whole: list[int] = []
    assert [record.source for record in read(Slice(file), "line", "text", whole.append)] == texts
    assert sum(whole) == file.size
    for size in (1, 10, 100, 333, file.size):
        if size * 200 < file.size:  # many slices, each of which opens the file
            continue
        counted: list[int] = []
        cuts = [*range(0, file.size, size), file.size]
        found = [
            record.source
            for begin, end in pairwise(cuts)
            for record in read(Slice(file, begin, end), "line", "text", counted.append)
        ]
        assert (found, sum(counted)) == (texts, file.size), size


def test_of_a_row_group_only_a_part_is_held(tmp_path: Path) -> None:
    table = pa.table({"text": ["a"] * 30_000, "other": ["x" * 1_000] * 30_000})
    file = saved(tmp_path / "a.parquet", table, compression="none", use_dictionary=False)
    assert file.size > 30_000_000
    tracemalloc.start()
    try:
        before = pa.total_allocated_bytes()
        next(read(Slice(file), "line", "text", nothing))
        held = pa.total_allocated_bytes() - before + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < 8_000_000


def test_an_empty_table_has_no_records(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.parquet", pa.table({"text": pa.array([], pa.string())}))
    assert list(read(Slice(file), "line", "text", nothing)) == []
    assert list(read(Slice(file, 0, 10), "line", "text", nothing)) == []


def without_footer(content: bytes) -> bytes:
    return content[:-20]


def with_other_pages(content: bytes) -> bytes:
    return content[:4] + bytes(200) + content[204:]


@pytest.mark.parametrize("damage", [without_footer, with_other_pages])
def test_damage_is_an_error_in_its_place(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.parquet"
    saved(path, pa.table({"text": [f"text {n}" for n in range(3_000)]}))
    path.write_bytes(damage(path.read_bytes()))
    errors = [record.error for record in read(Slice(given(path)), "line", "text", nothing) if record.error]
    assert errors == [f"{path}: the Parquet data are damaged"]


@pytest.mark.parametrize(
    ("table", "fact"),
    [
        ({"body": ["a"]}, "there is no column text; the columns are body"),
        ({"text": [1]}, "column text is of type int64, not string"),
    ],
)
def test_a_file_without_a_column_of_texts_ends_the_run(tmp_path: Path, table: dict[str, Any], fact: str) -> None:
    file = saved(tmp_path / "a.parquet", pa.table(table))
    with pytest.raises(BulkError) as refusal:
        list(read(Slice(file), "line", "text", nothing))
    assert str(refusal.value) == f"{file.name}: {fact}; --text-column names the column of the texts"


@pytest.mark.parametrize(
    "other", [{"text": ["a"]}, {"id": ["1"], "text": ["a"]}, {"id": [1], "text": ["a"], "b": [1]}]
)
def test_a_file_with_other_columns_than_the_first_ends_the_run(tmp_path: Path, other: dict[str, Any]) -> None:
    first = saved(tmp_path / "a.parquet", pa.table({"id": [1], "text": ["a"]}))
    second = saved(tmp_path / "b.parquet", pa.table(other))
    table = columns.of_schema(parquet.schema(first.name), "ents")
    with pytest.raises(
        BulkError, match=r"b.parquet: column (id|b) is not that of the first file, by its name or type"
    ):
        list(read(Slice(second), "line", "text", nothing, table))


# -- fields of JSON and CSV ----------------------------------------------------------------------------------------


def of_values(*values: Any) -> columns.Columns:
    return columns.of_first((Record("a", {"text": "a", "x": value}) for value in values), "ents")


@pytest.mark.parametrize(
    ("values", "kind", "type_", "kept"),
    [
        ((None, None), "string", pa.string(), None),
        (("a", None), "string", pa.string(), None),
        ((True, False), "bool", pa.bool_(), False),
        ((1, None, 2), "int64", pa.int64(), 2),
        ((1, 2.5), "double", pa.float64(), 2.5),
        ((True, 1), "json", pa.string(), "1"),
        ((1, "a"), "json", pa.string(), '"a"'),
        (([1], {"a": None}), "json", pa.string(), '{"a": null}'),
        ((1 << 63,), "json", pa.string(), str(1 << 63)),
        (("\ud800",), "json", pa.string(), '"\\ud800"'),
    ],
)
def test_the_values_of_a_field_choose_the_type_of_its_column(
    values: tuple[Any, ...], kind: str, type_: Any, kept: Any
) -> None:
    table = of_values(*values)
    assert table.kinds == {"text": "string", "x": kind}
    out = written([Record("a", {"text": "a", "x": values[-1]})], table)
    assert (out["x"].type, out["x"].to_pylist()) == (type_, [kept])


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        ({"text": "a", "x": 1}, ""),
        ({"text": "a", "x": None}, ""),
        ({"text": "a", "x": 1, "ents": "of another tagger"}, ""),
        ({"text": "a"}, ""),
        ({"text": "a", "x": 1.5}, "field x is not of type int64, as in the first 1,024 records"),
        ({"text": "a", "y": 1}, "none of the first 1,024 records, which decide the columns, has a field y"),
    ],
)
def test_a_record_that_has_no_place_in_the_table_has_an_error(fields: dict[str, Any], fact: str) -> None:
    assert of_values(1).misfit(fields) == fact


def test_a_bad_record_is_a_row_without_entities_in_its_place() -> None:
    records = [
        Record("a", {"text": "a", "x": 1}),
        Record("", {"text": "a", "x": "no"}, "bad"),
        Record("", {"x": 2}, "bad"),
    ]
    out = written(records, of_values(1))
    assert out["x"].to_pylist() == [1, None, 2]
    assert [found is None for found in out["ents"].to_pylist()] == [False, True, True]


def test_plain_text_becomes_a_column_of_texts() -> None:
    table = columns.of_first([Record("a")], "names")
    out = written([Record("a"), Record("", error="bad")], table)
    assert out.schema.names == ["text", "names"]
    assert out["text"].to_pylist() == ["a", None]


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BulkError) as refusal:
        columns.of_first([], "ents")
    assert str(refusal.value) == "for Parquet and Arrow, install a package more: pip install 'nerve-ner[parquet]'"


def test_tables_are_joined_a_row_group_at_a_time(tmp_path: Path) -> None:
    rows = 8_000
    texts, found = [f"{n:01000}" for n in range(rows)], pa.nulls(rows, arrow.entities_type())
    table = pa.table({"text": texts, "ents": found})
    saved(tmp_path / "a.parquet", table, row_group_size=rows // 8)
    group_bytes = table.nbytes // 8
    before = pa.total_allocated_bytes()
    held = []

    def watched(groups: Iterable[Any]) -> Iterator[Any]:
        for group in groups:
            held.append(pa.total_allocated_bytes() - before)
            yield group

    with (tmp_path / "a.parquet").open("rb") as part, (tmp_path / "b.parquet").open("wb") as file:
        parquet.write(watched(parquet.row_groups(part)), file, columns.of_schema(table.schema, "ents"))
    assert len(held) == 8
    assert max(held) < 3 * group_bytes
    assert pq.read_table(tmp_path / "b.parquet").equals(table)
