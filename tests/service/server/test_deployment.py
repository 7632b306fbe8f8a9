"""The files of docs/operations.md against the code: settings, paths, times."""

import re
from itertools import pairwise
from typing import Any

import pytest
import yaml

from nerve.service.api.routes import API
from nerve.service.settings import Settings, read_settings, variable
from tests.support.documents import ROOT, blocks, commands

OPERATIONS = ROOT / "docs" / "operations.md"
VARIABLES = {variable(name) for name in Settings.model_fields}


@pytest.fixture
def compose() -> Any:
    return next(yaml.safe_load(block.content) for block in blocks(OPERATIONS, "yaml") if "services:" in block.content)


@pytest.fixture
def pod() -> Any:
    documents = (yaml.safe_load(block.content) for block in blocks(OPERATIONS, "yaml"))
    return next(one for one in documents if one.get("kind") == "Deployment")["spec"]["template"]["spec"]


def settings(variables: dict[str, str]) -> Settings:
    assert set(variables) <= VARIABLES
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return read_settings([])


def test_the_settings_of_the_compose_file_are_ours_and_its_time_to_stop_is_long_enough(compose: Any) -> None:
    service = compose["services"]["nerve"]
    found = settings(service["environment"])
    assert int(service["stop_grace_period"].removesuffix("s")) > found.drain_grace_seconds + found.drain_seconds
    assert found.workers == service["cpus"]
    assert found.api_keys_file == f"/run/secrets/{service['secrets'][0]}"
    assert service["secrets"] == list(compose["secrets"])
    assert str(found.models[0]).startswith(service["volumes"][0].split(":")[1])


def test_the_settings_of_the_pod_are_ours_and_its_time_to_end_is_long_enough(pod: Any) -> None:
    (container,) = pod["containers"]
    found = settings({one["name"]: one["value"] for one in container["env"]})
    assert pod["terminationGracePeriodSeconds"] > found.drain_grace_seconds + found.drain_seconds
    readiness = container["readinessProbe"]
    assert found.drain_grace_seconds > readiness["periodSeconds"] * readiness["failureThreshold"]
    assert found.api_keys_file.startswith(container["volumeMounts"][0]["mountPath"] + "/")
    assert container["volumeMounts"][0]["name"] == pod["volumes"][0]["name"]


def test_the_probes_ask_what_there_is_and_what_is_open(pod: Any) -> None:
    (container,) = pod["containers"]
    paths = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")]
    assert set(paths) <= {route.path for route in API if route.method == "GET" and not route.needs_key}
    assert paths[1:] == ["/health/ready", "/health/live"]


def test_the_default_times_are_within_dockers() -> None:
    assert Settings().drain_grace_seconds + Settings().drain_seconds < 10


def test_every_variable_that_is_mentioned_is_a_setting() -> None:
    assert set(re.findall(r"NERVE_[A-Z0-9_]+", OPERATIONS.read_text(encoding="utf-8"))) <= VARIABLES


def test_the_containers_are_started_with_settings_that_there_are() -> None:
    shown = [command.split() for command in commands(OPERATIONS) if command.startswith("docker run")]
    pairs = [pair for words in shown for pair in pairwise(words)]
    assert [word.partition("=")[0] for flag, word in pairs if flag == "-e"] == ["MODEL"]


def test_the_proxy_lets_through_what_the_service_would_answer() -> None:
    (proxy,) = blocks(OPERATIONS, "nginx")
    ours = Settings()
    bodies = re.findall(r"client_max_body_size (\d+)m?;", proxy.content)
    waits = re.findall(r"proxy_read_timeout (\d+)s;", proxy.content)
    assert [int(size) * 2**20 for size in bodies] == [ours.max_body_bytes + 2**20, 0]
    assert [int(seconds) > ours.deadline_seconds for seconds in waits] == [True]
    posts = {route.path for route in API if route.method == "POST"}
    assert set(re.findall(r"proxy_pass http://[^/]+(/\S+);", proxy.content)) <= posts
