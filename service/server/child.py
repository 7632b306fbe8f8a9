"""A worker's process, as its supervisor has it: forked, talked to, watched and killed."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, Self

from nerve.service.engine.snapshot import Snapshot
from nerve.service.server.channel import Channel
from nerve.service.server.heartbeat import BEAT_SECONDS, Heartbeat, Watch
from nerve.service.server.worker import Worker
from nerve.service.settings import Settings

# A replacement that takes longer to start has hung. The first start may take as long as it likes.
START_SECONDS = 300.0


@dataclass
class Child:
    """A worker, as its supervisor sees it.

    Attributes:
        pid: Its process id.
        channel: The supervisor's end.
        watch: Notices that it hangs.
        starting_seconds: For how long it has been looked at without being ready.
        ready: Whether it answers.
        outdated: Whether it is being killed because it would serve an old archive.
    """

    pid: int
    channel: Channel
    watch: Watch
    starting_seconds: float = 0.0
    ready: bool = False
    outdated: bool = False

    @classmethod
    def fork(
        cls,
        settings: Settings,
        snapshots: Sequence[Snapshot],
        run: Callable[[Worker], int],
        leave: Callable[[], None],
    ) -> Self:
        """Start a worker.

        Args:
            settings: Say when it hangs.
            snapshots: Of the archives that it serves.
            run: Runs in the new process, and returns its exit status.
            leave: Closes in the new process what is the supervisor's.

        Raises:
            OSError: The system has no room for another process.
        """
        ours, theirs = Channel.pair()
        heartbeat = Heartbeat()
        worker = Worker(theirs, heartbeat, list(snapshots), os.getpid())
        pid = os.fork()
        if pid == 0:
            ours.close()
            _become(worker, run, leave)
        theirs.close()
        return cls(pid, ours, Watch(heartbeat, settings.hang_seconds, settings.batch_tokens))

    def look(self, *, limited_start: bool) -> str:
        """Look again, BEAT_SECONDS after the last time; return what hangs, or an empty string.

        Args:
            limited_start: Whether it may hang at its start, too.
        """
        if self.ready:
            return self.watch.look()
        self.starting_seconds += BEAT_SECONDS
        return "at its start" if limited_start and self.starting_seconds > START_SECONDS else ""

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)


def _become(worker: Worker, run: Callable[[Worker], int], leave: Callable[[], None]) -> NoReturn:
    """Work in the new process, which must never return into the supervisor's code."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
        leave()
        status = run(worker)
    except SystemExit as ended:  # after SIGTERM
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        logging.shutdown()  # writes the lines that are queued
        os._exit(status)
