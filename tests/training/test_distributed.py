"""Several processes that train one tagger: their steps are those of one, and a kill changes no weight."""

import multiprocessing
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from nerve.model.archive import load
from nerve.training import train
from nerve.training.learn.distributed import ALONE, ProcessError, Processes, joined
from tests.support import ROOT
from tests.support.ranks import SIZES, environment, free_port, one_step, work
from tests.support.toy_corpus import FLAGS

pytestmark = pytest.mark.slow

SECONDS = 180


class Outcome(NamedTuple):
    """What two processes left."""

    of_rank: list[dict[str, Any]]
    archive: Path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, toy_files: list[str]) -> Outcome:
    folder = tmp_path_factory.mktemp("two")
    (folder / "trained").mkdir()
    archive, ports = folder / "trained" / "mine.pt", (free_port(), free_port())
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__])  # to import torch once, not in both
    arguments = [*toy_files, *FLAGS, "--output", str(archive)]
    processes = [context.Process(target=work, args=(rank, ports, folder, arguments)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
        process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    return Outcome([torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)], archive)


@pytest.mark.parametrize("size", SIZES)
def test_a_step_has_the_loss_and_the_gradients_of_one_process_with_the_whole_batch(two: Outcome, size: int) -> None:
    alone = one_step(ALONE, size)
    steps = [of_rank["steps"][size] for of_rank in two.of_rank]
    assert [step["sentences"] for step in steps] == [-(-size // 2), size // 2]
    for step in steps:
        assert step["loss"] == pytest.approx(alone["loss"], rel=1e-5)
        for name, gradient in alone["gradients"].items():
            assert (step["gradients"][name] - gradient).abs().max() <= 1e-5 * gradient.abs().max(), name


@pytest.mark.parametrize("size", SIZES)
def test_all_processes_have_the_same_weights_after_it_bit_by_bit(two: Outcome, size: int) -> None:
    one, other = (of_rank["steps"][size]["weights"] for of_rank in two.of_rank)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_loss_that_is_not_finite_in_one_process_stops_all(two: Outcome) -> None:
    assert [of_rank["diverged"] for of_rank in two.of_rank] == [
        "training diverged at step 0: lower the learning rate"
    ] * 2


def test_the_first_process_writes_what_a_training_writes(two: Outcome, trained: Path) -> None:
    assert {path.name for path in two.archive.parent.iterdir()} == {path.name for path in trained.parent.iterdir()}
    assert load(two.archive).metadata.scores["toy dev"]["f1"] > 80


def test_a_process_that_is_killed_is_started_again_with_the_others_and_ends_at_the_very_same_weights(
    two: Outcome, toy_files: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "mine.pt"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "--max-restarts", "1", "-m", "nerve.training.train", *toy_files, *FLAGS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    with subprocess.Popen(
        [*command, "--output", str(output)], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    ) as agent:
        try:
            printed = read_until(agent, b"epoch 2/4")
            os.kill(process_of_rank(agent.pid, 1), signal.SIGKILL)
            printed += agent.communicate(timeout=SECONDS)[1]
        finally:
            agent.kill()
    assert agent.returncode == 0, printed.decode()
    assert printed.count(b"epoch 1/4") == 1, "the second attempt goes on from the checkpoint"
    assert printed.count(b"2 processes") == 2, "the first process alone reports, once in each attempt"
    weights, expected = load(output).weights, load(two.archive).weights
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def read_until(process: "subprocess.Popen[bytes]", words: bytes) -> bytes:
    """What the process prints on stderr, up to these words."""
    assert process.stderr is not None
    printed, deadline = b"", time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        while words not in printed:
            assert selector.select(deadline - time.monotonic()), printed
            chunk = os.read(process.stderr.fileno(), 4096)
            assert chunk, printed
            printed += chunk
    return printed


def process_of_rank(agent: int, rank: int) -> int:
    """The process that the agent started for this rank."""
    for child in Path(f"/proc/{agent}/task/{agent}/children").read_text().split():
        if re.search(rb"(^|\0)RANK=%d\0" % rank, Path(f"/proc/{child}/environ").read_bytes()):
            return int(child)
    raise AssertionError(f"torchrun has no process of rank {rank}")


def test_without_torchrun_or_with_one_process_a_training_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined("cpu") as processes:
        assert processes is ALONE
    for name, value in environment(0, 1, 1).items():
        monkeypatch.setenv(name, value)
    with joined("cpu") as processes:
        assert processes is ALONE


@pytest.mark.parametrize("flags", [["--time", "1m"], ["--folds", "3"]])
def test_what_one_process_does_alone_is_refused_for_several(
    flags: list[str],
    toy_files: list[str],
    tmp_path: Path,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train, "joined", lambda _: nullcontext(Processes(0, 2)))
    files = toy_files[:2] if flags[0] == "--folds" else toy_files
    line = refused(train.main, *files, *FLAGS, *flags, "--output", str(tmp_path / "mine.pt"))
    assert line == f"nerve train: {flags[0]} is for one process, and torchrun started 2"


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(1, 2, free_port()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.distributed, "rendezvous", lambda _: iter([(None, 1, 2)]))
    with pytest.raises(ProcessError, match=r"^2 processes on this machine, but 1 GPUs$"), joined("cuda"):
        pass
