"""Send a service in 1 GiB of memory what once ended it or held it up; print what each input does.

    python -m bench.faults.memory
    python -m bench.faults.memory --only "trailers" "operators"

For each input: what was answered, the most memory that the service had meanwhile (its resident set), and the CPU time
that the service used before its slowest answer of `GET /health/live`, which is the time that one has to wait for it
where the service has its core for itself. At the end the same process has to answer a sentence. As root the service
runs in a control group with 1 GiB, so that the kernel ends it if it takes more; otherwise its memory is only
measured. The exit status is 1 if it has ended or had more.
"""

import argparse
import http.client
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.faults.bodies import slowest_health
from bench.faults.inputs import INPUTS, raise_file_limit
from bench.faults.memory_group import memory_group, within
from bench.faults.service_process import service_process

GIB = 2**30
MIB = 2**20


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def forget_peak(pid: int) -> None:
    """Let the peak of a process be what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def answers(port: int) -> bool:
    """Whether a sentence is answered with its entity."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/v1/entities", json.dumps({"text": "Angela Merkel visited Munich."}))
        answer = json.load(connection.getresponse())
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return "Munich" in [entity["text"] for entity in answer["ents"]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Send the inputs that the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.memory", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORDS", help="inputs whose names have these words"
    )
    parser.add_argument("--model", type=Path, help="archive to serve instead of the bundled ones")
    options = parser.parse_args(arguments)
    raise_file_limit()
    excessive = False
    with ExitStack() as stack:
        group = stack.enter_context(memory_group(GIB))
        with within(group):
            words = ["--model", str(options.model)] if options.model else []
            service = stack.enter_context(service_process(words))
        print("in a control group of 1 GiB" if group else "without a control group, which takes root", flush=True)
        print(f"{'input':<52} {'answer':<44} {'memory':>9} {'health':>9}", flush=True)
        print(f"{'at rest':<52} {'':<44} {service.resident_bytes / MIB:5,.0f} MiB", flush=True)
        for name in (name for name in INPUTS if any(words in name for words in options.only)):
            send = INPUTS[name](service.port)
            forget_peak(service.pid)
            try:
                seconds, outcome = slowest_health(service.pid, service.port, send)
                peak = peak_bytes(service.pid)
            except (OSError, http.client.HTTPException) as error:
                print(f"{name:<52} the service has ended: {type(error).__name__}")
                return 1
            excessive |= peak > GIB
            print(f"{name:<52} {outcome:<44} {peak / MIB:5,.0f} MiB {1000 * seconds:6,.0f} ms", flush=True)
        alive = answers(service.port)
        print(f"process {service.pid} {'answers' if alive else 'does not answer'} a sentence")
    return int(excessive or not alive)


if __name__ == "__main__":
    sys.exit(main())
