"""What several workers of one service cost, beside as many services of their own.

    python -m bench.workers
    python -m bench.workers --count 4

Prints for each the CPU time until all are ready, their memory, and what the last of them added to it. Memory that
processes share counts once (the `Pss` of Linux). Then one worker is killed, and the time until another has taken its
place is printed.
"""

import argparse
import http.client
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from bench.faults.service_process import children, cpu_seconds, service_process

MIB = 2**20


class Cost(NamedTuple):
    """What some processes have cost until they were ready."""

    cpu_seconds: float
    resident_bytes: int


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4, help="of workers, and of services (default: %(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both, and print a line for each."""
    count = parse(arguments).count
    if count < 2:
        print("bench.workers: --count: fewer than two workers are no workers", file=sys.stderr)
        return 1
    apart = [_apart(several) for several in (count - 1, count)]
    together = [_together(several) for several in (count - 1, count)]
    for what, (fewer, all_of_them) in (("services of their own", apart), ("workers of one service", together)):
        last = all_of_them.resident_bytes - fewer.resident_bytes
        print(
            f"{count} {what}: {all_of_them.cpu_seconds:.1f} s of CPU, {all_of_them.resident_bytes / MIB:,.0f} MiB, "
            f"{last / MIB:,.0f} of them for the last"
        )
    print(
        f"together / apart: CPU {together[1].cpu_seconds / apart[1].cpu_seconds:.2f}, "
        f"memory {together[1].resident_bytes / apart[1].resident_bytes:.2f}"
    )
    print(f"a worker that was killed was replaced after {_replaced(count):.1f} s")
    return 0


def shared_once(pids: Sequence[int]) -> int:
    """Return the memory of some processes in bytes, of which a page that n processes have counts 1/n for each."""
    found = (re.search(r"^Pss:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M) for pid in pids)
    return sum(int(pss[1]) * 1024 for pss in found if pss)


def _apart(count: int) -> Cost:
    with ExitStack() as stack:
        return _cost([stack.enter_context(service_process()).pid for _ in range(count)])


def _together(count: int) -> Cost:
    with service_process(["--workers", str(count)]) as service:
        return _cost([service.pid, *children(service.pid)])


def _cost(pids: Sequence[int]) -> Cost:
    return Cost(sum(map(cpu_seconds, pids)), shared_once(pids))


def _replaced(count: int) -> float:
    """Kill a worker; return the time until as many as before answer, in seconds."""
    with service_process(["--workers", str(count)]) as service:
        killed = children(service.pid)[0]
        begun = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        while killed in children(service.pid) or _ready(service.port) < count:
            time.sleep(0.02)
        return time.monotonic() - begun


def _ready(port: int) -> int:
    """How many workers of the service on a port are ready."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/metrics")
        found = re.search(r"^nerve_workers (\d+)", connection.getresponse().read().decode(), re.M)
        return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
