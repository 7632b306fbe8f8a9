"""The example text of all descriptions, and the entities that the bundled English model finds in it."""

from typing import Any, cast

from pydantic import JsonValue

from nerve.model.annotation import Entity

EXAMPLE_TEXT = "Tim Cook, chief executive of Apple, flew from Cupertino to Paris on Monday."
EXAMPLE_ENTS: list[JsonValue] = [
    {"start": 0, "end": 8, "label": "PER", "text": "Tim Cook", "score": 0.972957},
    {"start": 29, "end": 34, "label": "ORG", "text": "Apple", "score": 0.969942},
    {"start": 46, "end": 55, "label": "LOC", "text": "Cupertino", "score": 0.976375},
    {"start": 59, "end": 64, "label": "LOC", "text": "Paris", "score": 0.965375},
    {"start": 68, "end": 74, "label": "DATE", "text": "Monday", "score": 0.995026},
]
EXAMPLE_ENTITIES = [Entity(**cast(dict[str, Any], ent)) for ent in EXAMPLE_ENTS]
