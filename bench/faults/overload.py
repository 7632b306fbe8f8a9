"""Offer a service three times what it can answer, and print how much of its work still goes into answers.

    python -m bench.faults.overload
    python -m bench.faults.overload --rounds 9 --times 5

Everything is measured in CPU time of the service, so that it may share its core with the load and other programs. The
peak is what 64 connections get, each of which sends its next request when it has the last answer: so many answers in
a CPU second. Then three times as many requests are sent in each CPU second of the service, whoever is refused.
Goodput is the answers of a CPU second then, as a share of those at the peak; an answer has status 200 and came before
the deadline of two seconds. Peak and overload take turns, and the median of the rounds counts. The exit status is 1
if a request got anything else than its answer or a 503 with `Retry-After`.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.faults.connection import Connection
from bench.faults.service_process import ServiceProcess, service_process
from bench.faults.soak import new_text
from bench.load import open_loop

CONNECTIONS = 64
TEXTS = 1_000
DEADLINE_SECONDS = 2.0
WARM_SECONDS = 1.0


class Round(NamedTuple):
    """What was measured in one turn of peak and overload; both rates are answers in a CPU second of the service."""

    peak: float
    goodput: float
    answered: int
    refused: int
    failed: int

    @property
    def share(self) -> float:
        """The goodput as a share of the peak."""
        return self.goodput / self.peak

    @property
    def refusal_seconds(self) -> float:
        """The CPU time of a refusal, if an answer takes as much as at the peak."""
        return self.answered * (1 / self.goodput - 1 / self.peak) / self.refused if self.refused else 0.0


async def peak(port: int, seconds: float, clock: Callable[[], float], bodies: Sequence[bytes]) -> float:
    """Return how many answers CONNECTIONS connections get in a second of the clock."""
    answered, begun = 0, clock()

    async def client(number: int) -> None:
        nonlocal answered
        async with Connection(port) as connection:
            while clock() - begun < seconds:
                # Right after an overload some are refused: what is awaited of the queue is still slow.
                answer = await connection.post("/v1/entities", bodies[number % len(bodies)])
                answered += answer.status == 200
                number += CONNECTIONS

    async with asyncio.TaskGroup() as tasks:
        for number in range(CONNECTIONS):
            tasks.create_task(client(number))
    return answered / (clock() - begun)


async def overload(service: ServiceProcess, times: float, seconds: float, bodies: Sequence[bytes]) -> Round:
    """Measure the peak, and then what is answered of so many times as much."""

    def clock() -> float:
        return service.cpu_seconds

    rate = await peak(service.port, seconds, clock, bodies)
    begun = clock()
    url = f"http://127.0.0.1:{service.port}/v1/entities"
    seen = await open_loop(url, bodies, times * rate, seconds, clock)
    took = clock() - begun
    refused = sum(answer.status == 503 and answer.retry_after for answer in seen.answers)
    answered = seen.statuses[200]
    return Round(rate, answered / took, answered, refused, len(seen.answers) - answered - refused)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.overload", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=float, default=3.0, help="how many times the peak (default: %(default)g)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU time of each measurement")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit status."""
    options = parse(arguments)
    # The client, too, waits for its turn when it wakes up, as the service's threads do. Otherwise each answer would
    # take the core away from the service that sends it, which on a core of its own does not happen.
    if hasattr(os, "SCHED_BATCH"):  # Linux
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    chance = random.Random(1)
    bodies = [json.dumps({"text": new_text(chance)}).encode() for _ in range(TEXTS)]
    rounds = []
    with service_process([f"--deadline-seconds={DEADLINE_SECONDS}"]) as service:
        asyncio.run(peak(service.port, WARM_SECONDS, lambda: service.cpu_seconds, bodies))
        for _ in range(options.rounds):
            one = asyncio.run(overload(service, options.times, options.seconds, bodies))
            rounds.append(one)
            print(
                f"peak {one.peak:,.0f}, goodput {one.goodput:,.0f} answers/CPU s: {100 * one.share:.1f} %; "
                f"{one.answered:,} answered, {one.refused:,} refused ({1e6 * one.refusal_seconds:.0f} µs each), "
                f"{one.failed:,} failed",
                flush=True,
            )
    share = statistics.median(one.share for one in rounds)
    print(f"goodput at {options.times:g} times the peak: {100 * share:.0f} %")
    return int(any(one.failed for one in rounds))


if __name__ == "__main__":
    sys.exit(main())
