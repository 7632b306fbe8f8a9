"""Ray: a tagger for pipelines of one's own on Ray Data, and the parts of a run on actors of a cluster.

Needs Ray (the extra `ray`), which is imported when a run is handed to it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nerve import DISTRIBUTION, ArchiveError, cores
from nerve.bulk.arrow import Tagger
from nerve.bulk.errors import BulkError
from nerve.bulk.extras import required
from nerve.bulk.models import Models
from nerve.bulk.parts import Part, Report
from nerve.bulk.run import Run

__all__ = ["Tagger", "tag"]

# A part whose actor died is made again, but one that kills every actor has to end some day.
_TRIES = 4


def tag(run: Run, jobs: int | None, report: Report) -> None:
    """Tag all parts of a run that are missing, on actors with a core each.

    The cluster is the one that RAY_ADDRESS names, or a local one for this run. An actor that dies is started again by
    Ray and makes its part again; when this process dies, its actors do.

    Args:
        run: what `run.prepare` returned. Each actor has to see its inputs, folder and model by the same names.
        jobs: actors, at most; None for one for each core of the cluster.
        report: is told of progress, when a part is there.

    Raises:
        ArchiveError: the model cannot be loaded.
        BulkError: Ray is not installed or does not start, an input cannot be read, a part cannot be written, a part
            ended several actors, or, if the settings are strict, a record is bad.
    """
    todo = run.missing()
    if not todo:
        return
    ray = required("ray", "--engine ray", f"{DISTRIBUTION}[ray]")
    with _cluster(ray, min(jobs or cores.available(), len(todo))):
        count = min(jobs or max(1, int(ray.cluster_resources().get("CPU", 1))), len(todo))
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=_TRIES - 1)(_Worker)
        pool = ray.util.ActorPool([actor.remote(run, str(Path.cwd())) for _ in range(count)])
        try:
            for counts, error in pool.map_unordered(lambda worker, part: worker.write.remote(part), todo):
                if error is not None:
                    raise error
                report(*counts)
        except ray.exceptions.RayTaskError:  # a fault of this program, with the traceback of the actor
            raise
        except ray.exceptions.RayError as error:
            raise BulkError(f"Ray lost a part {_TRIES} times, or its cluster: {_first_line(error)}") from None


class _Worker:
    """What an actor does: it makes parts. It returns errors of ours, which Ray would raise with its own traceback."""

    def __init__(self, run: Run, folder: str) -> None:
        with suppress(OSError):  # on another machine there may be no such folder, and then all names are whole
            os.chdir(folder)
        self._run = run
        self._models: Models | None = None

    def write(self, part: Part) -> tuple[Sequence[int], Exception | None]:
        """Make a part: the counts of its bytes, texts and tokens, and what went wrong."""
        totals = [0, 0, 0]

        def count(*counts: int) -> None:
            for position, one in enumerate(counts):
                totals[position] += one

        try:
            self._models = self._models or Models(self._run.settings)
            self._run.write(part, self._models, count)
        except (ArchiveError, BulkError) as error:
            return totals, error
        return totals, None


@contextmanager
def _cluster(ray: Any, jobs: int) -> Iterator[None]:
    """Connect to the cluster of RAY_ADDRESS, or start one here with a core for each job. Raises BulkError."""
    # Ray reports its use to its makers unless it is told not to; nerve tells nobody anything.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"logging_level": "error", "log_to_driver": False}
    local = {"address": "local", "num_cpus": jobs, "include_dashboard": False}
    begun = not ray.is_initialized()
    try:
        if begun:
            ray.init(**quiet, **({} if os.environ.get("RAY_ADDRESS") else local))
    except Exception as error:  # a cluster that is too slow to start raises just this
        raise BulkError(f"Ray does not start: {_first_line(error)}") from None
    try:
        yield
    finally:
        if begun:
            ray.shutdown()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
