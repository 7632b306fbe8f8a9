"""The description of the HTTP API that the package holds."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from nerve.service.api.routes import API
from nerve.service.errors import STATUSES
from nerve.service.openapi import document, main
from tests.support import ROOT

KEPT = ROOT / "service" / "openapi.json"


def test_the_kept_description_is_that_of_this_service() -> None:
    assert KEPT.read_text(encoding="utf-8") == document(), (
        "write it anew: python -m nerve.service.openapi service/openapi.json"
    )


def test_a_service_answers_the_same_description_whatever_it_serves(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json() == json.loads(document())


def test_its_server_is_where_the_document_is_whatever_the_path_that_a_proxy_serves_it_below() -> None:
    (server,) = json.loads(document())["servers"]
    assert urljoin("https://example.org/nerve/openapi.json", server["url"]) == "https://example.org/nerve/"


def test_the_command_writes_it(tmp_path: Path) -> None:
    assert main([str(tmp_path / "openapi.json")]) == 0
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == document()


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["a", "b"], 2), (["nowhere/openapi.json"], 1)])
def test_a_wrong_call_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int) -> None:
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def parts(value: object) -> list[dict[str, Any]]:
    """Each object in a document."""
    if isinstance(value, list):
        return [found for part in value for found in parts(part)]
    if isinstance(value, dict):
        return [value, *(found for part in value.values() for found in parts(part))]
    return []


def test_no_union_has_a_list_or_a_map_for_which_openapi_generator_writes_java_that_does_not_compile() -> None:
    described = parts(json.loads(document()))
    choices = [choice for part in described for word in ("anyOf", "oneOf") for choice in part.get(word, [])]
    assert choices
    assert not [choice for choice in choices if choice.get("type") in ("array", "object")]


def test_an_object_with_fields_is_no_union() -> None:
    described = parts(json.loads(document()))
    assert not [part for part in described if "properties" in part and {"anyOf", "oneOf"} & part.keys()]


def test_only_the_components_have_titles_and_each_has_its_name() -> None:
    described = json.loads(document())
    schemas = described["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items() if "title" in schema} == {
        name: name for name in schemas if name != "JsonValue"
    }
    titles = [part["title"] for part in parts(described) if isinstance(part.get("title"), str)]
    assert sorted(titles) == sorted([*(schemas.keys() - {"JsonValue"}), described["info"]["title"]])


def test_no_field_has_a_default_that_a_client_would_send_whatever_the_service_s_is_by_then() -> None:
    schemas = json.loads(document())["components"]["schemas"]
    fields = [field for schema in schemas.values() for field in schema.get("properties", {}).values()]
    assert not [field for field in fields if "default" in field]


def references(value: object) -> list[str]:
    if isinstance(value, list):
        return [found for part in value for found in references(part)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for part in value.values() for found in references(part)]
    return []


def test_every_reference_leads_somewhere() -> None:
    described = json.loads(document())
    assert {reference.rpartition("/")[0] for reference in references(described)} == {"#/components/schemas"}
    names = {reference.rpartition("/")[2] for reference in references(described)}
    assert names <= described["components"]["schemas"].keys()


def test_each_route_says_what_it_takes_and_answers() -> None:
    for path, operations in json.loads(document())["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            takes_nothing = method == "get" or path.endswith(":reload") or not path.startswith("/v1/")
            assert "requestBody" in operation or takes_nothing, path
            assert all(answer["description"] for answer in operation["responses"].values()), path


def operations() -> list[tuple[str, dict[str, Any]]]:
    """Each operation with its path."""
    paths = json.loads(document())["paths"]
    return [(path, operation) for path, methods in paths.items() for operation in methods.values()]


def test_every_operation_has_an_id_of_its_own_which_is_a_name() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(set(ids)) == len(ids) == len(API)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", operation_id) for operation_id in ids)


def test_every_json_request_is_a_named_schema() -> None:
    contents = [operation["requestBody"]["content"] for _, operation in operations() if "requestBody" in operation]
    schemas = [content["application/json"]["schema"] for content in contents if "application/json" in content]
    assert len(schemas) == sum(route.request is not None for route in API)
    assert all(schema.keys() == {"$ref"} for schema in schemas)


def test_an_operation_that_may_need_a_key_says_how_to_send_it() -> None:
    schemes = json.loads(document())["components"]["securitySchemes"]
    for path, operation in operations():
        assert ("401" in operation["responses"]) == ("security" in operation), path
        assert {name for choice in operation.get("security", []) for name in choice} <= schemes.keys()


def test_every_error_is_described_with_the_sentence_of_its_status() -> None:
    for path, operation in operations():
        for status, answer in operation["responses"].items():
            if status != "200":
                assert answer["description"] == STATUSES[int(status)].description, (path, status)
