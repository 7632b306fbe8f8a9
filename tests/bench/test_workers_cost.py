"""What `python -m bench.workers` measures."""

import subprocess
import sys

import pytest

from bench.faults.service_process import children
from bench.workers import main, shared_once

WRITES_AND_FORKS = """
import os, sys
held = bytearray(os.urandom(2**25))
if os.fork() == 0 and "copy" in sys.argv:
    held[:] = held[::-1]
os.write(1, b"x")  # one call: two prints of two processes may mix
sys.stdin.read()
"""


def forked(*arguments: str) -> "subprocess.Popen[bytes]":
    """A process with 32 MiB, whose child shares them or has copied them."""
    words = [sys.executable, "-c", WRITES_AND_FORKS, *arguments]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_what_a_process_shares_with_its_child_counts_once() -> None:
    sizes = []
    for arguments in ([], ["copy"]):
        with forked(*arguments) as process:
            assert process.stdout is not None
            assert process.stdout.read(2) == b"xx"
            (child,) = children(process.pid)
            sizes.append(shared_once([process.pid, child]))
            process.communicate()
    shared, copied = sizes
    assert copied - shared == pytest.approx(2**25, rel=0.1)


def test_one_worker_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "1"]) == 1
    assert capsys.readouterr().err == "bench.workers: --count: fewer than two workers are no workers\n"
