"""Entities in tables of Apache Arrow, and a tagger for them: what Parquet, Ray and Spark have in common.

Needs pyarrow (the extra `parquet`), which is imported when it is used.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from nerve import DISTRIBUTION, Result
from nerve.bulk.errors import BulkError
from nerve.bulk.extras import required
from nerve.bulk.models import Models
from nerve.bulk.settings import Settings

SPARK_TYPE = "array<struct<start:int,end:int,label:string,text:string,score:double>>"
"""The type of a column of entities, as Spark writes types."""

_TEXT_TYPES = ("string", "large_string", "string_view")


def pyarrow(module: str = "pyarrow") -> Any:
    """The library, or a module of it. Raises BulkError if it is not installed."""
    return required(module, "Parquet and Arrow", f"{DISTRIBUTION}[parquet]")


def entities_type() -> Any:
    """The type of a column of entities: a list of structs with the fields that an entity has in JSON."""
    pa = pyarrow()
    fields = [("start", pa.int32()), ("end", pa.int32()), ("label", pa.string()), ("text", pa.string())]
    return pa.list_(pa.struct([*fields, ("score", pa.float64())]))


def entities(results: Iterable[Result | None]) -> Any:
    """A column with the entities of each result, and null where there is no result."""
    values = [None if result is None else [entity.to_json() for entity in result] for result in results]
    return pyarrow().array(values, entities_type())


def check_text(schema: Any, name: str) -> str:
    """Why a column of a table cannot be tagged; empty if it can."""
    if name not in schema.names:
        return f"there is no column {name}; the columns are {', '.join(schema.names)}"
    kind = schema.field(name).type
    kind = getattr(kind, "value_type", kind) if pyarrow().types.is_dictionary(kind) else kind
    return "" if str(kind) in _TEXT_TYPES else f"column {name} is of type {kind}, not string"


class Tagger:
    """Adds a column of entities to tables, as `map_batches` of Ray Data and `mapInArrow` of Spark ask for it.

    Each row is tagged on its own, so an output does not depend on how rows come together in batches, but for the last
    digits of scores. A text that is null gets null for its entities.

    Args:
        model: the name of a bundled model, the path of an archive, or `auto`: the one for each sentence's language.
        text_column: the column of the texts.
        ents_column: the column that the entities are put in.
        **settings: more of `nerve.bulk.settings.Settings`, such as `labels`, `min_score` and `device`.

    Raises:
        ArchiveError: there is no such model, or it cannot be loaded.
        BulkError: no model has a label that is asked for, or pyarrow is not installed.
    """

    def __init__(
        self, model: str = "en", text_column: str = "text", ents_column: str = "ents", **settings: Any
    ) -> None:
        pyarrow()
        self._models = Models(Settings(model, **settings))
        self._text_column, self._ents_column = text_column, ents_column

    def __call__(self, batch: Any) -> Any:
        """Tag a batch.

        Args:
            batch: a `pyarrow.Table` or a `pyarrow.RecordBatch`.

        Returns:
            The same with the column of entities behind the others. One of this name is replaced.

        Raises:
            TypeError: the batch is something else.
            BulkError: it has no such column of strings.
        """
        if not hasattr(batch, "append_column"):
            fact = f"a batch is a {type(batch).__name__}, not an Arrow table"
            raise TypeError(f'{fact}; with Ray, say map_batches(…, batch_format="pyarrow")')
        if fault := check_text(batch.schema, self._text_column):
            raise BulkError(fault)
        texts = batch.column(self._text_column).to_pylist()
        results = iter(self._models.tag([text for text in texts if text is not None]))
        found = entities(None if text is None else next(results) for text in texts)
        if self._ents_column in batch.schema.names:
            batch = batch.drop_columns([self._ents_column])
        return batch.append_column(self._ents_column, found)


@cache
def tagger(model: str = "en", text_column: str = "text", ents_column: str = "ents") -> Tagger:
    """The tagger of this process, which is loaded when it is first asked for: for workers that run many tasks."""
    return Tagger(model, text_column, ents_column)
