"""The tagger for tables of Arrow, as Ray Data and Spark call it."""

from pathlib import Path
from typing import Any

import pytest

import nerve
from nerve.bulk import arrow, ray
from nerve.bulk.errors import BulkError

pa = pytest.importorskip("pyarrow")

TEXTS = ["Angela Merkel visited New York .", None, "", "München in 2005 ."]


def table(**more: list[Any]) -> Any:
    return pa.table({"id": [1, 2, 3, 4], "text": TEXTS, **more})


@pytest.fixture
def tagger(archive_path: Path) -> arrow.Tagger:
    return arrow.Tagger(str(archive_path), min_score=0.0)


@pytest.mark.parametrize("batch", [table(), table().to_batches()[0]], ids=["table", "record batch"])
def test_a_batch_gets_the_entities_that_the_tagger_finds(
    tagger: arrow.Tagger, archive_path: Path, batch: Any
) -> None:
    found = tagger(batch)
    assert isinstance(found, type(batch))
    assert found.schema.names == ["id", "text", "ents"]
    loaded = nerve.load(archive_path)
    expected = [None if text is None else loaded(text, min_score=0.0).to_json()["ents"] for text in TEXTS]
    assert any(expected)
    assert found["ents"].to_pylist() == expected
    assert found.select(["id", "text"]).equals(batch)


def test_texts_may_be_in_another_column_and_entities_go_to_another(archive_path: Path) -> None:
    other = arrow.Tagger(str(archive_path), "body", "names", labels=["PER"])
    found = other(pa.table({"names": [1], "body": TEXTS[:1]}))
    assert found.schema.names == ["body", "names"]
    assert found["names"].type == arrow.entities_type()
    assert {ent["label"] for ent in found["names"][0].as_py()} <= {"PER"}


def test_a_batch_that_is_no_table_is_refused(tagger: arrow.Tagger) -> None:
    fact = 'a batch is a dict, not an Arrow table; with Ray, say map_batches(…, batch_format="pyarrow")'
    with pytest.raises(TypeError) as refusal:
        tagger({"text": TEXTS})
    assert str(refusal.value) == fact


def test_a_table_without_the_column_is_refused(tagger: arrow.Tagger) -> None:
    with pytest.raises(BulkError, match="there is no column text; the columns are body"):
        tagger(pa.table({"body": ["a"]}))


def test_a_worker_loads_its_tagger_once(archive_path: Path) -> None:
    assert arrow.tagger(str(archive_path)) is arrow.tagger(str(archive_path))


def test_ray_has_the_tagger_by_its_own_name() -> None:
    assert ray.Tagger is arrow.Tagger
