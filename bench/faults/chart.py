"""The Helm chart as Kubernetes sees it: rendered by helm, and its Deployment read for those who play a cluster."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.deploy_tools import HELM, ROOT

CHART = ROOT / "deploy" / "helm" / "nerve"
IMAGE = f"registry.example.org/nerve@sha256:{'0' * 64}"


class ChartError(Exception):
    """helm is not there, or has refused the values; the message is its own."""


@dataclass(frozen=True)
class Probe:
    """How a container is asked for its health; times in seconds."""

    path: str
    period: int
    timeout: int
    failures: int


@dataclass(frozen=True)
class Deployment:
    """What the chart says of running, watching and stopping a container; times in seconds.

    Attributes:
        replicas: Containers that run.
        surge: Containers that may run beyond these while they are replaced one after another.
        environment: The variables of the container.
        startup: Asked until it first succeeds.
        readiness: Whether the container gets requests.
        grace: From SIGTERM to SIGKILL.
    """

    replicas: int
    surge: int
    environment: Mapping[str, str]
    startup: Probe
    readiness: Probe
    grace: int


def helm() -> str | None:
    """Return the program helm: the installed one, or the one that `make tools` has fetched, or none."""
    return shutil.which("helm") or (str(HELM) if HELM.exists() else None)


def render(values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the objects of the chart with these values; without `image` it is one that nobody has.

    Raises:
        ChartError: helm is not there, or refuses the values.
    """
    program = helm()
    if program is None:
        raise ChartError("helm is not installed: `make tools` fetches it")
    words = [program, "template", "nerve", str(CHART), "--namespace", "nerve", "--values", "-"]
    given = json.dumps({"image": IMAGE, **(values or {})})
    ended = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ChartError(ended.stderr.strip())
    return [one for one in yaml.safe_load_all(ended.stdout) if one]


def deployment(values: Mapping[str, Any] | None = None) -> Deployment:
    """Return the Deployment of the chart with these values. Raises ChartError."""
    (spec,) = (one["spec"] for one in render(values) if one["kind"] == "Deployment")
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    return Deployment(
        replicas=spec["replicas"],
        surge=spec["strategy"]["rollingUpdate"]["maxSurge"],
        environment={one["name"]: one["value"] for one in container["env"]},
        startup=_probe(container["startupProbe"]),
        readiness=_probe(container["readinessProbe"]),
        grace=pod["terminationGracePeriodSeconds"],
    )


def _probe(spec: Mapping[str, Any]) -> Probe:
    return Probe(
        path=spec["httpGet"]["path"],
        period=spec["periodSeconds"],
        timeout=spec["timeoutSeconds"],
        failures=spec["failureThreshold"],
    )
