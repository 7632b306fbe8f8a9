"""Restarts a service under load, and counts the requests that were sent and not answered. Prints a line of JSON each.

    python -m bench.faults.restart                      20 restarts each with 1 and 2 workers, about 6 minutes
    python -m bench.faults.restart --trials 2 --model FILE

Half of the clients open a connection for each request, as those behind many load balancers do; the others keep
theirs. A connection that is refused is not lost: nothing was sent, and a client goes to another address or tries
again. A connection that is closed before any byte of the answer is lost, unless it was kept from a request before:
HTTP lets both sides close such a connection at any time, and these are counted as `closed`.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.faults.sigterm import run_until_sigterm

CLIENTS = 48
START_SECONDS = 120.0
END_SECONDS = 60.0
WARM_SECONDS = 0.5
ANSWER_SECONDS = 60.0
BODY = json.dumps({"text": "Angela Merkel visited Munich."}).encode()
REQUEST = (
    b"POST /v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n%%b\r\n%b" % (len(BODY), BODY)
)


class RestartError(Exception):
    """The service did not start or did not end."""


def main(arguments: Sequence[str]) -> int:
    """Run the trials; the status is 1 if a request was lost."""
    parser = argparse.ArgumentParser(description="Count the requests that a restart loses.")
    parser.add_argument("--trials", type=int, default=20, help="restarts for each number of workers")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="connections at the same time")
    parser.add_argument("--grace", type=float, default=0.5, help="NERVE_DRAIN_GRACE_SECONDS")
    parser.add_argument("--model", type=Path, default=None, help="archive to serve instead of the bundled ones")
    options = parser.parse_args(arguments)
    lost = 0
    for workers in options.workers:
        try:
            counts = run_until_sigterm(
                restarts(workers, options.trials, options.clients, grace=options.grace, model=options.model)
            )
        except RestartError as error:
            print(f"bench.faults.restart: {error}", file=sys.stderr)
            return 1
        print(json.dumps({"workers": workers, "trials": options.trials, **counts}), flush=True)
        lost += counts["lost"] + counts["wrong"]
    return 1 if lost else 0


async def restarts(workers: int, trials: int, clients: int, *, grace: float, model: Path | None) -> dict[str, int]:
    """Restart a service so many times under the load of so many clients.

    Returns:
        How many requests were answered, lost, closed, refused, or answered with another status than 200.
    """
    port = _free_port()
    counts: Counter[str] = Counter()
    over = asyncio.Event()
    service = await _start(port, workers, grace, model)
    load = [asyncio.create_task(_client(port, counts, over, keeps=number % 2 == 1)) for number in range(clients)]
    try:
        for _ in range(trials):
            await asyncio.sleep(WARM_SECONDS)
            await _stop(service)
            service = await _start(port, workers, grace, model)
        over.set()
        await asyncio.gather(*load)
        await _stop(service)
    finally:
        over.set()
        for task in load:
            task.cancel()
        if service.returncode is None:
            service.kill()
    return {name: counts[name] for name in ("answered", "lost", "closed", "refused", "wrong")}


async def _client(port: int, counts: Counter[str], over: asyncio.Event, *, keeps: bool) -> None:
    """Send requests one after another, on one connection or on one each."""
    request = REQUEST % (b"" if keeps else b"connection: close\r\n")
    while not over.is_set():
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, TimeoutError):
            counts["refused"] += 1
            await asyncio.sleep(0.02)  # like a client that tries again
            continue
        kept = False
        try:
            while not over.is_set():
                writer.write(request)
                async with asyncio.timeout(ANSWER_SECONDS):
                    outcome, open_ = await _answer(reader)
                counts["closed" if outcome == "lost" and kept else outcome] += 1
                kept = True
                if not open_:
                    break
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """What has come of a request, and whether its connection stays open."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
    except (OSError, asyncio.IncompleteReadError) as error:
        partial = isinstance(error, asyncio.IncompleteReadError) and error.partial
        return ("wrong" if partial else "lost"), False
    return ("answered" if head.startswith(b"http/1.1 200") else "wrong"), b"connection: close" not in head


async def _start(port: int, workers: int, grace: float, model: Path | None) -> Process:
    environment = {
        **os.environ,
        "PORT": str(port),
        "WORKERS": str(workers),
        "NERVE_DRAIN_GRACE_SECONDS": str(grace),
        "NERVE_LOG_LEVEL": "error",
        **({"MODEL": str(model)} if model else {}),
    }
    command = [sys.executable, "-m", "nerve.service"]
    service = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    assert service.stdout is not None
    line = b""
    try:
        # Not `wait_for`: before Python 3.12 it takes the line and forgets a cancellation that came with it.
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                line = await service.stdout.readline()
    finally:
        if b"ready" not in line:
            with suppress(ProcessLookupError):
                service.kill()
    if b"ready" not in line:
        raise RestartError("the service did not start")
    return service


async def _stop(service: Process) -> None:
    service.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(END_SECONDS):
            await service.wait()
    except TimeoutError:
        raise RestartError("the service did not end") from None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
