"""The OpenAPI document of the routes, derived from their declarations."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter

from nerve import __version__
from nerve.service.api.responses import ErrorAnswer, PlainErrorAnswer
from nerve.service.api.route import JSON, Route
from nerve.service.api.schema import SchemaGenerator
from nerve.service.errors import STATUSES

TITLE = "nerve"
SUMMARY = "Named-entity recognition: text in, entities with offsets and scores out."
SECURITY_SCHEMES = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
# Either of the two, or none: a service without a file of keys asks for none.
SECURITY: list[dict[str, list[str]]] = [{"apiKey": []}, {"bearer": []}, {}]

Key = tuple[str, str]
Schemas = Mapping[Key, Any]


def openapi(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document, version 3.1, of the routes that have a tag."""
    described = [route for route in routes if route.tag]
    schemas, components = _schemas(described)
    paths: dict[str, dict[str, Any]] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "summary": SUMMARY, "version": __version__},
        # Where the document itself is: a proxy may serve the service below a path of its own.
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY_SCHEMES},
    }


def _schemas(routes: Iterable[Route]) -> tuple[Schemas, dict[str, Any]]:
    """Return the schemas of all requests, answers and errors, and the components that they refer to."""
    inputs: list[tuple[Key, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        (("error", "True"), "serialization", TypeAdapter(PlainErrorAnswer)),
        (("error", "False"), "serialization", TypeAdapter(ErrorAnswer)),
    ]
    for route in routes:
        if route.request is not None:
            inputs.append(((route.name, "request"), "validation", TypeAdapter(route.request)))
        if route.answer is not None:
            inputs.append(((route.name, "answer"), "serialization", TypeAdapter(route.answer)))
    schemas, definitions = TypeAdapter.json_schemas(
        inputs, ref_template="#/components/schemas/{model}", schema_generator=SchemaGenerator
    )
    components: dict[str, Any] = definitions["$defs"]
    # A type that a validator makes itself, such as Words, has a definition to which nothing refers.
    referring = json.dumps([*schemas.values(), *components.values()])
    named = {name: schema for name, schema in sorted(components.items()) if f'/{name}"' in referring}
    return {key: schema for (key, _), schema in schemas.items()}, named


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {"tags": [route.tag], "summary": route.summary, "operationId": route.name}
    if route.needs_key:
        operation["security"] = SECURITY
    parameters = [_path_parameter(name) for name in route.parameters]
    parameters += [_query_parameter(name, description) for name, description in route.query.items()]
    if parameters:
        operation["parameters"] = parameters
    if content := _request_content(route, schemas):
        # A stream of no lines is one, too.
        operation["requestBody"] = {"required": not route.streams, "content": content}
    answer = route.answer_content or {JSON: {"schema": schemas[route.name, "answer"]}}
    operation["responses"] = {
        "200": {"description": route.answer_description, "content": answer},
        **{
            str(status): {
                "description": STATUSES[status].description,
                "content": {JSON: {"schema": schemas["error", str(route.plain_errors)]}},
            }
            for status in route.error_statuses
        },
    }
    return operation


def _request_content(route: Route, schemas: Schemas) -> Mapping[str, Any] | None:
    if route.request is None:
        return route.request_content
    examples = {name: {"value": value} for name, value in route.examples.items()}
    return {JSON: {"schema": schemas[route.name, "request"], "examples": examples}}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
