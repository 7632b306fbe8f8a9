"""Replaces and kills services behind HAProxy and nginx under load, and counts the requests that get no answer.

    python -m bench.faults.rollout                          three scenarios, about four minutes
    python -m bench.faults.rollout --scenario kill --model FILE

The environment, the probes, the grace period and the kind of update are those of the Helm chart, which helm renders;
`python -m scripts.deploy_tools` fetches helm. Both balancers are configured by the files of deploy/, and run a second
time without the lines that repeat a request elsewhere. Prints a line of JSON for each balancer and scenario:

    answered     requests with status 200
    lost         requests with another status, or with none
    in_flight    requests that had no answer when a process was killed, and were begun before it was gone
    unexplained  lost requests that were not in flight then

A rolling restart loses none. A process that is killed loses what is in flight, and nothing behind a balancer that
repeats. The exit status is 1 if more is lost.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.faults import chart
from bench.faults.balancer import Balancer, BalancerError, balancers
from bench.faults.connection import Connection
from bench.faults.pods import PodError, Pods
from bench.faults.ports import free_ports
from bench.faults.sigterm import run_until_sigterm

CLIENTS = 4
WARM_SECONDS = 1.0
WAIT_SECONDS = 120.0
# So that clients open connections all the time, and keep them for a while.
REQUESTS_OF_A_CONNECTION = 20
TEXTS = {"texts": ["Angela Merkel visited Munich, and then Ada Lovelace met Charles Babbage in London."] * 20}


class RolloutError(Exception):
    """Something has not come about in time; the message is one line."""


@dataclass(frozen=True)
class Request:
    """When it was sent and when its answer or its end came, in seconds, and the status: 0 without an answer."""

    begun: float
    ended: float
    status: int


@dataclass
class Death:
    """When a process was killed, and when it was gone, in seconds; never, to begin with."""

    killed: float = float("inf")
    gone: float = float("-inf")

    def interrupts(self, request: Request) -> bool:
        """Whether the request was in flight."""
        return request.begun <= self.gone and request.ended >= self.killed


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario behind one balancer."""

    scenario: str
    balancer: str
    retries: bool
    answered: int
    lost: int
    in_flight: int
    unexplained: int

    @property
    def holds(self) -> bool:
        """Whether no more was lost than may be."""
        return not self.unexplained and (not self.retries or not self.lost)


