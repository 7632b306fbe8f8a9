"""Several processes that answer on one port: what each worker gets, and what the supervisor keeps for all of them.

The supervisor imports torch and the web framework before it forks, so that a worker starts without the seconds that
these take, and shares their memory. Nothing else comes before the fork: each worker is a service of its own, with its
own threads. All load their models from snapshots of the archives, which the supervisor keeps: a worker that is
replaced serves what the others serve, whatever has become of the files.
"""

import importlib
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path

from nerve.service.engine.loader import check_paths
from nerve.service.engine.memory import freeze_garbage_collector
from nerve.service.engine.snapshot import Snapshot
from nerve.service.observability import logs
from nerve.service.observability.multiprocess import forget_process, shared_metrics
from nerve.service.server.listener import bound_socket, ready_line
from nerve.service.server.supervisor import Supervisor
from nerve.service.server.unix_socket import UnixSocket
from nerve.service.server.worker import Work, Worker
from nerve.service.settings import Settings

# None of them starts a thread or touches a device when it is imported. What is ours, each worker imports itself: its
# metrics go where the environment of that worker says (`nerve.service.observability.multiprocess`).
SHARED_PACKAGES = ("torch", "fastapi", "uvicorn")


def supervise(settings: Settings, work: Work) -> int:
    """Run as many workers as the settings say, until a signal says to stop.

    Args:
        settings: of the service.
        work: runs in each worker, with a socket of its own and its connection to the supervisor; returns its exit
            status.

    Returns:
        The exit status of the whole.

    Raises:
        StartError: if the port is taken, or an archive cannot be read.
    """
    if not settings.unix_socket:
        # This socket finds out whether another service has the port; the next one reserves it, without listening.
        with bound_socket(settings) as taken:
            settings = settings.model_copy(update={"port": taken.getsockname()[1]})
    check_paths(settings.models)
    with ExitStack() as stack:
        reserved = stack.enter_context(bound_socket(settings, shared=True))
        archives = Archives(settings.models)
        folder = stack.enter_context(shared_metrics(settings.workers))

        def run(worker: Worker) -> int:
            # A path is one socket, which all workers listen on.
            own = nullcontext(reserved) if settings.unix_socket else bound_socket(settings, shared=True)
            with own as listener:
                return work(settings, listener, worker)

        def announce() -> None:
            logs.announce(settings.log_format, ready_line(reserved))

        def forget(pid: int) -> None:
            if folder:
                forget_process(pid, folder)

        def close() -> None:
            if isinstance(reserved, UnixSocket):
                reserved.unlink()

        share_packages()
        return Supervisor(settings, archives, run, announce, forget, close).run()


def share_packages() -> None:
    """Import the large packages that every worker needs, so that the workers share them.

    Only on Linux: the frameworks of macOS, which torch loads there, may not be used after a fork.
    """
    if sys.platform != "linux":
        return
    for package in SHARED_PACKAGES:
        importlib.import_module(package)
    freeze_garbage_collector()


class Archives:
    """The archives that every worker serves, as snapshots.

    Raises:
        StartError: if one of them cannot be read.
    """

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self._snapshots = {path: Snapshot.take(path) for path in paths}

    @property
    def snapshots(self) -> list[Snapshot]:
        """In the order of the settings."""
        return [self._snapshots[path] for path in self._paths]

    def replace(self, snapshot: Snapshot) -> None:
        """Keep this in place of the snapshot of the same archive."""
        self._snapshots[snapshot.path].close()
        self._snapshots[snapshot.path] = snapshot
