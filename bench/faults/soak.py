"""Send half of what the service can answer, with ever new words, and print what grows.

    python -m bench.faults.soak --seconds 3600

Each slice of ten seconds has texts of its own. Prints for each its rate, its p99, the resident memory and the open
descriptors, and at the end how they changed after the first quarter, in which caches fill. It keeps no state: a run
that is interrupted leaves nothing, and another begins anew.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.faults.connection import Connection
from bench.faults.service_process import ServiceProcess, service_process
from bench.load import open_loop, percentile

SLICE_SECONDS = 10.0
PEAK_SECONDS = 5.0
CONNECTIONS = 32
MIB = 2**20


class Slice(NamedTuple):
    """What was measured in a slice: p99 in seconds, and how many requests were not answered with 200."""

    at: float
    requests: int
    failed: int
    p99: float
    resident: int
    descriptors: int


def new_text(chance: random.Random) -> str:
    """Return a sentence whose names nobody has seen before."""
    names = ["".join(chance.choices("abcdefghijklmnoprstuvz", k=chance.randrange(5, 10))).title() for _ in range(3)]
    return f"{names[0]} {names[1]} of {names[2]} met the chairman on Monday and left for the city of New York."


async def peak(port: int, seconds: float, chance: random.Random) -> float:
    """Return how many requests a second are answered when each connection sends one after the other."""
    answered = 0
    end = time.monotonic() + seconds

    async def client() -> None:
        nonlocal answered
        async with Connection(port) as connection:
            while time.monotonic() < end:
                await connection.post("/v1/entities", {"text": new_text(chance)})
                answered += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(client())
    return answered / seconds


async def measured(service: ServiceProcess, rate: float, at: float, chance: random.Random) -> Slice:
    """Send one slice of requests, and return what was measured."""
    bodies = [json.dumps({"text": new_text(chance)}).encode() for _ in range(int(rate * SLICE_SECONDS))]
    seen = await open_loop(f"http://127.0.0.1:{service.port}/v1/entities", bodies, rate, SLICE_SECONDS)
    failed = sum(answer.status != 200 for answer in seen.answers)
    p99 = percentile(seen.latencies(), 99)
    return Slice(at, len(seen.answers), failed, p99, service.resident_bytes, service.descriptors)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line with the least squares through the points, or 0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    middle = sum(x for x, _ in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * y for x, y in points) / spread


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--rate", type=float, help="requests a second; by default half the peak, which is measured")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak a service as the command line asks; return the exit status."""
    options = parse(arguments)
    chance = random.Random(options.seed)
    slices: list[Slice] = []
    with service_process() as service:
        rate = options.rate or asyncio.run(peak(service.port, PEAK_SECONDS, chance)) / 2
        begun = time.monotonic()
        while time.monotonic() - begun < options.seconds:
            one = asyncio.run(measured(service, rate, time.monotonic() - begun, chance))
            slices.append(one)
            print(
                f"{one.at:6,.0f} s  {one.requests:,} requests, {one.failed} failed, p99 {1000 * one.p99:.1f} ms, "
                f"{one.resident / MIB:.1f} MiB, {one.descriptors} descriptors",
                flush=True,
            )
    warm = slices[len(slices) // 4 :]
    memory = slope([(one.at / 3_600, one.resident / MIB) for one in warm])
    drift = slope([(one.at / 3_600, 1000 * one.p99) for one in warm])
    opened = warm[-1].descriptors - warm[0].descriptors
    print(f"{rate:,.0f} requests a second, {sum(one.requests for one in slices):,} in all")
    print(f"memory {memory:+.2f} MiB/h, p99 {drift:+.1f} ms/h, descriptors {opened:+}")
    return int(any(one.failed for one in slices))


if __name__ == "__main__":
    sys.exit(main())
