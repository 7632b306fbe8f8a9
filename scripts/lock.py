"""`make lock`: write the files in requirements/, which name what the image installs, each file with its SHA-256.

uv resolves what pyproject.toml needs at the versions of constraints.txt, for the Python of the image, on Linux with
x86-64 and with aarch64, which have to agree. It takes the hashes of all files of a version from the index, and asks
those indexes only that uv itself is configured with, not pip's. The CPU build of torch is on an index of its own, so
its file is renewed only if that index is given.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.smoke import ROOT, SmokeError, run

PYTHON = "3.11"
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
FOLDER = ROOT / "requirements"
CUDA = ("cuda-", "nvidia-", "triton")
HEADER = "# Written by `make lock`: {what}.\n"
SERVICE = "what the service needs besides torch"
CUDA_LIBRARIES = "what the CUDA build of torch needs besides that"
TORCH = "a build of torch"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files: 1 if uv could not resolve them."""
    parser = argparse.ArgumentParser(prog="lock", description="Write the files in requirements/.")
    parser.add_argument("--torch-index", default="", help="the index that has the CPU build of torch")
    options = parser.parse_args(arguments)
    try:
        compiled = [resolve(str(ROOT / "pyproject.toml"), platform) for platform in PLATFORMS]
        if compiled[0] != compiled[1]:
            raise SmokeError("x86-64 and aarch64 need different packages: one file cannot serve both")
        files = split(compiled[0])
        (torch,) = (name for name in files if name.startswith("torch-"))
        if options.torch_index:
            files |= cpu_build(torch.removeprefix("torch-").removesuffix(".txt"), options.torch_index)
    except SmokeError as error:
        print(error, file=sys.stderr)
        return 1
    for name, content in files.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        print(f"requirements/{name}")
    return 0


def resolve(source: str, platform: str, *more: str) -> str:
    """What uv writes for these requirements: a name with its version on a line, its hashes on those below."""
    uv = [sys.executable, "-m", "uv", "--quiet", "pip", "compile"]
    form = ["--generate-hashes", "--no-annotate", "--no-header"]
    where = ["--python-version", PYTHON, "--python-platform", platform, "--only-binary", ":all:"]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    return run(*uv, *form, *where, *constraints, *more, source)


def split(compiled: str) -> dict[str, str]:
    """The files' contents by name: the service, the libraries of CUDA, and torch, which has an index of its own."""
    parts: dict[str, list[str]] = {"service.txt": [], "cuda.txt": []}
    what = {"service.txt": SERVICE, "cuda.txt": CUDA_LIBRARIES}
    for name, version, requirement in requirements(compiled):
        if name == "torch":
            file = f"torch-{version}.txt"
            parts[file], what[file] = [requirement], TORCH
        else:
            parts["cuda.txt" if name.startswith(CUDA) else "service.txt"].append(requirement)
    return {file: HEADER.format(what=what[file]) + "".join(lines) for file, lines in parts.items()}


def requirements(compiled: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and all lines of each requirement."""
    for match in re.finditer(r"^([\w.-]+)==(\S+)(?: \\\n +--hash=\S+)*\n", compiled, re.MULTILINE):
        yield match[1], match[2], match[0]


def cpu_build(version: str, index: str) -> dict[str, str]:
    """The file of the CPU build, with the hashes that its index names."""
    with tempfile.TemporaryDirectory(prefix="nerve-lock-") as folder:
        source = Path(folder) / "torch.in"
        source.write_text(f"torch=={version}+cpu\n", encoding="utf-8")
        compiled = resolve(str(source), PLATFORMS[0], "--no-deps", "--default-index", index)
    if "--hash" not in compiled:
        raise SmokeError(f"{index} names no hashes of torch {version}+cpu")
    return {name: content for name, content in split(compiled).items() if name.startswith("torch-")}


if __name__ == "__main__":
    sys.exit(main())
