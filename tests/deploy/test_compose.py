"""deploy/compose.yaml: Compose takes it, its settings are the service's, and Prometheus finds what it scrapes."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nerve.service.http.keys import read_keys
from nerve.service.settings import Settings, read_settings, variable
from tests.support import ROOT
from tests.support.documents import shell_lines

FOLDER = ROOT / "deploy"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize(
    ("old", "new"), [(None, ""), ("read_only", "readonly"), ("secrets:", "secret:"), ("cpus: 2", "cpus: [two]")]
)
def test_compose_takes_the_file_and_refuses_what_is_misspelt(
    installed: Callable[[str], str], tmp_path: Path, old: str | None, new: str
) -> None:
    text = (FOLDER / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(text.replace(old, new) if old else text)
    words = [installed("docker-compose"), "--file", str(tmp_path / "compose.yaml"), "config", "--quiet"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode == 0) is (old is None), ended.stderr


def test_the_settings_are_the_services_and_its_time_to_stop_is_long_enough(compose: Any) -> None:
    service = compose["nerve"]
    assert set(service["environment"]) <= {variable(name) for name in Settings.model_fields}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service["environment"].items():
            patch.setenv(name, value)
        found = read_settings([])
    assert int(service["stop_grace_period"].removesuffix("s")) > found.drain_grace_seconds + found.drain_seconds
    assert found.workers == service["cpus"]
    assert found.api_keys_file == f"/run/secrets/{service['secrets'][0]}"


def test_the_documented_commands_write_the_files_of_keys(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    lines = shell_lines(ROOT / "docs" / "operations.md")
    written = [line for line in lines if line.startswith(("openssl", "echo", "chmod"))]
    subprocess.run(["sh", "-euc", "\n".join(written)], cwd=tmp_path, check=True)
    key = (tmp_path / "deploy" / "prometheus.key").read_bytes().strip()
    assert read_keys(str(tmp_path / "deploy" / "keys.txt")).name(key) == "prometheus"


def test_prometheus_scrapes_the_service_with_the_key_that_it_is_given(compose: Any) -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    (job,) = configuration["scrape_configs"]
    port = compose["nerve"]["ports"][0].rpartition(":")[2]
    assert job["static_configs"] == [{"targets": [f"nerve:{port}"]}]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{compose['prometheus']['secrets'][0]}"
    mounted = dict(volume.split(":")[:2] for volume in compose["prometheus"]["volumes"])
    inside = {Path(target).name: FOLDER / source for source, target in mounted.items() if source.startswith(".")}
    assert {name for name, path in inside.items() if path.is_file()} == {
        "prometheus.yaml",
        *configuration["rule_files"],
    }


def test_the_ports_are_open_to_the_machine_alone(compose: Any) -> None:
    assert all(port.startswith("127.0.0.1:") for service in compose.values() for port in service["ports"])


@pytest.mark.parametrize("old", [None, "scrape_configs"])
def test_promtool_takes_the_configuration_and_refuses_what_is_misspelt(
    installed: Callable[[str], str], tmp_path: Path, old: str | None
) -> None:
    shutil.copy(FOLDER / "helm" / "nerve" / "rules.yaml", tmp_path)
    (tmp_path / "key").touch()
    text = (FOLDER / "prometheus.yaml").read_text().replace("/run/secrets/prometheus-key", str(tmp_path / "key"))
    (tmp_path / "prometheus.yaml").write_text(text.replace(old, f"{old}s") if old else text)
    words = [installed("promtool"), "check", "config", str(tmp_path / "prometheus.yaml")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode == 0) is (old is None), ended.stderr
