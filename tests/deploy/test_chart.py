"""The Helm chart: every switch renders objects that Kubernetes knows, and what nobody knows is refused."""

import copy
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest
import yaml

from bench.faults.chart import CHART, IMAGE, ChartError, helm
from nerve import __version__
from nerve.service.api.routes import API
from nerve.service.settings import Settings, read_settings, variable
from tests.deploy.conftest import SWITCHES
from tests.support import ROOT
from tests.support.documents import shell_lines

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]
VERSIONS = ("1.30.0", "1.33.1", "1.37.0")
# What kubernetes-validate has no schema of: test_custom_resources.py.
CUSTOM = {"ScaledObject", "ServiceMonitor", "PrometheusRule", "HTTPRoute"}
# The chart writes these itself.
OURS = {"HOST", "PORT", "NERVE_UNIX_SOCKET", "NERVE_UNIX_SOCKET_MODE", "NERVE_API_KEYS_FILE",
        "NERVE_DRAIN_GRACE_SECONDS", "NERVE_DRAIN_SECONDS"}  # fmt: skip
ALWAYS = {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}


def one(objects: Objects, kind: str) -> dict[str, Any]:
    (found,) = (item for item in objects if item["kind"] == kind)
    return found


def pod(objects: Objects) -> dict[str, Any]:
    return one(objects, "Deployment")["spec"]["template"]["spec"]


def test_the_chart_has_fewer_than_300_lines() -> None:
    lines = [line for path in CHART.rglob("*") if path.is_file() for line in path.read_text().splitlines()]
    assert len(lines) < 300


def test_the_version_is_ours() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


