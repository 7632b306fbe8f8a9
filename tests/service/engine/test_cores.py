"""Made-up control groups of both versions."""

import os
from pathlib import Path

import pytest

from nerve.service.engine.cores import cpu_quota, usable_cores

V1, V2 = "4:cpu,cpuacct:{}\n0::/", "0::{}"


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        (V2.format("/"), {"cpu.max": "200000 100000"}, 2),
        (V2.format("/"), {"cpu.max": "50000 100000"}, 0.5),
        (V2.format("/"), {"cpu.max": "max 100000"}, float("inf")),
        (V2.format("/"), {}, float("inf")),
        (V2.format("/a/b"), {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
        (V2.format("/a/b"), {"a/b/cpu.max": "100000 100000", "a/cpu.max": "300000 100000"}, 1),
        (V2.format("/host/pod"), {"cpu.max": "150000 100000"}, 1.5),
        (V2.format("/"), {"cpu.max": "nonsense"}, float("inf")),
        (V1.format("/"), {"cpu,cpuacct/cpu.cfs_quota_us": "250000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 2.5),
        (V1.format("/"), {"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        (V1.format("/"), {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, float("inf")),
        (V1.format("/a"), {"cpu/a/cpu.cfs_quota_us": "10000", "cpu/a/cpu.cfs_period_us": "10000"}, 1),
        (V1.format("/host/pod"), {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ("4:cpuset:/\n", {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, float("inf")),
        ("", {}, float("inf")),
    ],
)
def test_the_quota_of_a_control_group(tmp_path: Path, groups: str, files: dict[str, str], cores: float) -> None:
    own = tmp_path / "proc" / "self" / "cgroup"
    own.parent.mkdir(parents=True)
    own.write_text(groups + "\n", encoding="ascii")
    for name, content in files.items():
        path = tmp_path / "sys" / "fs" / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="ascii")
    assert cpu_quota(tmp_path) == cores


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) == float("inf")


@pytest.mark.parametrize(("quota", "cores"), [(0.5, 1), (1.5, 1), (2.0, 2), (3.9, 3), (64.0, 4), (float("inf"), 4)])
def test_usable_are_the_whole_cores_of_quota_and_affinity(
    monkeypatch: pytest.MonkeyPatch, quota: float, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr("nerve.service.engine.cores.cpu_quota", lambda _: quota)
    assert usable_cores() == cores
