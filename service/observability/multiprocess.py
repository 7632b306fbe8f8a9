"""Where several processes keep their metrics, so that each of them can tell the sum.

prometheus_client does the work. It reads a variable of the environment when it is imported, so this module does not
import it before it has to.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder. With it, the metrics are those of all processes that use the folder."""

# Memory that looks like files: nothing is written to a disk, and a read-only container has it too.
SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def shared_metrics() -> Iterator[str]:
    """Make a folder for the metrics of the processes that are started in this block, and remove it afterwards.

    Raises:
        OSError: if there is no place for it.
    """
    path = tempfile.mkdtemp(prefix="nerve-", dir=SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None)
    os.environ[METRICS_FOLDER] = path
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def own_metrics() -> None:
    """Keep the metrics in this process, whatever the environment says."""
    os.environ.pop(METRICS_FOLDER, None)


def forget_process(pid: int, folder: str) -> None:
    """Take the gauges of a process that has ended out of the sums; what it counted stays in them."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
