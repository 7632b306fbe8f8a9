"""The supervisor's loop where the system tells it of several things at once."""

import subprocess
import sys

PROGRAM = """
import selectors
from types import SimpleNamespace

from nerve.service.server import supervisor
from nerve.service.settings import read_settings


class SignalsFirst(selectors.DefaultSelector):
    # The end of a worker is a signal and the end of its channel: both in one round, the signal before.

    def select(self, timeout=None):
        events = super().select(timeout)
        while len(events) == 1 and events[0][0].data is not None:
            events = super().select(timeout)
        return sorted(events, key=lambda event: event[0].data is not None)


selectors.DefaultSelector = SignalsFirst
nothing = SimpleNamespace(snapshots=())
service = supervisor.Supervisor(
    read_settings(["--workers", "2"]), nothing, lambda worker: 3, print, lambda pid: None, lambda: None
)
print(service.run())
"""


def test_a_worker_whose_end_is_heard_before_its_last_words_ends_no_supervisor() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr.count("Traceback"), done.returncode) == ("1\n", 0, 0)
