"""Optimisation: Adam, a learning rate that rises and then falls, clipped gradients, and averaged weights.

The running average of the weights scores better than the weights themselves (Polyak and Juditsky 1992). The trainer
knows nothing of files and corpora; its `state` is all that a resumed run needs to continue as if never interrupted.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nerve.model.tagger import Tagger
from nerve.training.config import TrainingConfig
from nerve.training.data.batches import TrainingBatch
from nerve.training.learn.distributed import ALONE, Processes


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the learning curve."""

    loss: float
    """mean over the epoch's steps, in nats a sentence"""
    dev_f1: float
    """micro F1 in percent, the mean over the corpora"""
    tokens_per_second: float
    seconds: float = 0.0
    """that it took, with the scoring of dev"""


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Let this thread take denormal numbers for zero.

    Second moments of rarely seen embedding rows decay into them, and a CPU is slow on them. The thread's own programs
    may rely on them: they are back afterwards.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class Trainer:
    """A tagger with its optimiser.

    `gradient_norms` has the norm of the gradient before clipping, for each step of this object.
    """

    def __init__(
        self,
        tagger: Tagger,
        config: TrainingConfig,
        total_steps: int,
        device: str,
        processes: Processes = ALONE,
    ) -> None:
        self.tagger = tagger.to(device).train()
        self.config = config
        self.total_steps = total_steps
        self.device = device
        self.processes = processes
        self.step_count = 0
        self.gradient_norms: list[float] = []
        self._weights = [weight for weight in tagger.parameters() if weight.requires_grad]
        self._average = [weight.detach().clone() for weight in self._weights]
        self._optimiser = torch.optim.AdamW(
            self._weights, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )

    @_flushed_denormals()
    def step(self, batch: TrainingBatch | None) -> float:
        """Learn from one batch, of which each process has a share. All of them return, or raise, the same.

        Args:
            batch: this process's share; None if it has no sentence of the batch.

        Returns:
            The loss: minus the mean log-likelihood of a sentence of the whole batch, in nats.

        Raises:
            FloatingPointError: The loss or the weights are not finite: the learning rate is too high.
            ProcessError: Another process has ended.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self._rate()
        self._optimiser.zero_grad()
        loss = self.processes.add_gradients(self._weights, self._learn(batch) if batch is not None else 0.0)
        if not math.isfinite(loss):
            raise FloatingPointError(f"training diverged at step {self.step_count}: lower the learning rate")
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self.config.clip or math.inf)
        self.gradient_norms.append(float(norm))
        self._optimiser.step()
        self.step_count += 1
        self._update_average()
        return loss

    @contextmanager
    def averaged(self) -> Iterator[Tagger]:
        """The tagger with its averaged weights, for scoring or export; afterwards with those of the training."""
        current = [weight.detach().clone() for weight in self._weights]
        if self.config.average:
            self._set(self._average)
        self.tagger.eval()
        try:
            yield self.tagger
        finally:
            self._set(current)
            self.tagger.train()

    def state(self) -> dict[str, Any]:
        """Weights, their average, the optimiser and the random number generators, for `restore`."""
        return {
            "weights": self.tagger.state_dict(),
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            "steps": self.step_count,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if self.device.startswith("cuda") else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of a trainer with the same tagger and configuration."""
        self.tagger.load_state_dict(state["weights"])
        for own, saved in zip(self._average, state["average"], strict=True):
            own.copy_(saved)
        self._optimiser.load_state_dict(state["optimiser"])
        self.step_count = state["steps"]
        torch.set_rng_state(state["random"])
        if state["random_cuda"] is not None and self.device.startswith("cuda"):
            torch.cuda.set_rng_state(state["random_cuda"])

    def _learn(self, batch: TrainingBatch) -> float:
        """Compute the gradients of these sentences. Returns their share of the loss; NaN if it is not finite."""
        inputs = batch.inputs.to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.config.mixed_precision):
            emissions = self.tagger.emissions(inputs.features, inputs.characters, inputs.tokens, inputs.lengths)
        try:
            likelihoods = self.tagger.crf.log_likelihood(
                emissions.float(), batch.allowed.to(self.device), inputs.lengths
            )
        except ValueError:
            # Some sequence always agrees with the annotation: if none has a probability, the weights are not finite.
            return math.nan
        loss = -likelihoods.sum() / batch.joint
        value = float(loss.detach())
        if math.isfinite(value):
            loss.backward()  # type: ignore[no-untyped-call]
        return value

    def _rate(self) -> float:
        """The share of the full learning rate: it rises over the warm-up, and falls to 0 over all steps."""
        rise = min(1.0, (self.step_count + 1) / max(1.0, self.config.warmup * self.total_steps))
        return rise * max(0.0, 1.0 - self.step_count / self.total_steps)

    def _update_average(self) -> None:
        # Early on the average would still hold the random initial weights: the decay is smaller then.
        decay = min(self.config.average, (1 + self.step_count) / (10 + self.step_count))
        if self.config.average:
            torch._foreach_lerp_(self._average, [weight.detach() for weight in self._weights], 1.0 - decay)

    def _set(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(self._weights, values, strict=True):
                weight.copy_(value)
