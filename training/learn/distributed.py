"""The processes of one training: started by `torchrun`, each learns from its share of every batch.

    torchrun --nproc-per-node 2 -m nerve.training.train --dataset wnut17 --batch-size 128 --output wnut17.pt

All hold the same weights and take the same steps: what a step needs of the others is one sum over all processes, of
one tensor that holds every gradient. The first process is the first to read the corpora, scores, saves and reports.
A training that `torchrun` did not start is `ALONE`, and none of this costs it anything.
"""

import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

PATIENCE = timedelta(hours=12)
"""How long a process waits for another, which may be scoring. One that died is noticed by `torchrun`, at once."""


class ProcessError(Exception):
    """The processes of a training cannot work together; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those of a training."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"
    attempt: int = 0
    """How often `torchrun` has started all processes again, because one of them died."""

    @property
    def first(self) -> bool:
        """Whether this is the process that scores, saves and reports."""
        return self.rank == 0

    def summary(self, device: str) -> str:
        """What trains: `cpu`, or `cpu, 2 processes`."""
        return device if self.count == 1 else f"{device}, {self.count} processes"

    def total(self, value: float) -> float:
        """The sum of all processes' values. It is also where they wait for each other."""
        if self.count == 1:
            return value
        return float(_summed(torch.tensor([value], dtype=torch.float64, device=self.device)))

    def add_gradients(self, weights: Sequence[Tensor], loss: float) -> float:
        """Make each weight's gradient the sum of all processes' gradients. Returns the sum of their losses.

        A weight without a gradient counts as one whose gradient is zero, so a process may have nothing to add.
        """
        if self.count == 1:
            return loss
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        flat = _summed(torch.cat([gradients[0].new_tensor([loss]), *(gradient.flatten() for gradient in gradients)]))
        sums = torch.split(flat[1:], [weight.numel() for weight in weights])
        for weight, of_weight in zip(weights, sums, strict=True):
            weight.grad = of_weight.view_as(weight)
        return float(flat[0])

    def seed(self, seed: int, epoch: int) -> None:
        """Let this process drop out other units than the others do, the same ones whenever it begins this epoch.

        A process alone goes on with the generator that the checkpoint holds.
        """
        if self.count > 1:
            torch.manual_seed(random.Random(f"{seed} {epoch} {self.rank}").getrandbits(63))

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Run a block in the first process, then in the others: downloads and refusals happen once."""
        if not self.first:
            self.total(0.0)
        yield
        if self.first:
            self.total(0.0)


ALONE = Processes()


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """The processes that `torchrun` started this one among, connected to each other; else `ALONE`.

    Within the block only the first one writes on stderr; what they raise is not concerned.

    Args:
        device: `cpu`, where gloo connects them, or `cuda`, where NCCL does and each has a GPU of its own.

    Raises:
        ProcessError: This machine has fewer GPUs than processes.
    """
    if not dist.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
    store, rank, count = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    gpu = None
    if device == "cuda":
        gpu = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if gpu.index >= torch.cuda.device_count():
            raise ProcessError(
                f"{os.environ['LOCAL_WORLD_SIZE']} processes on this machine, but {torch.cuda.device_count()} GPUs"
            )
        torch.cuda.set_device(gpu)
    # All attempts share the agent's store: without a prefix a process may read the address that a dead one left.
    dist.init_process_group(
        "nccl" if gpu else "gloo",
        store=dist.PrefixStore(f"attempt {attempt}", store),  # type: ignore[attr-defined]
        rank=rank,
        world_size=count,
        timeout=PATIENCE,
        device_id=gpu,
    )
    processes = Processes(rank, count, device, int(attempt))
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stderr(sys.stderr if rank == 0 else nowhere),
    ):
        yield processes
        processes.total(0.0)  # the first may still be writing
    dist.destroy_process_group()


def _summed(tensor: Tensor) -> Tensor:
    try:
        dist.all_reduce(tensor)
    except RuntimeError as error:
        raise ProcessError(f"another process of this training has ended: {str(error).splitlines()[0]}") from error
    return tensor
