"""HAProxy and nginx as deploy/ configures them, in front of services on the loopback interface."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.faults.chart import Probe
from bench.faults.ports import free_ports
from scripts.deploy_tools import ROOT


class BalancerError(Exception):
    """A balancer is not installed, or does not answer; the message is one line."""


class Balancer(NamedTuple):
    """A balancer that runs: its name, whether it sends a request whose server is gone to another, and its port."""

    name: str
    retries: bool
    port: int


@contextmanager
def balancers(services: Sequence[int], readiness: Probe, folder: Path) -> Iterator[list[Balancer]]:
    """Run both balancers, each as deploy/ has it and once more without its retry, in front of the same services.

    Args:
        services: The ports of the services, running or not: one for each place in the configurations.
        readiness: How HAProxy asks for health. nginx does not ask.
        folder: An empty folder for configurations and what the balancers write.

    Raises:
        BalancerError: One is not installed.
    """
    with ExitStack() as stack:
        running = []
        for port, (name, retries) in zip(
            free_ports(4), [(name, retries) for name in PROGRAMS for retries in (True, False)], strict=True
        ):
            place = folder / f"{name}-{port}"
            place.mkdir()
            configure, start = PROGRAMS[name]
            file = place / "configuration"
            file.write_text(configure(services, port, readiness, retries=retries), encoding="utf-8")
            words = [program(name), *(word.format(file=file, folder=place) for word in start)]
            with (place / "log").open("wb") as log:
                process = subprocess.Popen(words, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            running.append(Balancer(name, retries, port))
        yield running


def program(name: str) -> str:
    """Return the path of a balancer. Raises BalancerError."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise BalancerError(f"{name} is not installed; Debian and Ubuntu have it: apt-get install {name}")
    return found


def haproxy(services: Sequence[int], port: int, readiness: Probe, *, retries: bool) -> str:
    """Return deploy/haproxy.cfg for these services, with checks as the readiness probe."""
    text = _placed("haproxy.cfg", services)
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    checks = f"inter {readiness.period}s fall {readiness.failures}"
    text, count = re.subn(r"inter \d+s fall \d+", checks, text.replace("GET /health/ready", f"GET {readiness.path}"))
    assert count == 1
    # What is left is HAProxy's own default: a connection that is refused is tried again, and elsewhere.
    return text if retries else re.sub(r"^ *retry-on .*\n", "", text, flags=re.MULTILINE)


def nginx(services: Sequence[int], port: int, _readiness: Probe, *, retries: bool) -> str:
    """Return deploy/nginx.conf for these services."""
    text = _placed("nginx.conf", services).replace("listen 8080;", f"listen 127.0.0.1:{port};")
    # One process in the foreground, which writes to its own folder. Left without the line: a POST is not repeated.
    text = f"daemon off;\nmaster_process off;\npid nginx.pid;\n{text}".replace("http {", f"http {{\n{_TEMPORARY}")
    return text if retries else re.sub(r"^ *proxy_next_upstream .*\n", "", text, flags=re.MULTILINE)


_TEMPORARY = "access_log off;" + "".join(
    f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
PROGRAMS: Mapping[str, tuple[Callable[..., str], Sequence[str]]] = {
    "haproxy": (haproxy, ("-db", "-f", "{file}")),
    "nginx": (nginx, ("-p", "{folder}", "-e", "stderr", "-c", "{file}")),
}


def _placed(name: str, services: Sequence[int]) -> str:
    """A configuration of deploy/ with the services' addresses in its places."""
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    places = sorted(set(re.findall(r"nerve-\d:8000", text)))
    assert len(places) >= len(services)
    for place, port in zip(places, services, strict=False):
        text = text.replace(place, f"127.0.0.1:{port}")
    return re.sub(r"^.*nerve-\d:8000.*\n", "", text, flags=re.MULTILINE)
