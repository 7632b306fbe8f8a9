"""Explicit null: in every request, a field with a default that is null is a field that is not given."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema_rs
import pytest
from pydantic import BaseModel

from nerve.service.api.description import openapi
from nerve.service.api.routes import API

# The shortest document of each model of a request.
SHORTEST: dict[str, dict[str, Any]] = {
    "EntitiesRequest": {"text": "Ann"},
    "GazetteerRequest": {},
    "RedactRequest": {"text": "Ann"},
    "OperatorRequest": {"type": "mask"},
    "TokenClassificationRequest": {"inputs": "Ann"},
    "TokenClassificationParameters": {},
    "AnalyzeRequest": {"text": "Ann", "language": "en"},
    "AnonymizeRequest": {"text": "Ann", "analyzer_results": []},
    "AnalyzerResult": {"entity_type": "PERSON", "start": 0, "end": 3, "score": 1},
    "AnonymizerRequest": {"type": "mask", "masking_char": "*"},
    "InferRequest": {"inputs": []},
    "InputTensor": {"name": "text", "shape": [0], "datatype": "BYTES"},
    "OutputRequest": {"name": "entities"},
    "SetupRequest": {"schema": "<View/>"},
    "PredictRequest": {"tasks": [], "label_config": "<View/>"},
    "LabelStudioTask": {"data": {}},
}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation is made of, with those of their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for part in get_args(annotation):
        yield from models_in(part)


MODELS = {model.__name__: model for route in API for model in models_in(route.request)}


def test_each_model_of_a_request_is_asked() -> None:
    assert MODELS.keys() == SHORTEST.keys()


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field.alias or own_name)
        for name, model in sorted(MODELS.items())
        for own_name, field in model.model_fields.items()
        if not field.is_required() and (own_name not in SHORTEST[name] or own_name != "text")
    ],
)
def test_null_is_a_field_that_is_not_given(name: str, field: str) -> None:
    model, shortest = MODELS[name], SHORTEST[name]
    without = {key: value for key, value in shortest.items() if key != field}
    assert model.model_validate_json(json.dumps({**shortest, field: None})) == model.model_validate_json(
        json.dumps(without)
    )


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_description_says_so(name: str) -> None:
    described = openapi(API)["components"]
    schema = described["schemas"][name]
    required = schema.get("required", [])
    refuse = [
        field
        for field, value in schema["properties"].items()
        if field not in required and not jsonschema_rs.is_valid({**value, "components": described}, None)
    ]
    assert not refuse
