"""How many cores this process may use: those it may run on, and no more than its control group pays for.

The host's count says nothing in a container: a process that starts a thread for each of the host's 64 cores and may
use two of them is stopped by the kernel for most of every tenth of a second.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cores() -> int:
    """At least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(affinity, cpu_quota(Path("/")))))


def cpu_quota(root: Path) -> float:
    """Cores that the control group of this process may use at a time, by `root`/proc and `root`/sys; infinite where
    nothing bounds it. A group's bound holds for all groups within it."""
    return min(_quotas(root), default=float("inf"))


def _quotas(root: Path) -> Iterator[float]:
    groups = root / "sys" / "fs" / "cgroup"
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        # A container may see the path of its group on the host, and its group as the root.
        folders = [PurePosixPath(path), *PurePosixPath(path).parents]
        if number == "0":
            for folder in folders:
                quota, _, period = _read(groups / _relative(folder) / "cpu.max").partition(" ")
                yield from _quota(quota, period)
        elif "cpu" in controllers.split(","):
            for folder in folders:
                for mount in (controllers, "cpu"):
                    place = groups / mount / _relative(folder)
                    yield from _quota(_read(place / "cpu.cfs_quota_us"), _read(place / "cpu.cfs_period_us"))


def _quota(quota: str, period: str) -> Iterator[float]:
    """`max` in version 2 and -1 in version 1 are no bound; a file that is not there is none either."""
    if quota.isdigit() and period.isdigit() and int(period):
        yield int(quota) / int(period)


def _relative(folder: PurePosixPath) -> str:
    return str(folder).lstrip("/")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
