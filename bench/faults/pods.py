"""Services that are started, asked for their health and stopped as the chart's Deployment says to Kubernetes."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress

from bench.faults.chart import Deployment, Probe
from bench.faults.service_process import children

REQUESTS = "nerve_http_requests_total{"


class PodError(Exception):
    """A service has not become ready within the time of its startup probe."""


class Pods:
    """The places in which services run, each with a port. A service that is replaced has another place."""

    def __init__(self, deployment: Deployment, ports: list[int], settings: Mapping[str, str]) -> None:
        """Take the Deployment, a port for each place, and variables beside those of the Deployment."""
        self._deployment = deployment
        self._ports = ports
        self._settings = settings
        self._running: dict[int, Process] = {}

    @property
    def running(self) -> list[int]:
        """The ports at which services run, the oldest first."""
        return list(self._running)

    def pid(self, port: int) -> int:
        """The id of the process at a port."""
        return self._running[port].pid

    def workers(self, port: int) -> list[int]:
        """The ids of the processes that it has started."""
        return children(self.pid(port))

    async def scale(self, replicas: int) -> None:
        """Start services until so many run."""
        free = [port for port in self._ports if port not in self._running]
        await asyncio.gather(*map(self.start, free[: replicas - len(self._running)]))

    async def start(self, port: int) -> None:
        """Start a service in a place, and wait until its startup probe succeeds. Raises PodError."""
        environment = {
            **os.environ, **self._deployment.environment, "OMP_NUM_THREADS": "1",
            **self._settings, "HOST": "127.0.0.1", "PORT": str(port),
        }  # fmt: skip
        words = [sys.executable, "-m", "nerve.service"]
        # A session of its own, so that all its processes can be killed together, as those of a container are.
        self._running[port] = await asyncio.create_subprocess_exec(
            *words, env=environment, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
        probe = self._deployment.startup
        for _ in range(probe.failures):
            if await healthy(port, probe):
                return
            await asyncio.sleep(probe.period)
        raise PodError(f"the service was not ready after {probe.failures * probe.period} s")

    async def complete(self, port: int) -> None:
        """Wait for the line that a service prints when the last of its workers has started."""
        stdout = self._running[port].stdout
        assert stdout is not None
        await stdout.readline()

    async def stop(self, port: int) -> None:
        """SIGTERM, and SIGKILL when the grace period is over."""
        process = self._running[port]
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._deployment.grace):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        del self._running[port]

    async def replace(self) -> None:
        """Replace every service by a new one, as a rolling update does: one more, then one less."""
        for port in self.running:
            await self.start(next(free for free in self._ports if free not in self._running))
            await self.stop(port)

    async def kill(self, port: int) -> None:
        """SIGKILL to all processes of a service; return when they are gone."""
        process = self._running.pop(port)
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def is_replaced(self, port: int, killed: int) -> bool:
        """Whether a worker is gone and there are two again, which perhaps do not answer yet."""
        workers = self.workers(port)
        return killed not in workers and len(workers) == 2

    async def has_workers(self, port: int, count: int) -> bool:
        """Whether so many processes of a service count requests."""
        return (await metrics(port)).get("nerve_workers") == count

    async def counted(self) -> dict[int, int]:
        """How many requests to tag each service has counted, by the id of its process."""
        found = {}
        for port, process in self._running.items():
            counts = (item for item in (await metrics(port)).items() if item[0].startswith(REQUESTS))
            found[process.pid] = int(sum(value for name, value in counts if "/v1/entities" in name))
        return found

    async def end(self) -> None:
        """Kill all that still run."""
        for port in self.running:
            await self.kill(port)


async def healthy(port: int, probe: Probe) -> bool:
    """Whether a probe succeeds."""
    try:
        async with asyncio.timeout(probe.timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {probe.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def metrics(port: int) -> dict[str, float]:
    """The metrics of a service, by name and labels as they are written; none if it does not answer."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    except OSError:
        return {}
    lines = (line.rpartition(" ") for line in body.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines if name}
