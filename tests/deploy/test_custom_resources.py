"""The objects of KEDA, the Prometheus Operator, the Gateway API, KServe and Grafana against their own models.

The models of npm come in two forms, and each misses what the other finds: their validators know ranges and formats
and let unknown fields pass; their types refuse unknown fields, and know no ranges. KServe's are classes of Python.
"""

import copy
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.deploy_tools import KSERVE
from tests.deploy.conftest import FETCH
from tests.support import ROOT
from tests.support.documents import blocks

Object = dict[str, Any]
PACKAGES = {
    "keda.sh": "keda",
    "monitoring.coreos.com": "prometheus-operator",
    "gateway.networking.k8s.io": "gateway-api",
}
KINDS = {"ScaledObject": "keda", "ServiceMonitor": "keys", "PrometheusRule": "rules", "HTTPRoute": "route"}
# A place in an object, and what somebody may have written there.
MISSPELT = [
    ("ScaledObject", ("spec",), "maxReplicas", 10),
    ("ScaledObject", ("spec", "fallback"), "replica", 2),
    ("ServiceMonitor", ("spec", "endpoints", 0), "intervall", "15s"),
    ("PrometheusRule", ("spec", "groups", 0, "rules", 1), "alerts", "x"),
    ("HTTPRoute", ("spec", "rules", 0), "timeout", {"request": "40s"}),
]
WRONG = [
    ("ScaledObject", ("spec",), "maxReplicaCount", "ten"),
    ("ServiceMonitor", ("spec", "endpoints", 0), "interval", "often"),
    ("PrometheusRule", ("spec", "groups", 0, "rules", 1), "for", "a while"),
    ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0), "port", 99_999),
]


@pytest.fixture
def objects(rendered: Mapping[str, list[Object]]) -> dict[str, Object]:
    """The custom resources of the chart, by their kinds."""
    return {kind: next(one for one in rendered[name] if one["kind"] == kind) for kind, name in KINDS.items()}


def changed(objects: dict[str, Object], changes: list[tuple[str, tuple[str | int, ...], str, Any]]) -> list[Object]:
    """A copy of an object for each change."""
    result = []
    for kind, path, key, value in changes:
        copied = copy.deepcopy(objects[kind])
        place: Any = copied
        for step in path:
            place = place[step]
        place[key] = value
        result.append(copied)
    return result


def by_schema(folder: Path, objects: list[Object]) -> list[str]:
    """What the validators say: a line for each object that is not valid."""
    shutil.copy(Path(__file__).parent / "tools" / "validate.mjs", folder)
    (folder / "objects.json").write_text(json.dumps(objects), encoding="utf-8")
    words = ["node", "validate.mjs", "objects.json"]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def by_type(folder: Path, literals: Iterable[tuple[str, str, Object]]) -> list[str]:
    """The errors that the compiler of TypeScript finds in literals, each of a type of a module."""
    lines = []
    for number, (module, name, item) in enumerate(literals):
        lines += [
            f'import type {{ {name} as T{number} }} from "{module}";',
            f"export const o{number}: T{number} = {json.dumps(item)};",
        ]
    (folder / "objects.ts").write_text("\n".join(lines), encoding="utf-8")
    words = ["node_modules/.bin/tsc", "--noEmit", "--skipLibCheck", "--module", "nodenext", "objects.ts"]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    found = [line for line in ended.stdout.splitlines() if "error TS" in line]
    assert bool(found) is bool(ended.returncode), ended.stdout + ended.stderr
    return found


def typed(item: Object) -> tuple[str, str, Object]:
    """The module and the name of the type of a custom resource, and the object."""
    group, version = item["apiVersion"].split("/")
    kind = item["kind"]
    return f"@kubernetes-models/{PACKAGES[group]}/{group}/{version}/{kind}", f"I{kind}", item


def test_the_objects_are_valid(node_modules: Path, objects: dict[str, Object]) -> None:
    assert by_schema(node_modules, [*objects.values()]) == []
    assert by_type(node_modules, map(typed, objects.values())) == []


def test_a_misspelt_field_is_refused(node_modules: Path, objects: dict[str, Object]) -> None:
    said = by_type(node_modules, map(typed, changed(objects, MISSPELT)))
    assert [key for _, _, key, _ in MISSPELT if not any(f"'\"{key}\"'" in line for line in said)] == []


