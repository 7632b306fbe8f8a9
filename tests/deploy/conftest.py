"""The tools that check the files of deploy/. A test whose tool is not there is skipped, and says who brings it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.faults import chart
from scripts.deploy_tools import NODE_MODULES, VALIDATOR

FETCH = "`make tools` fetches it"
# Every switch of the chart, by the kinds of objects that it adds to those of no switch.
SWITCHES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "none": ({}, set()),
    "hpa": ({"autoscaling": {"kind": "hpa"}}, {"HorizontalPodAutoscaler"}),
    "keda": ({"autoscaling": {"kind": "keda"}}, {"ScaledObject"}),
    "service monitor": ({"monitoring": {"serviceMonitor": True}}, {"ServiceMonitor"}),
    "rules": ({"monitoring": {"prometheusRule": True}}, {"PrometheusRule"}),
    "route": (
        {"httpRoute": {"enabled": True, "gateway": "public", "hostnames": ["ner.example.org"]}},
        {"HTTPRoute"},
    ),
    "keys": (
        {
            "keysSecret": "nerve-keys",
            "monitoring": {"serviceMonitor": True, "credentials": {"name": "nerve-keys", "key": "prometheus"}},
        },
        {"ServiceMonitor"},
    ),
    "models": ({"modelsClaim": "models", "settings": {"MODEL": "/models/mine.pt"}}, set()),
    "pod": (
        {
            "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"name": "gateway"}}}]},
            "pod": {
                "nodeSelector": {"kubernetes.io/arch": "amd64"},
                "tolerations": [{"key": "ner", "operator": "Exists"}],
                "imagePullSecrets": [{"name": "registry"}],
                "priorityClassName": "high",
            },
        },
        set(),
    ),
}


@pytest.fixture(scope="session")
def render() -> Callable[..., list[dict[str, Any]]]:
    """Renders the chart with values."""
    if chart.helm() is None:
        pytest.skip(f"helm is not installed: {FETCH}")
    return chart.render


@pytest.fixture(scope="session")
def rendered(render: Callable[..., list[dict[str, Any]]]) -> Mapping[str, list[dict[str, Any]]]:
    """The objects of the chart for each switch."""
    return {name: render(values) for name, (values, _) in SWITCHES.items()}


@pytest.fixture
def validate(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs kubernetes-validate on objects, strictly, for a version of Kubernetes."""
    if not VALIDATOR.exists():
        pytest.skip(f"kubernetes-validate is not installed: {FETCH}")

    def run(objects: list[dict[str, Any]], version: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "objects.yaml"
        file.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
        words = [sys.executable, "-m", "kubernetes_validate", "--strict", "--no-warn", "-k", version, str(file)]
        return subprocess.run(
            words, env={**os.environ, "PYTHONPATH": str(VALIDATOR)}, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    """A folder in which node and tsc find the models of the custom resources."""
    if not NODE_MODULES.exists():
        pytest.skip(f"the models of the custom resources are not installed: {FETCH}")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    return tmp_path


@pytest.fixture(scope="session")
def installed() -> Callable[[str], str]:
    """Returns the path of a program of Debian, or skips the test."""

    def find(program: str) -> str:
        found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
        if found is None:
            pytest.skip(f"{program} is not installed; Debian and Ubuntu have it")
        return found

    return find
