"""The Makefile and `.ci/run`, with programs that only write down how they are called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.clone import clean_environment, later
from tests.support.distributions import project

# A Python that makes an environment with a copy of itself, and says of what version it is.
PYTHON = """#!/bin/sh
case "$*" in
  -c*) exit {unsuitable} ;;
  -V) echo "Python {version}"; exit ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/bin/pip ;;
esac
echo "{name}: $* PORT=$PORT" >> log
"""


class Workshop:
    """A folder with the Makefile, and a PATH that holds nothing but make's tools and what a test adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / ".ci", folder / ".ci")
        shutil.copytree(ROOT / "requirements", folder / "requirements")
        for tool in ("awk", "bash", "cp", "dirname", "echo", "grep", "make", "mkdir", "rm", "touch"):
            path = shutil.which(tool)
            assert path is not None
            (self.programs / tool).symlink_to(path)

    def add(self, name: str, script: str) -> None:
        program = self.programs / name
        program.unlink(missing_ok=True)
        program.write_text(script)
        program.chmod(0o755)

    def add_python(self, name: str = "python3.11", version: str = "3.11.9", *, suits: bool = True) -> None:
        self.add(name, PYTHON.format(name=name, version=version, unsuitable=0 if suits else 1))

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        environment = {**clean_environment(), "PATH": str(self.programs)}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def make(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run("make", *arguments)

    def calls(self) -> list[str]:
        """How the programs were called since the last time."""
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


@pytest.mark.parametrize("name", ["python3.11", "python3.12", "python3.13", "python3"])
def test_serve_makes_the_environment_installs_the_pinned_packages_and_serves(workshop: Workshop, name: str) -> None:
    workshop.add_python(name)
    assert workshop.make("serve", "PORT=9000").returncode == 0
    made, installed, served = workshop.calls()
    assert made == f"{name}: -m venv .venv PORT=9000"
    assert "-m pip install" in installed
    assert "--constraint constraints.txt --editable . " in installed
    assert served == f"{name}: -m nerve.service PORT=9000"


@pytest.mark.parametrize("first", ["serve", "train", "test"])
def test_what_is_installed_for_any_target_is_enough_to_serve(workshop: Workshop, first: str) -> None:
    workshop.add_python()
    workshop.make(first)
    workshop.calls()
    assert workshop.make("serve").stdout == ""
    assert workshop.calls() == ["python3.11: -m nerve.service"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_changed_pin_is_installed(workshop: Workshop, changed: str) -> None:
    workshop.add_python()
    workshop.make("serve")
    workshop.calls()
    later(workshop.folder / changed)
    workshop.make("serve")
    assert "pip install" in workshop.calls()[0]


@pytest.mark.parametrize(("target", "extra"), [("train", ".[training]"), ("test", ".[test]"), ("check", ".[test]")])
def test_each_target_installs_what_it_needs(workshop: Workshop, target: str, extra: str) -> None:
    workshop.add_python()
    workshop.make(target)
    assert workshop.calls()[1].endswith(f"--editable {extra}")


def test_a_torch_index_is_asked_for_torch_alone(workshop: Workshop) -> None:
    workshop.add_python()
    workshop.make("serve", "TORCH_INDEX=file:///wheels")
    _, torch, rest, _ = workshop.calls()
    assert torch.endswith("--constraint constraints.txt --no-deps --index-url file:///wheels torch")
    assert rest.endswith("--constraint constraints.txt --editable .")


def test_without_a_torch_index_pip_runs_once(workshop: Workshop) -> None:
    workshop.add_python()
    workshop.make("serve")
    assert len([call for call in workshop.calls() if "pip install" in call]) == 1


def test_the_lock_is_written_with_the_tools_of_the_tests(workshop: Workshop) -> None:
    workshop.add_python()
    workshop.make("lock", "TORCH_INDEX=file:///wheels")
    assert workshop.calls()[-1] == "python3.11: -m scripts.lock --torch-index file:///wheels"


def test_an_audit_asks_about_every_pinned_package_but_the_cpu_build_of_torch(workshop: Workshop) -> None:
    """No database knows the local version of that build, and the code is that of the CUDA build."""
    workshop.add_python()
    workshop.make("audit")
    image, others = workshop.calls()[-2:]
    files = {f"requirements/{path.name}" for path in (ROOT / "requirements").iterdir() if "+cpu" not in path.name}
    assert set(image.split(" --requirement ")[1:]) == files
    assert len(files) == 3
    assert others.endswith(" --no-deps --requirement constraints.txt")


@pytest.mark.parametrize("image", ["", "python:3.11-slim-bookworm", "python@sha256:12", f"python@sha256:{'g' * 64}"])
def test_a_release_without_the_digest_of_its_base_image_is_refused(workshop: Workshop, image: str) -> None:
    workshop.add_python()
    assert_refused(workshop.make("release", f"PYTHON_IMAGE={image}"), "PYTHON_IMAGE=", "@sha256:DIGEST")
    assert workshop.calls() == []


def test_a_release_builds_its_image_on_the_base_with_that_digest(workshop: Workshop) -> None:
    workshop.add_python()
    workshop.add("docker", '#!/bin/sh\necho "docker: $*" >> log\n')
    workshop.add("git", "#!/bin/sh\necho 1700000000\n")
    workshop.add("sha256sum", "#!/bin/sh\n")
    (workshop.folder / "dist").mkdir()
    base = f"python:3.11-slim-bookworm@sha256:{'0a' * 32}"
    workshop.add("rm", "#!/bin/sh\n")  # keeps dist/, which no build makes here
    assert workshop.make("release", f"PYTHON_IMAGE={base}").returncode == 0
    calls = workshop.calls()
    assert any(" -m pytest --cov " in call for call in calls)
    build, bill = [call for call in calls if call.startswith("docker")]
    assert build == (
        f"docker: build --build-arg PYTHON_IMAGE={base} --build-arg SOURCE_DATE_EPOCH=1700000000 -t nerve ."
    )
    assert bill == "docker: run --rm --entrypoint cat nerve /app/sbom.json"


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [("test", "", " -m not slow"), ("slow", "", " -m slow"), ("coverage", " --cov", "")],
)
def test_a_test_is_slow_or_not_and_several_processes_run_each_kind_and_both_for_coverage(
    workshop: Workshop, target: str, before: str, after: str
) -> None:
    workshop.add_python()
    workshop.make(target)
    suite = "--numprocesses 4 --dist loadfile --no-loadscope-reorder"
    assert workshop.calls()[-1] == f"python3.11: -m pytest{before} {suite}{after}"


def test_a_part_of_the_suite_is_run_by_one_process(workshop: Workshop) -> None:
    workshop.add_python()
    workshop.make("test", "ARGS=tests/model -x")
    assert workshop.calls()[-1] == "python3.11: -m pytest tests/model -x"


def test_a_python_that_does_not_suit_is_passed_over(workshop: Workshop) -> None:
    workshop.add_python("python3.11", suits=False)
    workshop.add_python("python3.13")
    workshop.make("serve")
    assert workshop.calls()[0] == "python3.13: -m venv .venv"


def test_no_suitable_python_is_one_line(workshop: Workshop) -> None:
    workshop.add_python("python3", suits=False)
    assert_refused(workshop.make("serve"), "needs Python 3.11 to 3.13", "PYTHON=")


def test_a_wrong_python_is_one_line_even_when_another_would_do(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.add_python("python3.10", suits=False)
    assert_refused(workshop.make("serve", "PYTHON=python3.10"), "needs Python 3.11 to 3.13", "python3.10 is not that")


def test_another_python_than_the_environment_has_is_one_line(workshop: Workshop) -> None:
    workshop.add_python("python3.11")
    workshop.add_python("python3.13", version="3.13.1")
    workshop.make("serve")
    assert_refused(workshop.make("serve", "PYTHON=python3.13"), ".venv was made with Python 3.11.9", "make clean")


def test_the_makefile_and_pyproject_agree_on_the_pythons() -> None:
    low, high = re.findall(r"\(3, (\d+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert project()["requires-python"] == f">=3.{low},<3.{high}"


def test_help_names_every_target(workshop: Workshop) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    listed = {line.split()[1] for line in workshop.make().stdout.splitlines()}
    assert listed == set(phony) - {"python", "base-by-digest"}


@pytest.fixture
def checked(workshop: Workshop) -> Workshop:
    """A machine without a browser, for a user who may not install one; its make only writes down its target."""
    workshop.add("make", '#!/bin/sh\necho "make $*" >> log\ntest "$1" != "$FAILING"\n')
    workshop.add("id", "#!/bin/sh\necho 1000\n")
    return workshop


def test_the_check_runs_the_test_command_of_the_readme_and_goes_on_without_a_browser(checked: Workshop) -> None:
    ended = checked.run(".ci/run")
    assert (ended.returncode, checked.calls()) == (0, ["make tools", "make test", "make slow", "make check"])
    assert "the tests of the page in a browser are skipped" in ended.stderr
    assert "`make test` runs the tests" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_check_goes_on_without_the_tools_of_the_chart(checked: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILING", "tools")
    ended = checked.run(".ci/run")
    assert ended.returncode == 0
    assert "the tests of the Helm chart are skipped" in ended.stderr


@pytest.mark.parametrize("target", ["test", "slow", "check"])
def test_a_check_that_fails_fails(checked: Workshop, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setenv("FAILING", target)
    assert checked.run(".ci/run").returncode != 0


def test_the_check_is_executable() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