def test_a_wrong_value_is_refused(node_modules: Path, objects: dict[str, Object]) -> None:
    said = by_schema(node_modules, changed(objects, WRONG))
    assert [line.partition(":")[0] for line in said] == [kind for kind, _, _, _ in WRONG]


@pytest.mark.parametrize(
    ("place", "key"),
    [((), None), ((), "refreshes"), (("panels", 0), "gridPosition"), (("panels", 1, "fieldConfig"), "default")],
)
def test_grafana_knows_every_field_of_the_dashboard(
    node_modules: Path, place: tuple[str | int, ...], key: str | None
) -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "nerve.json").read_text())
    if key:
        found = dashboard
        for step in place:
            found = found[step]
        found[key] = {}
    panels = [("@grafana/schema", "Panel", panel) for panel in dashboard.pop("panels")]
    said = by_type(node_modules, [("@grafana/schema", "Dashboard", dashboard), *panels])
    assert len(said) == (1 if key else 0)
    assert all(f"'\"{key}\"'" in line for line in said)


class KServe:
    """The classes of kserve's wheel, read as text: each lists the fields of an object, and their classes."""

    def __init__(self) -> None:
        if not KSERVE.exists():
            pytest.skip(f"KServe's models are not here: {FETCH}")
        with zipfile.ZipFile(KSERVE) as wheel:
            self._sources = {
                Path(name).stem: wheel.read(name).decode()
                for name in wheel.namelist()
                if name.startswith("kserve/models/v1")
            }

    def unknown(self, item: Object) -> list[str]:
        """The paths of the fields that no class has."""
        version = item["apiVersion"].partition("/")[2]
        return [*self._unknown(item, version.capitalize() + item["kind"], item["kind"])]

    def _unknown(self, item: Any, model: str, path: str) -> Iterator[str]:
        known = self._fields(model)
        if not isinstance(item, dict) or known is None:
            return
        for key, value in item.items():
            if key not in known:
                yield f"{path}.{key}"
                continue
            of = re.sub(r"^(?:list\[|dict\(str, )(.+)[\])]$", r"\1", known[key])
            for part in value if isinstance(value, list) else [value]:
                yield from self._unknown(part, of, f"{path}.{key}")

    def _fields(self, model: str) -> dict[str, str] | None:
        """The fields of a class by their names in YAML, and their types; None if it is another project's class."""
        source = self._sources.get(re.sub(r"(?<!^)(?=[A-Z])", "_", model).lower())
        if source is None:
            return None

        def table(name: str) -> dict[str, str]:
            found = re.search(rf"{name} = \{{(.*?)\}}", source, re.DOTALL)
            assert found
            return dict(re.findall(r"'(\w+)': '([^']+)'", found[1]))

        types, names = table("openapi_types"), table("attribute_map")
        return {names[field]: types[field] for field in names}


@pytest.fixture(scope="module")
def kserve() -> KServe:
    return KServe()


@pytest.fixture(scope="module")
def documented() -> list[Object]:
    """The two objects of docs/kubernetes.md."""
    shown = blocks(ROOT / "docs" / "kubernetes.md", "yaml")
    found = [one for block in shown for one in yaml.safe_load_all(block.content) if "kserve" in str(one)]
    assert [one["kind"] for one in found] == ["ClusterServingRuntime", "InferenceService"]
    return found


def test_every_field_of_the_kserve_objects_is_one_of_kserves(kserve: KServe, documented: list[Object]) -> None:
    assert [kserve.unknown(one) for one in documented] == [[], []]


@pytest.mark.parametrize(
    ("number", "change", "path"),
    [
        (0, lambda spec: spec.update(protocolVersion=["v2"]), "ClusterServingRuntime.spec.protocolVersion"),
        (
            0,
            lambda spec: spec["supportedModelFormats"][0].update(autoselect=True),
            "ClusterServingRuntime.spec.supportedModelFormats.autoselect",
        ),
        (1, lambda spec: spec["predictor"].update(minReplica=2), "InferenceService.spec.predictor.minReplica"),
        (1, lambda spec: spec["predictor"]["model"].update(uri="x"), "InferenceService.spec.predictor.model.uri"),
    ],
)
def test_a_misspelt_field_of_a_kserve_object_is_found(
    kserve: KServe, documented: list[Object], number: int, change: Callable[[Object], None], path: str
) -> None:
    wrong = copy.deepcopy(documented[number])
    change(wrong["spec"])
    assert kserve.unknown(wrong) == [path]
