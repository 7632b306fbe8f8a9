"""requirements/: each package of the image with its hashes, at the version that the tests ran with."""

import re
from pathlib import Path

import pytest

from scripts import lock
from tests.support import ROOT
from tests.support.distributions import project, required

FOLDER = ROOT / "requirements"
SHA256 = re.compile(r" --hash=sha256:[0-9a-f]{64}")
COMPILED = """\
jinja2==3.1.6 \\
    --hash=sha256:11 \\
    --hash=sha256:12
nvidia-nvtx==13.0.85 \\
    --hash=sha256:21
torch==2.13.0 \\
    --hash=sha256:31
triton==3.7.1 \\
    --hash=sha256:41
"""


def content(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    return {package: version for package, version, _ in lock.requirements(content(name))}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_service_is_locked_with_all_that_it_needs_at_the_versions_of_the_constraints() -> None:
    """After a change of the dependencies, `make lock` mends this."""
    names = {name for name in required(project()["dependencies"]) - {"torch"} if not name.startswith(lock.CUDA)}
    assert pins("service.txt") == {name: constraints()[name] for name in names}


def test_both_builds_of_torch_are_locked_at_the_version_of_the_constraints() -> None:
    version = constraints()["torch"]
    files = {path.name for path in FOLDER.iterdir()} - {"service.txt", "cuda.txt"}
    assert files == {f"torch-{version}.txt", f"torch-{version}+cpu.txt"}
    for file in files:
        assert f"\ntorch=={file.removeprefix('torch-').removesuffix('.txt')} " in content(file)


def test_the_cpu_build_of_torch_is_locked_for_both_processors() -> None:
    (file,) = FOLDER.glob("*+cpu.txt")
    assert len(SHA256.findall(content(file.name))) >= 2


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_every_locked_package_has_a_hash(file: Path) -> None:
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    assert header.startswith("# Written by `make lock`")
    for number, line in enumerate(lines):
        if not line.startswith(" "):
            assert line.endswith("\\"), line
            assert SHA256.fullmatch(lines[number + 1].removesuffix(" \\")[3:]), line


def test_torch_and_the_libraries_of_cuda_are_files_of_their_own() -> None:
    files = lock.split(COMPILED)
    bodies = {name: text.partition("\n")[2] for name, text in files.items()}
    assert bodies == {
        "service.txt": "jinja2==3.1.6 \\\n    --hash=sha256:11 \\\n    --hash=sha256:12\n",
        "cuda.txt": "nvidia-nvtx==13.0.85 \\\n    --hash=sha256:21\ntriton==3.7.1 \\\n    --hash=sha256:41\n",
        "torch-2.13.0.txt": "torch==2.13.0 \\\n    --hash=sha256:31\n",
    }
