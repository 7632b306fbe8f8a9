"""`GET /openapi.json`, the OpenAPI document, and `GET /docs`, the same as a page.

The usual pages for OpenAPI load scripts from public servers; this one is plain HTML and needs no network.
"""

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.description import openapi
from nerve.service.api.route import Route, bytes_response
from nerve.service.state import Service

_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;"
    "padding:0 1rem}pre{padding:.8rem;overflow:auto;border:1px solid #8886;border-radius:.4rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}"
)


def documentation_routes(routes: Iterable[Route]) -> list[Route]:
    """Return the routes of the OpenAPI document of `routes`, and of its page."""
    document = openapi(routes)
    page, content = _page(document), to_json(document)

    async def docs(_: Service, _request: Request) -> Response:
        return Response(page, media_type="text/html")

    async def openapi_document(_: Service, _request: Request) -> Response:
        return bytes_response(content)

    return [
        Route("GET", "/docs", endpoint=docs, needs_key=False),
        Route("GET", "/openapi.json", endpoint=openapi_document, needs_key=False),
    ]


def _page(document: dict[str, Any]) -> str:
    info = document["info"]
    operations = "".join(
        _operation(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}: HTTP API</title>'
        '<meta name="viewport" content="width=device-width"><style>' + _STYLE + "</style>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('summary', ''))} "
        "The same as data: <a href='/openapi.json'>openapi.json</a>.</p>" + operations + "</html>"
    )


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation.get('summary', ''))}.</p>"]
    if "parameters" in operation:
        parts.append(_parameters(operation["parameters"]))
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(_fields(_resolved(document, body["schema"])))
        for name, example in body.get("examples", {}).items():
            parts.append(
                f"<h3>Request: {escape(name)}</h3><pre>curl http://HOST:PORT{escape(path)} "
                f"-H 'Content-Type: {media_type}' --data-binary '{escape(_shown(example['value']))}'</pre>"
            )
    for status, answer in operation["responses"].items():
        parts += [
            f"<h3>Answer {escape(status)}</h3><pre>{escape(_shown(example))}</pre>"
            for content in answer.get("content", {}).values()
            for example in _examples(document, content.get("schema", {}))
        ]
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code><td>{escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    return "".join(parts) + f"<h3>Statuses</h3><table>{rows}</table>"


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code><td>in the {escape(parameter['in'])}"
        for parameter in parameters
    )
    return f"<h3>Parameters</h3><table>{rows}</table>"


def _fields(schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(field.get('description', ''))}"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<h3>Fields</h3><table>{rows}</table>" if rows else ""


def _shown(example: Any) -> str:
    """Return an example as a body: JSON, or lines of JSON as they are."""
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _examples(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    """Return the examples of a schema and of its alternatives."""
    schema = _resolved(document, schema)
    examples = list(schema.get("examples", []))
    for choice in schema.get("anyOf", []):
        examples += _examples(document, choice)
    return examples


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference refers to, or the schema itself."""
    if "$ref" not in schema:
        return schema
    resolved: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return resolved
