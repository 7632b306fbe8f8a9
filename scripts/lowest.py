"""`make lowest`: the tests of service and command line with the lowest versions that pyproject.toml allows.

uv chooses those versions for what pyproject.toml names, and the newest that fit for what these need in turn. The
tools of the tests have the versions of constraints.txt.
"""

import argparse
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from scripts.smoke import ROOT, SmokeError, download_torch, like_pip, run, step

TESTS = ("tests/service", "tests/cli")


def main(arguments: Sequence[str] | None = None) -> int:
    """Install, say which versions those are, and run the tests: the status of pytest."""
    parser = argparse.ArgumentParser(prog="lowest", description="Run the service's tests on the lowest versions.")
    parser.add_argument("--torch-index", default="", help="an index that torch comes from, and nothing else")
    options = parser.parse_args(arguments)
    pip = [sys.executable, "-m", "pip"]
    with tempfile.TemporaryDirectory(prefix="nerve-lowest-") as name:
        python = str(Path(name) / "bin" / "python")
        uv = [sys.executable, "-m", "uv", "--quiet"]
        install = [*uv, "pip", "install", "--python", python]
        lowest = [*install, "--resolution", "lowest-direct", "--editable", f"{ROOT}[training]"]
        wheels = Path(name) / "wheels"
        try:
            with step("make an environment"):
                run(*uv, "venv", "--python", sys.executable, name)
            if options.torch_index:
                with step(f"download torch from {options.torch_index}"):
                    download_torch(pip, options.torch_index, wheels)
            variables = like_pip(pip, wheels)
            with step("install the lowest versions"):
                run(*lowest, variables=variables)
            with step("install the tests' tools"):
                run(*install, *tools(), variables=variables)
            print(run(*uv, "pip", "freeze", "--python", python), flush=True)
        except SmokeError as error:
            print(error, file=sys.stderr)
            return 1
        return subprocess.run([python, "-m", "pytest", *TESTS], cwd=ROOT, check=False).returncode


def tools() -> list[str]:
    """What the extra `test` names besides nerve itself, at the versions of constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    named = [line for line in project["optional-dependencies"]["test"] if not line.startswith(project["name"])]
    return [f"{line}=={pinned[line.partition('[')[0].replace('_', '-')]}" for line in named]


if __name__ == "__main__":
    sys.exit(main())
