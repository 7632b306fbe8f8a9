"""A service with several workers, as a test sees it."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support import loopback
from tests.support.fakes import eventually

URL = "/v1/entities"
OLD_KEY, NEW_KEY = "old-key-0123456789", "new-key-0123456789"


class Fleet:
    """A service with two workers. Each request has a connection of its own, so that both workers get some."""

    def __init__(self, service: Any) -> None:
        self.service = service
        _, self.url = service.ready()

    def get(self, path: str, key: str = OLD_KEY) -> httpx.Response:
        return loopback.get(self.url + path, headers={"x-api-key": key}, timeout=60)

    def post(self, path: str = URL, key: str = OLD_KEY, **body: Any) -> httpx.Response:
        return loopback.post(self.url + path, json=body, headers={"x-api-key": key}, timeout=60)

    def metric(self, name: str, key: str = OLD_KEY, **labels: str) -> float:
        families = text_string_to_metric_families(self.get("/metrics", key).text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def kill_one(self) -> int:
        """Kill a worker, and return its process id."""
        killed: int = self.service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        return killed

    def folders(self) -> set[Path]:
        """The folders in which the workers of this service keep their metrics."""
        maps = [Path(f"/proc/{pid}/maps").read_text() for pid in self.service.workers()]
        return {Path(line.split()[-1]).parent for text in maps for line in text.splitlines() if "/nerve-" in line}


def put(archive: Path, path: Path) -> None:
    """Replace `path` at once, as an operator should."""
    (path.parent / "new").write_bytes(archive.read_bytes())
    (path.parent / "new").replace(path)


def running(pid: int) -> bool:
    """Whether there is such a process, and it is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def replaced(fleet: Fleet, killed: int, seconds: float = 60) -> bool:
    """Whether a worker of the fleet is replaced within so many seconds by one that listens."""
    port = f":{httpx.URL(fleet.url).port:04X}"

    def listening() -> int:
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(words[1].endswith(port) and words[3] == "0A" for words in sockets)

    return eventually(lambda: killed not in fleet.service.workers() and listening() == 2, seconds=seconds)
