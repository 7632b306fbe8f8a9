"""`GET /openapi.json`, the OpenAPI document, and `GET /docs`, the same as a page.

The usual pages for OpenAPI load scripts from public servers; this one is plain HTML and needs no network. Its links
are relative, so it works behind a proxy that serves it below a path. `service/page/docs.js` shows forms to try it.
"""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.description import openapi
from nerve.service.api.pages import HEADERS
from nerve.service.api.route import Route, bytes_response
from nerve.service.state import Service

# Its method, its path, and what the document says of it.
_Operation = tuple[str, str, dict[str, Any]]


def documentation_routes(routes: Iterable[Route]) -> list[Route]:
    """Return the routes of the OpenAPI document of `routes`, and of its page."""
    document = openapi(routes)
    page, content = _page(document), to_json(document)

    async def docs(_: Service, _request: Request) -> Response:
        return Response(page, media_type="text/html", headers=HEADERS)

    async def openapi_document(_: Service, _request: Request) -> Response:
        return bytes_response(content)

    return [
        Route("GET", "/docs", endpoint=docs, needs_key=False),
        Route("GET", "/openapi.json", endpoint=openapi_document, needs_key=False),
    ]


def _page(document: dict[str, Any]) -> str:
    info = document["info"]
    title = escape(info["title"])
    tags: dict[str, list[_Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    contents = "".join(f"<h3>{_prose(tag)}</h3><ul>{''.join(map(_entry, found))}</ul>" for tag, found in tags.items())
    sections = "".join(_section(document, operation) for found in tags.values() for operation in found)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}: HTTP API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="page/docs.css">'
        '<link rel="icon" href="page/icon.svg"><script type="module" src="page/docs.js"></script>'
        f"<header><h1>{title} {escape(info['version'])}: HTTP API</h1><p>{_prose(info['summary'])} The same as data: "
        '<a href="openapi.json">openapi.json</a>. <a href="./">The page</a> is for people.</p>'
        # Shown by the script, as the forms are.
        '<p id="access" hidden><label>API key, if the service asks for one '
        '<input id="key" type="password" autocomplete="off"></label></p></header>'
        f'<nav aria-label="Contents"><h2>Contents</h2>{contents}</nav><main>{sections}</main></html>'
    )


def _entry(operation: _Operation) -> str:
    method, path, described = operation
    link = f'<a href="#{described["operationId"]}"><code>{method} {escape(path)}</code></a>'
    return f"<li>{link} {_prose(described['summary'])}</li>"


def _section(document: dict[str, Any], operation: _Operation) -> str:
    method, path, described = operation
    name = described["operationId"]
    parts = [
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title"><code>{method} {escape(path)}'
        f"</code></h2><p>{_prose(described['summary'])}.</p>"
    ]
    if "parameters" in described:
        parts.append(_parameters(described["parameters"]))
    for media_type, body in described.get("requestBody", {}).get("content", {}).items():
        parts.append(_fields(_resolved(document, body["schema"])))
        for title, example in body.get("examples", {}).items():
            parts.append(
                f'<h3>Request: {escape(title)}</h3><pre class="curl">curl http://HOST:PORT{escape(path)} '
                f"-H 'Content-Type: {media_type}' --data-binary '{escape(_shown(example['value']))}'</pre>"
            )
    for status, answer in described["responses"].items():
        parts += [
            f"<h3>Answer {escape(status)}</h3><pre>{escape(_shown(example))}</pre>"
            for content in answer.get("content", {}).values()
            for example in _examples(document, content.get("schema", {}))
        ]
    statuses = [(status, answer["description"]) for status, answer in described["responses"].items()]
    return "".join(parts) + _table("Statuses", statuses) + _form(operation) + "</section>"


def _form(operation: _Operation) -> str:
    """Return the form that sends a request, with the first example in it."""
    method, path, described = operation
    fields = "".join(
        f'<label>{escape(parameter["name"])}, in the {parameter["in"]} <input name="{escape(parameter["name"])}" '
        f'data-in="{parameter["in"]}"{" required" if parameter.get("required") else ""}></label>'
        for parameter in described.get("parameters", [])
    )
    contents = described.get("requestBody", {}).get("content", {})
    for body in contents.values():
        example = escape(_shown(next(iter(body["examples"].values()))["value"]))
        fields += f'<label>Body <textarea name="body" spellcheck="false">{example}</textarea></label>'
    media_type = next(iter(contents), "")
    return (
        f'<form class="try" data-method="{method}" data-path="{escape(path)}" data-type="{media_type}" '
        f'aria-label="Try {method} {escape(path)}" hidden><h3>Try it</h3>{fields}<button>Send '
        f"<code>{method} {escape(path)}</code></button><output></output></form>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = [
        (parameter["name"], parameter.get("description", f"In the {parameter['in']}.")) for parameter in parameters
    ]
    return _table("Parameters", rows)


def _fields(schema: dict[str, Any]) -> str:
    rows = [(name, field.get("description", "")) for name, field in schema.get("properties", {}).items()]
    return _table("Fields", rows) if rows else ""


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{_prose(meaning)}</td></tr>'
        for name, meaning in rows
    )
    return f"<h3>{title}</h3><table>{cells}</table>"


def _prose(text: str) -> str:
    """Return a sentence of the document, in which backquotes mark code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _shown(example: Any) -> str:
    """Return an example as a body: JSON, or lines of JSON as they are."""
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _examples(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    """Return the examples of a schema and of its alternatives."""
    schema = _resolved(document, schema)
    examples = list(schema.get("examples", []))
    for choice in schema.get("anyOf", [schema["else"]] if "else" in schema else []):
        examples += _examples(document, choice)
    return examples


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference refers to, or the schema itself."""
    if "$ref" not in schema:
        return schema
    resolved: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return resolved
