"""Where several processes keep their metrics, so that each of them can tell the sum.

prometheus_client does the work. It reads a variable of the environment when it is imported, so this module does not
import it before it has to.

It maps files that have holes, and a write into a hole for which there is no memory kills the process. So each worker
reserves the memory of its files before prometheus_client opens them. One that gets none counts for itself.
"""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder. With it, the metrics are those of all processes that use the folder."""

# Memory that looks like files: nothing is written to a disk, and a read-only container has it too.
SHARED_MEMORY = Path("/dev/shm")
PREFIX = "nerve-metrics-"

# The files of one process, as prometheus_client names them, and what they may need. The longest series takes 400
# bytes, so there is room for all routes and statuses, and for thousands of labels of models.
FILES = {
    "counter": 2 * 2**20,
    "histogram": 2 * 2**20,
    "gauge_livesum": 2**16,
    "gauge_livemin": 2**16,
}

log = logging.getLogger(__name__)


@contextmanager
def shared_metrics(workers: int) -> Iterator[str | None]:
    """Make a folder for the metrics of the processes that are started in this block, and remove it afterwards.

    Folders whose processes were killed are removed, too.

    Args:
        workers: how many processes there will be.

    Yields:
        The folder; None if there is no place for it, and each process will count for itself.
    """
    own_metrics()
    places = list(dict.fromkeys((SHARED_MEMORY, Path(_temporary()))))
    for place in places:
        _remove_leftovers(place)
    with ExitStack() as stack:
        for place in places:
            try:
                folder = stack.enter_context(_folder(place, workers * sum(FILES.values())))
            except OSError as error:
                log.warning("no room for the workers' metrics in %s: %s", place, error.strerror)
                continue
            os.environ[METRICS_FOLDER] = str(folder)
            yield str(folder)
            return
        log.warning("each worker counts for itself: /metrics tells the numbers of the worker that answers")
        yield None


def join_metrics() -> None:
    """Use the shared folder, if there is one, in a process that has just been forked, or count for itself."""
    folder = os.environ.get(METRICS_FOLDER)
    if folder is None:
        return
    files = {Path(folder, f"{name}_{os.getpid()}.db"): size for name, size in FILES.items()}
    try:
        for path, size in files.items():
            _reserve(path, size)
    except OSError as error:
        for path in files:
            path.unlink(missing_ok=True)
        own_metrics()
        log.warning("no room for the metrics of this worker (%s): it counts for itself", error.strerror)


def own_metrics() -> None:
    """Keep the metrics in this process, whatever the environment says."""
    os.environ.pop(METRICS_FOLDER, None)


def forget_process(pid: int, folder: str) -> None:
    """Take the gauges of a process that has ended out of the sums; what it counted stays in them."""
    # prometheus_client has a function for the first half. But a worker decides whether it shares its metrics before
    # the import of prometheus_client, so the supervisor, from which it is forked, must not import it.
    with suppress(OSError):  # somebody has removed the folder or its files
        for path in Path(folder).glob(f"gauge_live*_{pid}.db"):
            path.unlink()
        for path in Path(folder).glob(f"*_{pid}.db"):
            _release(path)


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # no folder can be written to
        return str(SHARED_MEMORY)


@contextmanager
def _folder(place: Path, room: int) -> Iterator[Path]:
    """A new folder in this place, which is locked as long as a process that uses it lives.

    Raises:
        OSError: if it cannot be made, or there is less room than that many bytes.
    """
    # The others look for the prefix, and must not find the folder before it is locked.
    path = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=place))
    try:
        _reserve(path / "room", room)
        (path / "room").unlink()
        lock = os.open(path, os.O_RDONLY)  # children inherit it
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = path.rename(path.with_name(path.name[1:]))
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
        raise
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _remove_leftovers(place: Path) -> None:
    """Remove the folders in this place that nobody has locked: their processes are dead."""
    for path in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is another user's, or another process was faster
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for file in path.glob("*.db"):
                    file.unlink()
                path.rmdir()
            finally:
                os.close(lock)


def _reserve(path: Path, size: int) -> None:
    """Make sure that so many bytes of a file can be written; what it holds stays.

    A new file gets its name when it has its memory: another worker, which is asked for the metrics, cannot read an
    empty one.

    Raises:
        OSError: if there is no room.
    """
    file = path if path.exists() else path.with_suffix(".new")
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(descriptor, 0, size)
        file.rename(path)
    except OSError:
        file.unlink()
        raise
    finally:
        os.close(descriptor)


def _release(path: Path) -> None:
    """Free what was reserved of a file beyond its content."""
    size = path.stat().st_size
    # The last value and its time may be zeros. They stay, for whoever reads the file between the two steps.
    used = min(len(path.read_bytes().rstrip(b"\0")) + 16, size)
    os.truncate(path, used)
    os.truncate(path, size)  # a file is as long as its content says; what was cut off is a hole that reads as zeros
