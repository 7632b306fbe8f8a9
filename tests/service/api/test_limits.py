"""The limits of collections: one item more than the schema allows is refused."""

from typing import Any

import httpx
import pytest

from nerve.service.api.body import MOST_FIELDS
from nerve.service.api.requests import MOST_INCLUDED
from nerve.service.api.tensors import MOST_TENSORS

KEEP = {"type": "keep"}


def named(count: int, value: Any) -> dict[str, Any]:
    return {str(number): value for number in range(count)}


MANY = MOST_FIELDS + 1


@pytest.mark.parametrize(
    ("path", "request_body", "status"),
    [
        ("/v1/redact", {"text": "a", "operators": named(MANY, KEEP)}, 422),
        ("/v1/redact", {"text": "a", "operators": named(MANY, 1)}, 422),
        ("/v1/entities", {"text": "a", "labels": named(MANY, "PER")}, 422),
        ("/v1/entities", {"text": "a", "labels": ["PER"] * MANY}, 422),
        ("/v1/entities", {"text": "a", "gazetteer": {"always": named(MANY, [])}}, 422),
        ("/v1/entities", {"text": "a", "gazetteer": {"always": named(MANY, 1)}}, 422),
        ("/v1/entities", {"text": "a", "include": ["sents"] * (MOST_INCLUDED + 1)}, 422),
        ("/v1/entities", {"text": "a " * 400_000}, 413),
        ("/v1/entities", {"tokens": ["a"] * 200_001}, 413),
        ("/anonymize", {"text": "a", "analyzer_results": [], "anonymizers": named(MANY, KEEP)}, 422),
        ("/", {"inputs": "a", "parameters": {"ignore_labels": ["PER"] * MANY}}, 422),
        ("/analyze", {"text": "a", "language": "en", "entities": ["PERSON"] * MANY}, 422),
        ("/v2/models/fake/infer", {"inputs": [{"name": "a", "shape": [], "datatype": ""}] * (MOST_TENSORS + 1)}, 400),
    ],
)
def test_one_more_than_the_limit_is_refused(
    client: httpx.Client, path: str, request_body: dict[str, Any], status: int
) -> None:
    assert client.post(path, json=request_body).status_code == status
