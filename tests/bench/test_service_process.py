"""The service that a command starts ends with the command."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.fakes import eventually

ROOT = Path(__file__).parents[2]

# In place of Python with the service: prints the line of one that is ready, and runs until it is ended.
SERVICE = "#!/bin/sh\necho http://127.0.0.1:1\nexec sleep 600\n"
COMMAND = """
import signal, sys
from bench.faults.service_process import service_process
sys.executable = sys.argv[1]
with service_process() as service:
    print(service.pid, flush=True)
    signal.pause()
"""


def test_the_service_ends_when_the_command_is_terminated(tmp_path: Path) -> None:
    service = tmp_path / "service"
    service.write_text(SERVICE)
    service.chmod(0o700)
    words = [sys.executable, "-c", COMMAND, str(service)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        started = Path("/proc", command.stdout.readline().strip())
        assert started.exists()
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 128 + signal.SIGTERM
    assert eventually(lambda: not started.exists())
