"""What a command of bench.faults has started, mounted or made ends with it when it is terminated or interrupted."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.faults.sigterm import exit_on_sigterm, held_back
from tests.support.fakes import eventually

ROOT = Path(__file__).parents[2]

# In place of Python with the service or pytest: writes its number, and runs until it is ended. The line is
# that of a service which is ready.
PROGRAM = """#!/bin/sh
echo $$ > "$0.pid"
echo http://127.0.0.1:1 ready
exec sleep 600
"""
COMMAND = """
import sys
from bench.faults.{module} import main
sys.executable = {program!r}
sys.exit(main({arguments}))
"""
SERVICE = """
import signal, sys
from bench.faults.service_process import service_process
sys.executable = {program!r}
with service_process():
    signal.pause()
"""
DISK = """
import pathlib, signal
from bench.faults.small_disk import small_disk
with small_disk(pathlib.Path({folder!r}), 16_384):
    print("mounted", flush=True)
    signal.pause()
"""
GROUP = """
import signal
from bench.faults.memory_group import memory_group
with memory_group(2**30) as group:
    print(group or "", flush=True)
    signal.pause()
"""


def started(code: str) -> "subprocess.Popen[str]":
    """Start Python; both signals do what they do by default, whatever this process does with them."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(command: "subprocess.Popen[str]", number: signal.Signals) -> int:
    """Send a signal, and return the exit status."""
    command.send_signal(number)
    try:
        return command.wait(30)
    finally:
        command.kill()


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)])
def test_a_signal_waits_while_a_process_starts(number: signal.Signals, raised: type[BaseException]) -> None:
    """A start that an error out of a signal handler breaks off leaves a process that nobody ends."""
    done = []

    def start() -> None:
        with exit_on_sigterm(), held_back():
            signal.raise_signal(number)
            done.append("started")

    with pytest.raises(raised):
        start()
    assert done == ["started"]


@pytest.mark.parametrize(
    "code",
    [
        SERVICE,
        COMMAND.replace("{module}", "texts").replace("{arguments}", "[]"),
        COMMAND.replace("{module}", "restart").replace("{arguments}", '["--workers", "1"]'),
    ],
    ids=["service", "texts", "restart"],
)
def test_a_process_ends_with_the_command_that_is_terminated(code: str, tmp_path: Path) -> None:
    program, pid = tmp_path / "program", tmp_path / "program.pid"
    program.write_text(PROGRAM)
    program.chmod(0o700)
    with started(code.replace("{program!r}", repr(str(program)))) as command:
        assert eventually(lambda: pid.exists() and pid.read_text().endswith("\n"))
        process = Path("/proc", pid.read_text().strip())
        assert process.exists()
        assert ended(command, signal.SIGTERM) == 128 + signal.SIGTERM
    assert eventually(lambda: not runs(process))


def runs(process: Path) -> bool:
    """Whether a process of /proc has not ended; one that has may stay there until init asks for its status."""
    try:
        return "\nState:\tZ" not in (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_disk_goes_with_the_command_that_has_mounted_it(number: signal.Signals, tmp_path: Path) -> None:
    with started(DISK.replace("{folder!r}", repr(str(tmp_path)))) as command:
        assert command.stdout is not None
        if not command.stdout.readline():
            pytest.skip("a file system can be mounted by root alone")
        assert tmp_path.is_mount()
        assert ended(command, number)
    assert not tmp_path.is_mount()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_control_group_goes_with_the_command_that_has_made_it(number: signal.Signals) -> None:
    with started(GROUP) as command:
        assert command.stdout is not None
        group = command.stdout.readline().strip()
        try:
            if not group:
                pytest.skip("this process may not make a control group")
            assert Path(group).exists()
        finally:
            status = ended(command, number)
        assert status
    assert not Path(group).exists()
