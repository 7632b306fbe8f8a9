"""The description of the HTTP API that the package holds."""

import json
from pathlib import Path

import httpx
import pytest

from nerve.service.openapi import document, main
from tests.support import ROOT

KEPT = ROOT / "service" / "openapi.json"


def test_the_kept_description_is_that_of_this_service() -> None:
    assert KEPT.read_text(encoding="utf-8") == document(), (
        "write it anew: python -m nerve.service.openapi service/openapi.json"
    )


def test_a_service_answers_the_same_description_whatever_it_serves(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json() == json.loads(document())


def test_the_command_writes_it(tmp_path: Path) -> None:
    assert main([str(tmp_path / "openapi.json")]) == 0
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == document()


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["a", "b"], 2), (["nowhere/openapi.json"], 1)])
def test_a_wrong_call_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int) -> None:
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


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
