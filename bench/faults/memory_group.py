"""A control group of Linux: processes that may have so much memory together, as a container has.

To make one takes root, and a system that lets it: Linux with version 1 or 2 of control groups, not inside a container
that hides them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bench.faults.sigterm import exit_on_sigterm


class _Version(NamedTuple):
    """Where a version of control groups is, how it names its limit, and its line in /proc/self/cgroup."""

    root: Path
    limit: str
    controllers: str


_VERSIONS = (
    _Version(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory"),
    _Version(Path("/sys/fs/cgroup"), "memory.max", ""),
)


@contextmanager
def memory_group(limit: int) -> Iterator[Path | None]:
    """Make a group whose processes may have `limit` bytes, for the block, SIGTERM included.

    All its processes have to end before the block does.

    Yields:
        The group, or None where it is not allowed to make one.
    """
    for version in _VERSIONS:
        group = version.root / f"nerve-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                (group / version.limit).write_text(str(limit))
            except OSError:
                group.rmdir()
                raise
            break
    else:
        yield None
        return
    with exit_on_sigterm():
        try:
            yield group
        finally:
            group.rmdir()


@contextmanager
def within(group: Path | None) -> Iterator[None]:
    """Be in the group for the block, so that what is started there is in it and stays."""
    if group is None:
        yield
        return
    before = _own_group(group.parent)
    _enter(group)
    try:
        yield
    finally:
        _enter(before)


def _own_group(root: Path) -> Path:
    (controllers,) = (version.controllers for version in _VERSIONS if version.root == root)
    lines = (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines())
    (path,) = (path for _, names, path in lines if names == controllers)
    return root / path.lstrip("/")


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))