@dataclass(frozen=True)
class Result:
    """What came of a scenario behind every balancer.

    `counted` is the number of requests in the metrics of all services, or None where a service was replaced.
    """

    outcomes: Sequence[Outcome]
    counted: int | None

    @property
    def holds(self) -> bool:
        """Whether no more was lost than may be, and the metrics are right, but for what was in flight."""
        answered, in_flight = (sum(getattr(one, name) for one in self.outcomes) for name in ("answered", "in_flight"))
        right = self.counted is None or abs(self.counted - answered) <= in_flight
        return right and all(one.holds for one in self.outcomes)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.rollout", description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", choices=SCENARIOS, nargs="+", default=[*SCENARIOS], help="default: all")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="connections to each of the four balancers")
    parser.add_argument("--model", type=Path, help="archive to serve instead of the bundled ones")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios; return the exit status."""
    options = parse(arguments)
    settings = {"MODEL": str(options.model)} if options.model else {}
    held = True
    try:
        for name in options.scenario:
            result = run_until_sigterm(run(name, chart.deployment(), settings, options.clients))
            for outcome in result.outcomes:
                print(json.dumps(vars(outcome)), flush=True)
            if result.counted is not None:
                print(json.dumps({"scenario": name, "counted_by_the_services": result.counted}), flush=True)
            held &= result.holds
    except (chart.ChartError, BalancerError, PodError, RolloutError) as error:
        print(f"bench.faults.rollout: {error}", file=sys.stderr)
        return 1
    return 0 if held else 1


async def run(name: str, deployment: chart.Deployment, settings: Mapping[str, str], clients: int) -> Result:
    """Play a scenario under load, and return what came of it behind each balancer.

    Args:
        name: One of SCENARIOS.
        deployment: What the chart says.
        settings: Variables of the services beside those of the chart.
        clients: Connections to each balancer.

    Raises:
        BalancerError: One is not installed.
        PodError: A service did not start.
        RolloutError: Something else did not come about.
    """
    scenario, more = SCENARIOS[name]
    ports = free_ports(deployment.replicas + deployment.surge)
    pods = Pods(deployment, ports, {**settings, **more})
    over = asyncio.Event()
    with tempfile.TemporaryDirectory() as folder, balancers(ports, deployment.readiness, Path(folder)) as running:
        try:
            await pods.scale(deployment.replicas)
            await until(lambda: all_answer(running), "the balancers answer")
            await asyncio.sleep(deployment.readiness.period)  # until HAProxy has asked every service
            before = await pods.counted()
            seen: dict[Balancer, list[Request]] = {balancer: [] for balancer in running}
            load = [asyncio.create_task(client(one.port, seen[one], over)) for one in running for _ in range(clients)]
            await asyncio.sleep(WARM_SECONDS)
            death = await scenario(pods)
            await asyncio.sleep(WARM_SECONDS)
            over.set()
            await asyncio.gather(*load)
            await asyncio.sleep(WARM_SECONDS)  # a request is counted after its answer
            after = await pods.counted()
        finally:
            over.set()
            await pods.end()
    outcomes = [outcome(name, balancer, requests, death) for balancer, requests in seen.items()]
    same = before.keys() == after.keys()
    return Result(outcomes, sum(after.values()) - sum(before.values()) if same else None)


def outcome(name: str, balancer: Balancer, requests: Sequence[Request], death: Death) -> Outcome:
    """Count the requests of a balancer."""
    lost = [request for request in requests if request.status != 200]
    return Outcome(
        scenario=name,
        balancer=balancer.name,
        retries=balancer.retries,
        answered=len(requests) - len(lost),
        lost=len(lost),
        in_flight=sum(map(death.interrupts, requests)),
        unexplained=sum(not death.interrupts(request) for request in lost),
    )


async def rolling_restart(pods: Pods) -> Death:
    """Replace every service."""
    await pods.replace()
    return Death()


async def kill(pods: Pods) -> Death:
    """Kill a service, and start another some time later, as Kubernetes does."""
    replicas, death = len(pods.running), Death(killed=time.monotonic())
    await pods.kill(pods.running[0])
    death.gone = time.monotonic()
    await asyncio.sleep(WARM_SECONDS)
    await pods.scale(replicas)
    return death


async def kill_worker(pods: Pods) -> Death:
    """Kill one of the two workers of a service, and wait until another has taken its place."""
    port = pods.running[0]
    # Ready is a service with one worker; one that dies before all have started ends the service.
    await pods.complete(port)
    killed = pods.workers(port)[0]
    death = Death(killed=time.monotonic())
    os.kill(killed, signal.SIGKILL)
    await until(lambda: pods.is_replaced(port, killed), "the parent has noticed the death")
    death.gone = time.monotonic()
    await until(lambda: pods.has_workers(port, 2), "another worker has taken the place")
    return death


# What happens, and settings beside the chart's.
SCENARIOS: dict[str, tuple[Callable[[Pods], Awaitable[Death]], dict[str, str]]] = {
    "rolling-restart": (rolling_restart, {}),
    "kill": (kill, {}),
    "kill-worker": (kill_worker, {"WORKERS": "2"}),
}


async def client(port: int, seen: list[Request], over: asyncio.Event) -> None:
    """Send requests one after another, some on each connection."""
    while not over.is_set():
        begun = time.monotonic()
        try:
            async with Connection(port) as connection:
                for _ in range(REQUESTS_OF_A_CONNECTION):
                    begun = time.monotonic()
                    answer = await connection.post("/v1/entities", TEXTS)
                    seen.append(Request(begun, time.monotonic(), answer.status))
                    # An error page of a balancer may be the last answer on its connection.
                    if over.is_set() or answer.status != 200:
                        break
        except (OSError, asyncio.IncompleteReadError):
            seen.append(Request(begun, time.monotonic(), 0))


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until something holds. Raises RolloutError."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                if await holds():
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise RolloutError(f"gave up after {WAIT_SECONDS:.0f} s, before {what}") from None


async def all_answer(running: Sequence[Balancer]) -> bool:
    """Whether every balancer has found a service."""
    statuses = set()
    try:
        for balancer in running:
            async with Connection(balancer.port) as connection:
                statuses.add((await connection.post("/v1/entities", {"text": "Munich"})).status)
    except (OSError, asyncio.IncompleteReadError):
        return False
    return statuses == {200}


if __name__ == "__main__":
    sys.exit(main())
