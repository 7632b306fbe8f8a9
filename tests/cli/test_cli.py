"""`nerve` itself: which program a command starts, and which status and messages a shell gets."""

import os
import signal
import subprocess
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from nerve import DISTRIBUTION
from nerve.cli.__main__ import COMMANDS, parse
from tests.support.shell import ROOT, command, environment

Nerve = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_installed_program_is_this_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["nerve"].partition(":")
    assert getattr(import_module(module), function) is import_module("nerve.cli.__main__").main


def test_help_names_every_command_and_gives_examples(nerve_process: Nerve) -> None:
    ended = nerve_process("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(f"\n  {name} " in ended.stdout for name in COMMANDS)
    assert "examples:\n  nerve tag" in ended.stdout


def test_the_version_is_printed(nerve: Nerve) -> None:
    ended = nerve("--version")
    assert (ended.returncode, ended.stdout.split()[0]) == (0, "nerve")


WITHOUT_TORCH = ("--help", "models", "data gold.conll", "convert gold.conll copy.csv --to csv")


@pytest.mark.parametrize("words", [*WITHOUT_TORCH, *(f"{name} --help" for name in COMMANDS)])
def test_a_command_that_computes_nothing_does_without_torch_which_takes_two_seconds_to_import(
    nerve_process: Nerve, tmp_path: Path, words: str
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError")
    (tmp_path / "gold.conll").write_text("Paris\tB-LOC\nsleeps\tO\n\n")
    ended = nerve_process(*words.split(), PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("tug",),
        ("--nonsense",),
        ("tag", "--nonsense"),
        ("tag", "--from", "pdf"),
        ("tag", "one.txt", "--jobs", "2"),
        ("models", "--nonsense"),
        ("train",),
        ("evaluate", "models/en.pt"),
        ("errors", "models/en.pt"),
        ("errors", "en", "x", "--output", "x.pdf"),
    ],
)
def test_a_command_that_makes_no_sense_ends_with_2_and_its_usage(nerve: Nerve, words: tuple[str, ...]) -> None:
    ended = nerve(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("usage: ")


@pytest.mark.parametrize(
    ("option", "value", "fact"),
    [
        ("--min-score", "2", "'2' is not a number from 0 to 1"),
        ("--min-score", "nan", "'nan' is not a number from 0 to 1"),
        ("--min-score", "high", "'high' is not a number from 0 to 1"),
        (
            "--min-score",
            "PER=0.5,ORG",
            "'PER=0.5,ORG' is not a score for each of some labels, such as PER=0.7,ORG=0.4",
        ),
        (
            "--min-score",
            "PER=0.5,PER=0.6",
            "'PER=0.5,PER=0.6' is not a score for each of some labels, such as PER=0.7,ORG=0.4",
        ),
        ("--min-score", "PER=2", "'2' is not a number from 0 to 1"),
        (
            "--patterns",
            "EMAIL,DATE",
            "'DATE' is no pattern; the patterns are URL, EMAIL, IBAN, CARD, IP, PHONE, or all",
        ),
        ("--phone-regions", "US,XX", "'XX' is not a region with telephone numbers, such as US or GB"),
        ("--labels", "PER,,ORG", "'PER,,ORG' is not a list of labels, such as PER,ORG"),
        ("--threads", "0", "'0' is not a whole number of at least 1"),
        ("--threads", "two", "'two' is not a whole number of at least 1"),
    ],
)
def test_an_option_s_value_that_makes_no_sense_is_named(nerve: Nerve, option: str, value: str, fact: str) -> None:
    ended = nerve("tag", option, value)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(f"argument {option}: {fact}\n")


def test_the_arguments_behind_a_command_are_handed_to_it() -> None:
    assert parse(["tag", "-", "--to", "conll", "--", "x"]) == ("tag", ["-", "--to", "conll", "--", "x"])
    assert parse(["serve", "--help"]) == ("serve", ["--help"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_of_its_own(nerve: Nerve, name: str) -> None:
    ended = nerve(name, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"usage: nerve {name} ")


def test_serve_starts_the_service(nerve_process: Nerve) -> None:
    ended = nerve_process("serve", "--port", "0", "--model", "nowhere.pt")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("nerve: there is no model at nowhere.pt")


def test_train_and_evaluate_start_the_programs_of_training(nerve: Nerve, tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / split).write_text("Ada\tB-PER\nsleeps\tO\n\n", encoding="utf-8")
    small = "--epochs 1 --epoch-steps 1 --hidden-size 4 --word-size 4 --affix-size 2 --character-size 4"
    trained = nerve("train", "--train", "train", "--dev", "dev", "--output", "mine.pt", *small.split())
    assert trained.returncode == 0, trained.stderr
    scored = nerve("evaluate", "mine.pt", "--file", "dev")
    assert (scored.returncode, scored.stdout.splitlines()[-1].split()[:2]) == (0, ["micro", "F1"])
    refused = nerve("evaluate", "mine.pt", "--file", "nowhere")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("train --dataset wnut17 --output mine.pt", "tqdm"),
        ("evaluate en --dataset wnut17", "seqeval"),
        ("errors en my.conll", "seqeval"),
    ],
)
def test_without_the_packages_for_training_one_line_names_the_extra(
    nerve_process: Nerve, tmp_path: Path, words: str, missing: str
) -> None:
    # A module in its place that fails as a missing one does.
    (tmp_path / f"{missing}.py").write_text(f"raise ModuleNotFoundError('No module', name={missing!r})\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    ended = nerve_process(*words.split(), PYTHONPATH=path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert ended.stderr.startswith(f"nerve {words.split()[0]}: the package {missing} is not installed; ")
    assert f"pip install '{DISTRIBUTION}[training]'" in ended.stderr


def test_the_distribution_is_the_one_of_the_project_and_has_that_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == DISTRIBUTION
    assert "training" in project["optional-dependencies"]


def test_ctrl_c_ends_with_130_and_without_a_message() -> None:
    with subprocess.Popen(
        command("tag", "--line-buffered", "--to", "jsonl"),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"Ada\n")
        process.stdin.flush()
        assert process.stdout.readline()  # it has started, and waits for the next line
        process.send_signal(signal.SIGINT)
        assert (process.wait(60), process.stderr.read()) == (130, b"")


def test_a_reader_that_stops_ends_it_without_a_message(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("Ada Lovelace wrote to London.\n" * 20_000)
    with subprocess.Popen(
        command("tag", str(tmp_path / "long.txt")),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert (process.wait(120), process.stderr.read()) == (-signal.SIGPIPE, b"")


def test_an_output_that_cannot_be_written_is_one_line(nerve_process: Nerve) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = nerve_process("tag", given=b"Ada Lovelace", stdout=full.fileno())
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "No space left" in ended.stderr


def refused(ended: Any, *words: str) -> None:
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert all(word in ended.stderr for word in words)


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--model", "nowhere.pt"), "there is no model 'nowhere.pt'; the bundled models are en, zh, multi"),
        (("--model", "xx"), "there is no model 'xx'"),
        (("nowhere.txt",), "nowhere.txt: cannot be read: No such file"),
        ((".",), ".: no file in this folder has a name that says its format; --from says it"),
        (("--labels", "PER,CITY"), "--labels: en has no label 'CITY'; its labels are DATE, LOC"),
        (("--model", str(ROOT / "pyproject.toml")), "not an archive"),
    ],
)
def test_an_error_is_one_line(nerve: Nerve, words: tuple[str, ...], fact: str) -> None:
    refused(nerve("tag", *words), fact)
