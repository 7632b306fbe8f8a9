"""The README's commands, run in a clone. Its curl and its Python program are in test_examples.py."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.repository.conftest import Service
from tests.support.clone import Clone
from tests.support.documents import ROOT, commands, shell_lines

README = ROOT / "README.md"
# Your own files as small as they can be, and a network to match.
RECORDS = """\
{"text": "Ada Lovelace wrote to London.", "label": [[0, 12, "PER"], [22, 28, "LOC"]]}
{"text": "Nothing is named here.", "label": []}
"""
TINY = (
    "--epochs 1 --epoch-steps 1 --hidden-size 4 --word-size 4 --affix-size 2 --character-size 4 --character-filters 4"
)
ORIGINALS = Path(os.environ.get("NERVE_ORIGINALS", ROOT.parent / "shared" / "data" / "originals"))


def command_with(*words: str) -> str:
    """The one shell command of the README that contains all these words."""
    (command,) = (line for line in shell_lines(README) if all(word in line for word in words))
    return command


def run(clone: Clone, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a clone where `nerve` is installed."""
    return clone.run(command, PATH=f"{clone.folder}/.venv/bin:{os.environ['PATH']}")


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 120


def test_the_table_of_figures_is_that_of_the_results() -> None:
    summary = (ROOT / "bench" / "results" / "summary.md").read_text(encoding="utf-8")
    table, _, _ = summary.partition("\n\n")
    assert table in README.read_text(encoding="utf-8")


def test_the_rate_of_requests_is_that_of_the_results() -> None:
    results = json.loads((ROOT / "bench" / "results" / "http.json").read_text(encoding="utf-8"))
    assert f"{results['load']['peak, requests/s']:,.0f} requests" in README.read_text(encoding="utf-8")


def test_make_serve_prints_the_addresses_of_page_and_api_in_one_line(service: Service) -> None:
    assert f"http://{service.address}/ " in service.line
    assert f"http://{service.address}/v1/entities" in service.line


@pytest.mark.usefixtures("service")
def test_a_second_make_serve_installs_nothing(clone: Clone) -> None:
    recipes = clone.run("make --dry-run serve").stdout
    assert "nerve" in recipes
    assert "pip" not in recipes


def assert_refused(ended: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """One line of ours says why; after it make names the recipe that failed."""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert ended.returncode != 0
    assert (ended.stdout, len(lines)) == ("", 1), ended
    assert all(word in lines[0] for word in words), lines[0]


def test_make_serve_with_a_port_in_use_is_one_line(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert_refused(clone.run(f"make serve PORT={port}"), str(port), "in use")


def test_make_serve_with_a_missing_model_is_one_line(clone: Clone) -> None:
    assert_refused(clone.run("make serve PORT=0 MODEL=nowhere.pt"), "nowhere.pt")


def test_make_serve_with_a_wrong_python_is_one_line(clone: Clone) -> None:
    assert_refused(clone.run("make serve PYTHON=false"), "needs Python 3.11 to 3.13")


@pytest.mark.slow
def test_a_training_on_your_own_files_leaves_archive_card_and_pictures(clone: Clone) -> None:
    for split in ("train", "dev"):
        (clone.folder / f"my.{split}.jsonl").write_text(RECORDS, encoding="utf-8")
    ended = run(clone, f"{command_with('nerve train', '--train')} {TINY}")
    assert ended.returncode == 0, ended.stderr
    pictures = {f"mine.{name}.png" for name in ("curve", "confusion", "reliability")}
    assert {path.name for path in clone.folder.glob("mine.*")} == {"mine.pt", "mine.md", *pictures}


@pytest.mark.slow
@pytest.mark.skipif(not (ORIGINALS / "wnut17").is_dir(), reason="the published files of wnut17 are not here")
def test_a_training_on_a_public_corpus_leaves_an_archive(clone: Clone) -> None:
    command = command_with("nerve train", "--dataset")
    ended = run(clone, f"{command} --data-dir {ORIGINALS} {TINY} --batch-size 256")
    assert ended.returncode == 0, ended.stderr
    assert (clone.folder / "wnut17.pt").is_file()


def test_every_command_of_the_readme_is_tested_somewhere() -> None:
    # pip's with the wheel, docker's with the Dockerfile, nerve's in test_docs.py, curl's in test_examples.py.
    targets = ("make serve", "make test", "make slow", "make help")
    known = ("pip install", "docker build", "docker run", "nerve ", "curl", *targets)
    shown = [*shell_lines(README), *(command for command in commands(README) if command.startswith("make "))]
    assert [command for command in shown if not command.startswith(known)] == []
