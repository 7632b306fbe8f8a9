"""A bundled model is built again by one command, which goes on where it was interrupted."""

import hashlib
import json
from importlib import import_module
from pathlib import Path

import pytest

from nerve.training import train_options
from recipes import build
from recipes.build import BuildError, Package, Plan, Step

MODELS = sorted(path.parent.name for path in build.HERE.glob("*/build.toml"))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text('{"n": 1}')
    return tmp_path / "work"


def copying(source: str, target: str) -> Step:
    """A step that a program of Python's own does: it reads JSON and writes it."""
    return Step(("json.tool", "--compact", source, target), (target,))


def plan(*steps: Step) -> Plan:
    return Plan(packages=(), given=("a.json",), needs=(), steps=steps)


TWO = plan(copying("{given}/a.json", "{work}/b.json"), copying("{work}/b.json", "{work}/c.json"))


def test_the_steps_are_done_in_their_order(work):
    build.build(TWO, work, work.parent)
    assert json.loads((work / "c.json").read_text()) == {"n": 1}


def test_what_is_done_is_not_done_again(work, capsys):
    build.build(TWO, work, work.parent)
    capsys.readouterr()
    build.build(TWO, work, work.parent)
    assert capsys.readouterr().out.splitlines() == [
        f"1 of 2: {work / 'b.json'} is there",
        f"2 of 2: {work / 'c.json'} is there",
    ]


def test_a_step_that_failed_is_named_and_the_next_call_goes_on_from_there(work, capfd):
    broken = plan(TWO.steps[0], copying("{work}/none.json", "{work}/c.json"))
    with pytest.raises(BuildError, match=r"step 2, json\.tool, failed"):
        build.build(broken, work, work.parent)
    capfd.readouterr()
    build.build(TWO, work, work.parent)
    assert f"1 of 2: {work / 'b.json'} is there\n2 of 2: {work / 'c.json'}\n" in capfd.readouterr().out


def test_what_follows_a_step_that_has_changed_is_made_again(work, capfd):
    build.build(TWO, work, work.parent)
    changed = plan(TWO.steps[0]._replace(run=("json.tool", "{given}/a.json", "{work}/b.json")), TWO.steps[1])
    capfd.readouterr()
    build.build(changed, work, work.parent)
    assert "is there" not in capfd.readouterr().out


def test_what_has_to_be_given_is_named(work):
    with pytest.raises(BuildError, match=r"--given DIR: a\.json has to be there"):
        build.build(TWO, work, None)


def test_what_has_to_be_given_is_not_asked_for_where_only_packages_are_fetched(work):
    build.build(TWO, work, None, only_fetch=True)
    assert [*work.iterdir()] == []


def test_another_file_than_the_pinned_one_is_refused(work):
    package = Package("a.json", hashlib.sha256(b"another").hexdigest())
    with pytest.raises(BuildError, match=r"a\.json: its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}"):
        build.fetch(package, work.parent)


def test_a_package_that_cannot_be_fetched_is_named(work, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    package = Package("none-1.0-py3-none-any.whl", "0" * 64, pip=("none==1.0",))
    with pytest.raises(BuildError, match="could not be fetched"):
        build.fetch(package, work.parent)


@pytest.mark.parametrize("model", MODELS)
def test_each_step_of_a_recipe_is_a_command_that_its_program_takes(model):
    for step in build.read(model).steps:
        command = [word.format(work=f"{model}.work", given="given") for word in step.run]
        module, *arguments = command[:-1] if command[-1] == "--data-dir" else command
        program = train_options if module == "nerve.training.train" else import_module(module)
        assert program.parse(arguments)


@pytest.mark.parametrize("model", MODELS)
def test_a_step_reads_what_is_given_fetched_or_made_before(model):
    plan = build.read(model)
    there = {f"{{work}}/{package.file}" for package in plan.packages} | {"{work}"}
    for step in plan.steps:
        # A folder as an output may hold any file.
        made = set(step.makes)
        assert {word for word in step.run if word.startswith("{work}")} <= there | made
        there |= made
