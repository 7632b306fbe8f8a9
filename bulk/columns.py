"""The columns of a table that a run writes: those of its Parquet inputs, or what the first records of others have."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nerve import Result
from nerve.bulk.arrow import entities, entities_type, pyarrow
from nerve.bulk.record import Fields, Record

FIRST_RECORDS = 1024
"""So many records say which columns the fields of JSON and CSV become."""


def _is_utf8(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:  # a lone surrogate
        return False


# Types of columns, and which values they take. The first that takes all values of a field is that of its column;
# what no other takes, such as a list, is written as JSON.
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "string": _is_utf8,
    "bool": lambda value: isinstance(value, bool),
    "int64": lambda value: type(value) is int and -(1 << 63) <= value < 1 << 63,
    "double": lambda value: type(value) is float or (type(value) is int and abs(value) <= 1 << 53),
    "json": lambda _: True,
}


@dataclass(frozen=True)
class Columns:
    """The columns of a table."""

    schema: Any
    """a `pyarrow.Schema`, with the column of the entities"""
    ents_field: str
    """the name of that column"""
    kinds: Mapping[str, str]
    """of the other columns, one of `_KINDS`; empty where rows of Parquet are written as they are"""

    def misfit(self, fields: Fields) -> str:
        """Why a record has no place in the table; empty if it has one."""
        for name, value in fields.items():
            if name == self.ents_field:
                continue
            if name not in self.kinds:
                return f"none of the first {FIRST_RECORDS:,} records, which decide the columns, has a field {name}"
            if value is not None and not _KINDS[self.kinds[name]](value):
                return f"field {name} is not of type {self.kinds[name]}, as in the first {FIRST_RECORDS:,} records"
        return ""

    def of_table(self, batch: Any, results: Sequence[Result | None]) -> Any:
        """Rows of an input with their entities: a `pyarrow.RecordBatch` with these columns."""
        return self._batch(dict(zip(batch.schema.names, batch.columns, strict=True)), results)

    def of_records(self, records: Sequence[Record], results: Sequence[Result | None]) -> Any:
        """Records of other inputs with their entities: a `pyarrow.RecordBatch` with these columns."""
        given = [
            record.fields or {"text": result.text if result is not None else None}
            for record, result in zip(records, results, strict=True)
        ]
        # A bad record keeps its fields only if they fit.
        given = [
            {} if result is None and self.misfit(fields) else fields
            for fields, result in zip(given, results, strict=True)
        ]
        arrays = {}
        for field in self.schema:
            values = [self._value(field.name, fields.get(field.name)) for fields in given]
            arrays[field.name] = pyarrow().array(values, field.type)
        return self._batch(arrays, results)

    def _value(self, name: str, value: Any) -> Any:
        return json.dumps(value) if self.kinds.get(name) == "json" and value is not None else value

    def _batch(self, arrays: Mapping[str, Any], results: Sequence[Result | None]) -> Any:
        arrays = {**arrays, self.ents_field: entities(results)}
        return pyarrow().RecordBatch.from_arrays([arrays[name] for name in self.schema.names], schema=self.schema)

    def describe(self) -> dict[str, str]:
        """The names and types, for the manifest."""
        return {field.name: self.kinds.get(field.name) or str(field.type) for field in self.schema}


def of_schema(schema: Any, ents_field: str) -> Columns:
    """The columns of a table with this `pyarrow.Schema` and of the entities."""
    others = [field for field in schema if field.name != ents_field]
    return Columns(_schema(others, ents_field), ents_field, {})


def of_first(records: Iterable[Record], ents_field: str) -> Columns:
    """The columns for records like the first ones, which these are, and of their entities."""
    values: dict[str, list[Any]] = {}
    for record in records:
        if not record.error:
            for name, value in (record.fields or {"text": ""}).items():
                values.setdefault(name, []).extend([] if value is None else [value])
    values.pop(ents_field, None)
    kinds = {
        name: next(kind for kind, fits in _KINDS.items() if all(map(fits, given)))
        for name, given in (values or {"text": []}).items()
    }
    pa = pyarrow()
    types = {
        "string": pa.string(),
        "json": pa.string(),
        "bool": pa.bool_(),
        "int64": pa.int64(),
        "double": pa.float64(),
    }
    return Columns(
        _schema([pa.field(name, types[kind]) for name, kind in kinds.items()], ents_field), ents_field, kinds
    )


def _schema(others: Sequence[Any], ents_field: str) -> Any:
    # Without the metadata of the input, which describes its columns and would contradict the output's.
    pa = pyarrow()
    return pa.schema([*others, pa.field(ents_field, entities_type())])
