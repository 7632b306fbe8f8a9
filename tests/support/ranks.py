"""What each of two training processes does in tests; started as processes of their own, on what torchrun sets."""

import math
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from nerve.training import train
from nerve.training.data.batches import shares
from nerve.training.learn.distributed import Processes, joined
from nerve.training.learn.trainer import Trainer
from tests.support.toy_corpus import tiny_tagger, tiny_trainer

SIZES = (17, 1)
"""Sentences in a batch: nine and eight, and one and none."""


def environment(rank: int, count: int, port: int) -> dict[str, str]:
    """The variables that torchrun sets for one of `count` processes on this machine."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "tests",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def learner(processes: Processes) -> tuple[Trainer, list[Any]]:
    """A trainer of the tiny tagger without dropout, at its beginning, and its examples."""
    torch.manual_seed(1)
    tagger, _, examples = tiny_tagger(dropout=0.0, word_dropout=0.0)
    trainer = tiny_trainer(tagger, clip=0.0)
    trainer.processes = processes
    return trainer, examples


def one_step(processes: Processes, size: int) -> dict[str, Any]:
    """The loss, the gradients and the next weights of a step with this process's share of a batch of this size."""
    trainer, examples = learner(processes)
    (share,) = shares(examples[:size], size, 7, processes.rank, processes.count)
    return {
        "sentences": 0 if share is None else len(share.inputs.lengths),
        "loss": trainer.step(share),
        "gradients": {name: weight.grad for name, weight in trainer.tagger.named_parameters()},
        "weights": trainer.tagger.state_dict(),
    }


def diverge(processes: Processes) -> str:
    """What the step says where only the last process's weights are not finite."""
    trainer, examples = learner(processes)
    if processes.rank == processes.count - 1:
        with torch.no_grad():
            trainer.tagger.emission.weight.fill_(math.nan)
    try:
        trainer.step(next(shares(examples, 8, 7, processes.rank, processes.count)))
    except FloatingPointError as error:
        return str(error)
    return ""


def work(rank: int, ports: Sequence[int], folder: Path, arguments: Sequence[str]) -> None:
    """Take steps, keep what came of them in a file of `folder`, and go through a training."""
    torch.set_num_threads(1)
    os.environ |= environment(rank, 2, ports[0])
    with joined("cpu") as processes:
        steps = {size: one_step(processes, size) for size in SIZES}
        torch.save({"steps": steps, "diverged": diverge(processes)}, folder / f"{rank}.pt")
    os.environ |= environment(rank, 2, ports[1])
    assert train.main(arguments) == 0
