"""The Dockerfile as text: what the image holds and how it runs. No container engine is needed."""

import json
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NamedTuple

import pytest

from tests.support import ROOT
from tests.support.distributions import project
from tests.support.documents import commands


class Instruction(NamedTuple):
    name: str
    value: str


def instructions() -> list[Instruction]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [Instruction(*line.split(None, 1)) for line in lines if line.strip()]


def stages() -> tuple[list[Instruction], list[Instruction]]:
    """The instructions of the stage that builds, and of the one that becomes the image."""
    found: list[list[Instruction]] = []
    for instruction in instructions():
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    build, final = found
    return build, final


def final_stage() -> list[Instruction]:
    return stages()[1]


def value(name: str) -> str:
    (only,) = [instruction.value for instruction in final_stage() if instruction.name == name]
    return only


def copied(stage: list[Instruction]) -> list[list[str]]:
    """The arguments of each COPY of a stage, without the mode that the files get."""
    return [
        [word for word in shlex.split(instruction.value) if not word.startswith("--chmod=")]
        for instruction in stage
        if instruction.name == "COPY"
    ]


def runs() -> str:
    """The shell commands of the stage that builds."""
    return "\n".join(instruction.value for instruction in stages()[0] if instruction.name == "RUN")


def environment() -> dict[str, str]:
    return dict(
        pair.split("=", 1)
        for instruction in final_stage()
        if instruction.name == "ENV"
        for pair in shlex.split(instruction.value)
    )


def test_only_the_dependencies_the_code_that_serving_needs_the_models_and_the_licence_are_copied() -> None:
    assert copied(final_stage()) == [["--from=build", "/layers/packages", "/"], ["--from=build", "/layers/code", "/"]]
    build = [instruction.value for instruction in stages()[0]]
    after = build[build.index("/layers/code/app") :]
    into_app = [Instruction("COPY", line) for line in after if line.startswith("--chmod=")]
    assert copied(into_app) == [
        ["LICENSE", "./"],
        ["nerve/*.py", "./nerve/"],
        ["model", "./nerve/model"],
        ["service", "./nerve/service"],
        ["bulk", "./nerve/bulk"],
        ["patterns", "./nerve/patterns"],
        ["cli", "./nerve/cli"],
        ["models", "./nerve/models"],
    ]


def test_the_build_context_holds_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    words = [
        shlex.split(instruction.value)
        for instruction in instructions()
        if instruction.name == "COPY" and "--from" not in instruction.value
    ]
    named = {word for line in words for word in line[:-1] if not word.startswith("--")}
    assert {rule[1:] for rule in rules if rule.startswith("!")} == named


def test_the_labels_name_the_licence_of_the_package() -> None:
    assert f'image.licenses="{project()["license"]}"' in value("LABEL")


def test_the_user_is_a_number_and_not_root() -> None:
    user, group = value("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_service_is_the_first_process() -> None:
    assert json.loads(value("ENTRYPOINT")) == ["python", "-m", "nerve.service"]


def test_the_container_is_reachable_from_outside() -> None:
    assert environment()["HOST"] == "0.0.0.0"
    assert environment()["PORT"] == value("EXPOSE")


def test_the_installed_program_finds_what_is_copied() -> None:
    # pip makes bin/nerve from pyproject.toml alone; the code that it imports lies in the working folder.
    assert environment()["PYTHONPATH"] == value("WORKDIR")


def test_nothing_is_written_at_run_time() -> None:
    assert environment()["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment()["HOME"] == "/tmp"


def arguments() -> dict[str, str]:
    return dict(instruction.value.split("=", 1) for instruction in instructions() if instruction.name == "ARG")


def pinned_torch() -> str:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (pinned,) = [line.removeprefix("torch==") for line in lines if line.startswith("torch==")]
    return pinned


def test_torch_is_the_pinned_one_and_a_cpu_build() -> None:
    assert arguments()["TORCH"] == f"{pinned_torch()}+cpu"
    cuda = [word for line in commands(ROOT / "README.md") for word in line.split() if word.startswith("TORCH=")]
    assert cuda == [f"TORCH={pinned_torch()}"]


def test_the_readme_names_build_arguments_that_there_are() -> None:
    shown = re.findall(r"--build-arg (\w+)=", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert set(shown) <= set(arguments())


def test_both_stages_have_the_base_image_that_a_release_names() -> None:
    assert {stage[0].value.removesuffix(" AS build") for stage in stages()} == {"$PYTHON_IMAGE"}
    assert arguments()["PYTHON_IMAGE"].startswith("python:3.11-")


def test_pip_installs_what_has_the_recorded_hash_and_runs_no_setup_of_anothers() -> None:
    flags = runs().partition("set -- ")[2].partition(" &&")[0].split()
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(flags)
    installs = re.findall(r"pip --python /venv install (.*?)(?: &&|\n|$| ;;)", runs())
    others = [line.strip() for line in installs if '"$@"' not in line]
    assert len(installs) == 4
    assert others == ["--no-index --no-deps --no-compile --no-build-isolation ."]


def test_the_index_of_torch_is_asked_for_torch_alone() -> None:
    (line,) = [line for line in runs().split("&&") if "--index-url" in line]
    assert line.rstrip().endswith("--requirement torch.txt")
    assert "extra-index-url" not in runs()


def test_nothing_in_the_image_holds_the_time_of_its_build() -> None:
    compiled = [line for line in runs().split("&&") if "compileall" in line]
    assert len(compiled) == 2
    assert all("--invalidation-mode unchecked-hash" in line for line in compiled)
    for folder in ("/venv", "/layers/code/app"):
        assert f'find {folder} -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {{}} +' in runs()
    assert all(instruction.name != "RUN" for instruction in final_stage())


def test_a_bill_of_materials_is_made_in_the_image() -> None:
    assert "python -I /build/sbom.py --models nerve/models > sbom.json" in runs()


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A port at which `GET /health/ready` is answered with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def refusing() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    yield port


@pytest.mark.parametrize(
    ("server", "healthy"),
    [(lambda: answering(200), True), (lambda: answering(503), False), (refusing, False)],
    ids=["ready", "not ready", "not there"],
)
def test_the_health_check_asks_for_readiness(server: Callable[..., Iterator[int]], healthy: bool) -> None:
    command = json.loads(value("HEALTHCHECK").partition(" CMD ")[2])
    assert command[0] == "python"
    with server() as port:  # type: ignore[attr-defined]
        # A container may have a proxy in its environment, which must not be asked for 127.0.0.1.
        variables = {"PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
        ended = subprocess.run([sys.executable, *command[1:]], env=variables, capture_output=True, check=False)
    assert (ended.returncode == 0) is healthy
