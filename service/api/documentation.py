"""`GET /docs`: the OpenAPI document as a page. The framework's own page loads its script from a public server; this
one is plain HTML, made from the same document, and works where there is no network.
"""

import json
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;"
    "padding:0 1rem}pre{padding:.8rem;overflow:auto;border:1px solid #8886;border-radius:.4rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}"
)


def documentation_routes(app: FastAPI) -> APIRouter:
    router = APIRouter()

    @router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_page(app.openapi()))

    return router


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
        parts.append(_fields(body["schema"]))
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
    rows = "".join(f"<tr><td><code>{escape(one['name'])}</code><td>in the {escape(one['in'])}" for one in parameters)
    return f"<h3>Parameters</h3><table>{rows}</table>"


def _fields(schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(field.get('description', ''))}"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<h3>Fields</h3><table>{rows}</table>" if rows else ""


def _shown(example: Any) -> str:
    """An example as a body: JSON, or the lines of JSON that it is already."""
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _examples(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    """The examples of a schema and of those it refers to or chooses between."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    found = list(schema.get("examples", []))
    for choice in schema.get("anyOf", []):
        found += _examples(document, choice)
    return found
