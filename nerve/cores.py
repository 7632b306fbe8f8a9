"""How many CPU cores this process may use: those that the system lets it run on, or fewer with a quota.

A container's share is a quota of its control group (cgroup), or of a group above: so much CPU time in each period.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available(root: Path = Path("/")) -> int:
    """The CPU cores that this process may use, at least 1. A part of a core counts as one, so that it is used.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *map(math.ceil, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """The quotas, in cores, of the process's groups and of all groups above them."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # In a container the path may be that of the host, which is not there; its own group is then the mount itself.
        for folder in (PurePosixPath(group), *PurePosixPath(group).parents):
            quota = _quota(mount / str(folder).lstrip("/"), version=1 if controllers else 2)
            if quota is not None:
                yield quota


def _quota(folder: Path, version: int) -> float | None:
    """The quota of one group, in cores; None if it has none."""
    try:
        if version == 2:
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        cores = int(quota) / int(period)
    except (OSError, ValueError):  # `max` is no number
        return None
    return cores if cores > 0 else None
