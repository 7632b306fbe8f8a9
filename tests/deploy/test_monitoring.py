"""Rules, dashboard and scrape configuration, tried by a real Prometheus that scrapes the real service."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bench.faults.chart import CHART
from bench.faults.ports import free_ports
from tests.service.conftest import make_archive
from tests.support import ROOT, loopback
from tests.support.failing_service import ENDING
from tests.support.fakes import eventually

RULES = CHART / "rules.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "nerve.json"
SCRAPING = ROOT / "deploy" / "prometheus.yaml"
KEY = "key-of-prometheus-0123456789"
# Grafana's variables, as for a Prometheus that scrapes every half second.
VARIABLES = {"$job": ".+", "$__rate_interval": "5s"}
DATA_SECONDS = 60


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return group["rules"]


def queries() -> list[str]:
    """Every query of the dashboard, and those of the rules without the limit above which they fire."""
    targets = [target for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]]
    return [target["expr"] for target in targets] + [re.sub(r" > [\d.]+$", "", rule["expr"]) for rule in rules()]


class Monitored:
    """A service under load and the Prometheus that scrapes it."""

    def __init__(self, service: str, prometheus: str) -> None:
        self._service = loopback.Client(base_url=service, headers={"x-api-key": KEY}, timeout=30)
        self._threads = ThreadPoolExecutor(12)
        self._prometheus = loopback.Client(base_url=prometheus, timeout=30)

    def post(self, **body: Any) -> int:
        return self._service.post("/v1/entities", json=body).status_code

    def metrics(self) -> str:
        return self._service.get("/metrics").text

    def get(self, path: str, **parameters: str) -> Any:
        return self._prometheus.get(path, params=parameters).json()

    def has_data(self, query: str) -> bool:
        """Whether the query gives a number; a quotient of nothing by nothing is none."""
        for name, value in VARIABLES.items():
            query = query.replace(name, value)
        answer = self.get("/api/v1/query", query=query)
        assert answer["status"] == "success", answer
        return any(sample["value"][1] != "NaN" for sample in answer["data"]["result"])

    def without_data(self, queries: list[str]) -> list[str]:
        """The queries that have given no number within the time, while requests come in and some are refused."""
        left = list(queries)

        def all_have() -> bool:
            # More at once than the queue has room for.
            list(self._threads.map(lambda text: self.post(text=text), ["Angela Merkel visited Munich. " * 15] * 12))
            left[:] = [query for query in left if not self.has_data(query)]
            return not left

        eventually(all_have, DATA_SECONDS)
        return left

    def close(self) -> None:
        self._threads.shutdown()
        self._service.close()
        self._prometheus.close()


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory, installed: Callable[[str], str]) -> Iterator[Monitored]:
    prometheus, folder = installed("prometheus"), tmp_path_factory.mktemp("monitored")
    ports = free_ports(2)
    (folder / "key").write_text(KEY)
    (folder / "keys.txt").write_text(f"prometheus {KEY}\n")
    (folder / "rules.yaml").write_text(RULES.read_text())
    configuration = yaml.safe_load(SCRAPING.read_text())
    configuration["global"] = dict.fromkeys(configuration["global"], "500ms")
    (job,) = configuration["scrape_configs"]
    job["authorization"]["credentials_file"] = str(folder / "key")
    # The labels that the Prometheus Operator adds.
    labels = {"namespace": "nerve", "service": "nerve"}
    job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[0]}"], "labels": labels}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    service = [
        *(sys.executable, str(ROOT / "tests" / "support" / "failing_service.py"), "--port", str(ports[0])),
        *("--model", str(make_archive(folder / "tiny.pt")), "--api-keys-file", str(folder / "keys.txt")),
        *("--max-tokens", "100", "--queue-tokens", "100", "--drain-grace-seconds", "0"),
    ]
    scraper = [
        *(prometheus, f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"),
        *(f"--web.listen-address=127.0.0.1:{ports[1]}", "--log.level=error"),
    ]
    with (
        subprocess.Popen(service, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as one,
        subprocess.Popen(scraper, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other,
    ):
        found = Monitored(f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}")
        try:
            assert one.stdout is not None
            assert "ready" in one.stdout.readline()
            # Its API answers as soon as there is something to ask for.
            assert eventually(lambda: ready(found), 60)
            yield found
        finally:
            found.close()
            one.terminate()
            other.terminate()


def ready(monitored: Monitored) -> bool:
    try:
        return bool(monitored.get("/api/v1/query", query="up == 1")["data"]["result"])
    except (httpx.HTTPError, KeyError, json.JSONDecodeError):
        return False


def test_every_query_of_dashboard_rules_and_keda_gives_data(monitored: Monitored, render: Any) -> None:
    scaled = next(one for one in render({"autoscaling": {"kind": "keda"}}) if one["kind"] == "ScaledObject")
    keda = scaled["spec"]["triggers"][0]["metadata"]["query"]
    # Nothing that a client sends ends the engine, so a failure that a client can cause takes its place.
    asked = [query.replace("engine_stopped", "internal") for query in queries()]
    assert sum("internal" in query for query in asked) == 1
    assert monitored.post(text=ENDING) == 500
    assert monitored.without_data([*asked, keda]) == []


def test_prometheus_evaluates_every_rule(monitored: Monitored) -> None:
    def evaluated() -> list[tuple[str, str]]:
        groups = monitored.get("/api/v1/rules")["data"]["groups"]
        return [(rule["name"], rule["health"]) for group in groups for rule in group["rules"]]

    names = [rule.get("alert") or rule["record"] for rule in rules()]
    assert eventually(lambda: evaluated() == [(name, "ok") for name in names], DATA_SECONDS)


@pytest.mark.parametrize("query", ["nerve_worker", 'rate(nerve_refused_total{reasons="queue_full"}[5s])'])
def test_a_misspelt_query_gives_no_data(monitored: Monitored, query: str) -> None:
    assert not monitored.has_data(query)


def test_promtool_finds_nothing_in_the_metrics(monitored: Monitored, installed: Callable[[str], str]) -> None:
    words = [installed("promtool"), "check", "metrics"]
    ended = subprocess.run(words, input=monitored.metrics(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_each_alert_fires_when_it_should_and_not_before(installed: Callable[[str], str], tmp_path: Path) -> None:
    for file in (RULES, Path(__file__).with_name("rules_test.yaml")):
        (tmp_path / file.name).write_text(file.read_text())
    tested = yaml.safe_load((tmp_path / "rules_test.yaml").read_text())["tests"]
    cases = [case for test in tested for case in test["alert_rule_test"]]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts
    words = [installed("promtool"), "test", "rules", str(tmp_path / "rules_test.yaml")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(("old", "new"), [("for:", "four:"), ("rate(", "rat("), ("severity: page}", "severity: }}")])
def test_a_mistake_in_the_rules_is_refused(
    installed: Callable[[str], str], tmp_path: Path, old: str, new: str
) -> None:
    text = RULES.read_text()
    assert old in text
    (tmp_path / "rules.yaml").write_text(text.replace(old, new, 1))
    words = [installed("promtool"), "check", "rules", str(tmp_path / "rules.yaml")]
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


def test_the_panels_of_the_dashboard_have_names_and_places_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len({panel["title"] for panel in panels}) == len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(places)) == len(panels)
    assert all(target["expr"].count("$job") for panel in panels for target in panel["targets"])
