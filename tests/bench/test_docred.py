"""Re-DocRED as `bench.bundled` reads it."""

from pathlib import Path
from typing import Any

import pytest

from bench import docred
from nerve.model.annotation import Span
from nerve.training.data.datasets import DatasetError


def mention(sentence: int, start: int, end: int, label: str) -> dict[str, Any]:
    return {"sent_id": sentence, "pos": [start, end], "type": label}


def test_each_sentence_has_the_mentions_of_all_entities_in_order() -> None:
    document = {
        "sents": [["Bonn", "is", "where", "Ann", "Lee", "works", "."], ["She", "left", "."]],
        "vertexSet": [[mention(0, 3, 5, "PER")], [mention(0, 0, 1, "LOC")]],
    }
    first, second = docred.sentences([document])
    assert first.tokens[3:5] == ("Ann", "Lee")
    assert first.spans == (Span(0, 1, "LOC"), Span(3, 5, "PER"))
    assert second.spans == ()


def test_of_mentions_that_overlap_the_longest_is_kept() -> None:
    document = {
        "sents": [["University", "of", "Bonn"]],
        "vertexSet": [[mention(0, 2, 3, "LOC")], [mention(0, 0, 3, "ORG"), mention(0, 0, 3, "ORG")]],
    }
    (sentence,) = docred.sentences([document])
    assert sentence.spans == (Span(0, 3, "ORG"),)


def test_without_a_folder_of_data_it_is_said_where_the_file_comes_from() -> None:
    with pytest.raises(DatasetError, match=r"not fetched: bench/docred\.py says how to get it"):
        docred.load(None)


def test_another_file_than_the_published_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "docred" / "redocred_test.json"
    path.parent.mkdir()
    path.write_text("[]")
    with pytest.raises(DatasetError, match=f"is not the published file: its SHA-256 is not {docred.SHA256}"):
        docred.load(tmp_path)