@pytest.mark.usefixtures("render")
def test_helm_lint_finds_nothing() -> None:
    words = [helm() or "", "lint", "--strict", str(CHART), "--set", f"image={IMAGE}"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "0 chart(s) failed" in ended.stdout


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_adds_its_objects(rendered: Mapping[str, Objects], name: str) -> None:
    assert sorted(item["kind"] for item in rendered[name]) == sorted(ALWAYS | SWITCHES[name][1])


def test_the_switches_that_are_on_can_be_turned_off(render: Render) -> None:
    objects = render({"podDisruptionBudget": {"enabled": False}, "networkPolicy": {"enabled": False}})
    assert {item["kind"] for item in objects} == {"Deployment", "Service"}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(validate: Any, rendered: Mapping[str, Objects], version: str) -> None:
    distinct = {json.dumps(item, sort_keys=True): item for every in rendered.values() for item in every}
    objects = [item for item in distinct.values() if item["kind"] not in CUSTOM]
    ended = validate(objects, version)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count(" passed for resource ") == len(objects)


MISSPELT = [
    ("Deployment", ("spec", "template", "spec", "containers", 0), "readynessProbe", {}),
    ("Deployment", ("spec", "strategy", "rollingUpdate"), "maxSurgee", 1),
    ("Service", ("spec",), "port", 80),
    ("PodDisruptionBudget", ("spec",), "maxUnavailble", 1),
    ("NetworkPolicy", ("spec",), "egres", []),
    ("HorizontalPodAutoscaler", ("spec",), "maxReplicas", "ten"),
    ("HorizontalPodAutoscaler", ("spec",), "minReplica", 2),
]


def test_a_misspelt_field_of_an_object_is_refused(validate: Any, rendered: Mapping[str, Objects]) -> None:
    wrong = []
    for kind, path, key, value in MISSPELT:
        item = copy.deepcopy(one(rendered["hpa"], kind))
        place: Any = item
        for step in path:
            place = place[step]
        place[key] = value
        wrong.append(item)
    ended = validate(wrong, VERSIONS[-1])
    assert ended.returncode == 1
    assert " passed for resource " not in ended.stdout
    assert [key for _, _, key, _ in MISSPELT if key not in ended.stdout] == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image": "nerve:0.1.0"}, "/image"),
        ({"replica": 3}, "replica"),
        ({"replicas": "three"}, "/replicas"),
        ({"settings": {"NERVE_DEADLINE": 3}}, "NERVE_DEADLINE"),
        ({"settings": {"PORT": 80}}, "PORT"),
        ({"autoscaling": {"kind": "cpu"}}, "/autoscaling/kind"),
        ({"probes": {"readynes": {}}}, "readynes"),
        ({"probes": {"readiness": {"periodSecond": 3}}}, "periodSecond"),
        ({"stopping": {"grace": 3}}, "grace"),
        ({"pod": {"hostNetwork": True}}, "hostNetwork"),
        ({"monitoring": {"interval": "often"}}, "/monitoring/interval"),
        ({"monitoring": {"credentials": {"name": "keys"}}}, "key"),
        ({"httpRoute": {"path": ["/"]}}, "path"),
        ({"networkPolicy": {"enable": False}}, "enable"),
        ({"podDisruptionBudget": {"enabled": "yes"}}, "/podDisruptionBudget/enabled"),
        ({"resources": {"limit": {}}}, "limit"),
        ({"httpRoute": {"enabled": True}}, "httpRoute.gateway: the name of the Gateway"),
        ({"keysSecret": "k", "monitoring": {"serviceMonitor": True}}, "with keysSecret, Prometheus needs a key, too"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_a_wrong_value_is_refused_by_name(render: Render, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ChartError, match=re.escape(said)):
        render(values)


@pytest.mark.usefixtures("render")
def test_the_documented_commands_give_values_that_the_chart_takes() -> None:
    text = "\n".join(shell_lines(ROOT / "docs" / "kubernetes.md")).replace("\\\n", " ")
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith("helm ")]
    assert {words[1] for words in lines} == {"install", "upgrade"}
    for words in lines:
        values = [word.replace("DIGEST", "0" * 64) for flag, word in pairwise(words) if flag == "--set"]
        sets = [word for value in [f"image={IMAGE}", *values] for word in ("--set", value)]
        command = [helm() or "", "template", *words[2:4], *sets]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr


def test_the_settings_that_may_be_given_are_all_of_the_services_but_the_charts_own() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    allowed = schema["properties"]["settings"]["propertyNames"]["enum"]
    assert set(allowed) == {variable(name) for name in Settings.model_fields} - OURS


def test_a_setting_reaches_the_container_as_it_was_written(render: Render) -> None:
    given = {"NERVE_MAX_BODY_BYTES": 8_388_608, "NERVE_DEADLINE_SECONDS": 2.5, "NERVE_WEIGHTS_ONLY": True,
             "NERVE_CORS_ORIGINS": "https://a.example,https://b.example", "MODEL": "en:zh"}  # fmt: skip
    (container,) = pod(render({"settings": given}))["containers"]
    found = {item["name"]: item["value"] for item in container["env"]}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in found.items():
            patch.setenv(name, value)
        settings = read_settings([])
    assert found["NERVE_MAX_BODY_BYTES"] == "8388608"
    assert (settings.deadline_seconds, settings.weights_only) == (2.5, True)
    assert len(settings.allowed_origins) == len(settings.models) == 2
    assert settings.log_format == "json"


@pytest.mark.parametrize("stopping", [{}, {"graceSeconds": 0, "drainSeconds": 0}, {"graceSeconds": 90}])
def test_kubernetes_waits_longer_than_the_service_needs_to_stop(render: Render, stopping: dict[str, int]) -> None:
    spec = pod(render({"stopping": stopping}))
    variables = {item["name"]: item["value"] for item in spec["containers"][0]["env"]}
    ours = float(variables["NERVE_DRAIN_GRACE_SECONDS"]) + float(variables["NERVE_DRAIN_SECONDS"])
    assert spec["terminationGracePeriodSeconds"] >= ours + 10


def test_a_pod_that_stops_is_unready_before_it_refuses(rendered: Mapping[str, Objects]) -> None:
    (container,) = pod(rendered["none"])["containers"]
    variables = {item["name"]: item["value"] for item in container["env"]}
    readiness = container["readinessProbe"]
    assert float(variables["NERVE_DRAIN_GRACE_SECONDS"]) > readiness["periodSeconds"] * readiness["failureThreshold"]


def test_the_probes_ask_what_is_open_without_a_key(rendered: Mapping[str, Objects]) -> None:
    (container,) = pod(rendered["keys"])["containers"]
    paths = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")]
    assert paths == ["/health/ready", "/health/ready", "/health/live"]
    assert set(paths) <= {route.path for route in API if not route.needs_key}


def test_the_container_can_do_no_more_than_answer(rendered: Mapping[str, Objects]) -> None:
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user
    for objects in rendered.values():
        spec = pod(objects)
        (container,) = spec["containers"]
        assert spec["securityContext"] == {
            "runAsNonRoot": True, "runAsUser": int(user[1]), "runAsGroup": int(user[2]),
            "seccompProfile": {"type": "RuntimeDefault"},
        }  # fmt: skip
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert spec["automountServiceAccountToken"] is False
        assert all(mount["readOnly"] for mount in container["volumeMounts"] or [])
        assert one(objects, "NetworkPolicy")["spec"]["egress"] == []
        assert "Egress" in one(objects, "NetworkPolicy")["spec"]["policyTypes"]


def test_keys_come_from_the_secret_and_prometheus_has_one(rendered: Mapping[str, Objects]) -> None:
    spec = pod(rendered["keys"])
    (container,) = spec["containers"]
    variables = {item["name"]: item["value"] for item in container["env"]}
    (mount,) = container["volumeMounts"]
    assert spec["volumes"] == [{"name": mount["name"], "secret": {"secretName": "nerve-keys"}}]
    assert variables["NERVE_API_KEYS_FILE"].startswith(mount["mountPath"] + "/")
    (endpoint,) = one(rendered["keys"], "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["authorization"] == {"credentials": {"name": "nerve-keys", "key": "prometheus"}}


def test_the_route_leads_to_neither_the_metrics_nor_a_reload(rendered: Mapping[str, Objects]) -> None:
    rules = one(rendered["route"], "HTTPRoute")["spec"]["rules"]
    matches = [match["path"] for rule in rules for match in rule["matches"]]
    assert {match["type"] for match in matches} == {"Exact"}
    paths = {match["value"] for match in matches}
    assert paths == {route.path for route in API if route.path.startswith("/v1/") and "{" not in route.path}


def test_the_route_waits_longer_than_the_service_and_for_a_stream_without_end(render: Render) -> None:
    route = {"enabled": True, "gateway": "public"}
    rules = one(render({"httpRoute": route, "settings": {"NERVE_DEADLINE_SECONDS": 90.5}}), "HTTPRoute")["spec"][
        "rules"
    ]
    waits = {rule["matches"][0]["path"]["value"]: rule["timeouts"]["request"] for rule in rules}
    streams = {path: seconds for path, seconds in waits.items() if path == "/v1/stream"}
    assert streams == {"/v1/stream": "0s"}
    assert set(waits.values()) - {"0s"} == {"101s"}


def test_an_autoscaler_alone_says_how_many_replicas_there_are(rendered: Mapping[str, Objects]) -> None:
    replicas = {name: one(objects, "Deployment")["spec"].get("replicas") for name, objects in rendered.items()}
    assert {name for name, number in replicas.items() if number is None} == {"hpa", "keda"}


@pytest.mark.parametrize(("workers", "threshold"), [(None, 0.6), (4, 2.4)])
def test_keda_adds_a_replica_when_the_engines_are_busy(render: Render, workers: int | None, threshold: float) -> None:
    settings = {} if workers is None else {"WORKERS": workers}
    (trigger,) = one(render({"autoscaling": {"kind": "keda"}, "settings": settings}), "ScaledObject")["spec"][
        "triggers"
    ]
    assert float(trigger["metadata"]["threshold"]) == pytest.approx(threshold)
    assert 'namespace="nerve",service="nerve"' in trigger["metadata"]["query"]
