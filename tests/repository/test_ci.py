"""`.ci/run`, with programs that only write down what they are asked to do: a browser where there can be one, and the
whole check with or without it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

SKIPPED = "the tests of the page in a browser are skipped"


class Machine:
    """A folder with `.ci/run`, and a PATH that holds nothing but what it needs and what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
        self.programs = folder / "programs"
        self.programs.mkdir()
        for tool in ("bash", "dirname", "touch", "chmod", "timeout"):
            path = shutil.which(tool)
            assert path is not None
            (self.programs / tool).symlink_to(path)
        self.add("make")

    def add(self, name: str, then: str = "") -> None:
        program = self.programs / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.folder}/log"\n{then}\n')
        program.chmod(0o755)

    def add_apt_get(self, status: int = 0) -> None:
        """It installs a browser, or fails."""
        browser = " ".join(str(self.programs / name) for name in ("chromium", "chromedriver"))
        self.add("apt-get", f"touch {browser}; chmod +x {browser}" if status == 0 else f"exit {status}")

    def run(self, user: int = 0) -> "subprocess.CompletedProcess[str]":
        self.add("id", f"echo {user}")
        return subprocess.run(
            [str(self.folder / ".ci" / "run")],
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self, name: str) -> list[str]:
        lines = (self.folder / "log").read_text().splitlines()
        return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_root_installs_a_browser_and_the_check_runs(machine: Machine) -> None:
    machine.add_apt_get()
    ended = machine.run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.asked("apt-get")[-1].endswith("install --no-install-recommends chromium chromium-driver")
    assert machine.asked("make") == ["test", "check"]


def test_a_browser_that_is_there_is_not_installed(machine: Machine) -> None:
    machine.add_apt_get()
    machine.add("chromium")
    machine.add("chromedriver")
    ended = machine.run()
    assert (ended.returncode, ended.stderr, machine.asked("apt-get")) == (0, "", [])
    assert machine.asked("make") == ["test", "check"]


def test_an_installation_that_fails_is_told_and_the_check_runs(machine: Machine) -> None:
    machine.add_apt_get(status=100)
    ended = machine.run()
    assert ended.returncode == 0
    assert SKIPPED in ended.stderr
    assert machine.asked("make") == ["test", "check"]


@pytest.mark.parametrize("user", [0, 1000])
def test_without_apt_get_or_root_nothing_is_installed_and_the_check_runs(machine: Machine, user: int) -> None:
    if user:
        machine.add_apt_get()
    ended = machine.run(user)
    assert ended.returncode == 0
    assert SKIPPED in ended.stderr
    assert machine.asked("apt-get") == []
    assert machine.asked("make") == ["test", "check"]


@pytest.mark.parametrize("target", ["test", "check"])
def test_a_check_that_fails_fails(machine: Machine, target: str) -> None:
    machine.add("chromium")
    machine.add("chromedriver")
    machine.add("make", f'test "$1" != {target}')
    assert machine.run().returncode != 0
