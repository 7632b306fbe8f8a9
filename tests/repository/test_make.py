"""The Makefile, with a Python that only writes down what it is asked to do."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.clone import clean_environment, later
from tests.support.distributions import project

RECORDER = """#!/bin/sh
case "$*" in
  -c*) exit {suits} ;;
  -V) echo "Python {version}"; exit ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/bin/pip ;;
esac
echo "{name}: $* PORT=$PORT" >> log
"""


class Workshop:
    """A folder with the Makefile, and a PATH that holds nothing but make's tools and recorders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        for tool in ("awk", "cp", "echo", "make", "mkdir", "rm", "touch"):
            path = shutil.which(tool)
            assert path is not None
            (self.programs / tool).symlink_to(path)

    def add_python(self, name: str, version: str = "3.11.9", *, suits: bool = True) -> None:
        program = self.programs / name
        program.write_text(RECORDER.format(name=name, version=version, suits=0 if suits else 1))
        program.chmod(0o755)

    def make(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {**clean_environment(), "PATH": str(self.programs)}
        environment.pop("OMP_NUM_THREADS")
        return subprocess.run(
            ["make", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def asked(self) -> list[str]:
        """What the recorders were asked to do since the last time."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return [re.sub(r" PORT=$", "", line) for line in lines]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def assert_refused(ended: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """One line of ours says why; below it make may name the recipe that failed."""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert ended.returncode != 0
    assert (ended.stdout, len(lines)) == ("", 1), ended
    assert all(word in lines[0] for word in words), lines[0]


def test_serve_makes_the_environment_installs_and_serves(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    assert workshop.make("serve").returncode == 0
    made, installed, served = workshop.asked()
    assert made == "python3.11: -m venv .venv"
    assert "-m pip install" in installed
    assert "--constraint constraints.txt --editable ." in installed
    assert served == "python3.11: -m nerve.service"


def test_a_second_serve_only_serves(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("serve")
    workshop.asked()
    assert workshop.make("serve").stdout == ""
    assert workshop.asked() == ["python3.11: -m nerve.service"]


def test_serve_after_test_only_serves(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("test")
    workshop.asked()
    workshop.make("serve")
    assert workshop.asked() == ["python3.11: -m nerve.service"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_changed_pin_is_installed(workshop: Workshop, changed: str) -> None:
    workshop.add_python("python3.11")
    workshop.make("serve")
    workshop.asked()
    later(workshop.folder / changed)
    workshop.make("serve")
    assert "pip install" in workshop.asked()[0]


@pytest.mark.parametrize(
    ("target", "extra"), [("serve", "."), ("train", ".[training]"), ("test", ".[test]"), ("check", ".[test]")]
)
def test_each_target_installs_what_it_needs(workshop: Workshop, target: str, extra: str) -> None:
    workshop.add_python("python3.11")
    workshop.make(target)
    assert workshop.asked()[1].endswith(f"--editable {extra}")


def test_pip_gets_no_index_unless_one_is_given(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("serve")
    assert "index" not in workshop.asked()[1]


def test_a_torch_index_is_one_more_index_for_pip(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("serve", "TORCH_INDEX=file:///wheels")
    assert "--extra-index-url file:///wheels --constraint" in workshop.asked()[1]


def test_settings_reach_the_service(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("serve", "PORT=9000")
    assert workshop.asked()[-1] == "python3.11: -m nerve.service PORT=9000"


@pytest.mark.parametrize("name", ["python3.11", "python3.12", "python3.13", "python3"])
def test_any_suitable_python_is_found(workshop: Workshop, name: str) -> None:
    workshop.add_python(name)
    workshop.make("serve")
    assert workshop.asked()[0] == f"{name}: -m venv .venv"


def test_a_python_that_does_not_suit_is_passed_over(workshop: Workshop) -> None:
    workshop.add_python("python3.11", suits=False)
    workshop.add_python("python3.13")
    workshop.make("serve")
    assert workshop.asked()[0] == "python3.13: -m venv .venv"


def test_no_suitable_python_is_one_line(workshop: Workshop) -> None:
    workshop.add_python("python3", suits=False)
    assert_refused(workshop.make("serve"), "needs Python 3.11 to 3.13", "PYTHON=")


def test_a_wrong_python_is_one_line_even_when_another_would_do(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.add_python("python3.10", suits=False)
    assert_refused(workshop.make("serve", "PYTHON=python3.10"), "needs Python 3.11 to 3.13", "python3.10 is not that")


def test_a_wrong_python_is_one_line_even_when_the_environment_is_there(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("serve")
    assert_refused(workshop.make("serve", "PYTHON=nowhere/python"), "nowhere/python is not that")


def test_another_python_than_the_environment_has_is_one_line(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.add_python("python3.13", version="3.13.1")
    workshop.make("serve")
    assert_refused(workshop.make("serve", "PYTHON=python3.13"), ".venv was made with Python 3.11.9", "make clean")


def test_the_makefile_and_pyproject_agree_on_the_pythons() -> None:
    low, high = re.findall(r"\(3, (\d+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert project()["requires-python"] == f">=3.{low},<3.{high}"


def test_check_runs_ruff_its_formatter_and_mypy(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.make("check")
    assert [line.partition(": ")[2] for line in workshop.asked()[2:]] == [
        "-m ruff check .",
        "-m ruff format --check .",
        "-m mypy",
    ]


def test_help_names_every_target(workshop: Workshop) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    listed = {line.split()[1] for line in workshop.make().stdout.splitlines()}
    assert listed == set(phony) - {"python"}


def test_the_check_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
    assert "`make test` runs the tests" in (ROOT / "README.md").read_text(encoding="utf-8")
