"""Recurrent layers over padded input, as the tagger has them, against packed sequences: tokens per second.

    python -m bench.recurrence

One thread, the default configuration's sizes, in training (forward and backward) and in inference (scripted), for
several numbers of sentences and longest lengths. docs/decisions/padded-recurrence.md says what follows from it.
"""

import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nerve.model.config import Cell, TaggerConfig
from nerve.model.tagger import Encoder

EMBEDDED = 235
"""Width of a word's representation under the default configuration."""

SHAPES = ((1, 25), (32, 25), (8, 100))
"""Sentences, and tokens of the longest one."""


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    print("| cell | sentences x tokens | training, packed | padded | inference, packed | padded |")
    print("|---|---|---:|---:|---:|---:|")
    for cell in ("lstm", "gru"):
        for count, longest in SHAPES:
            packed, padded = Packed(cell), Padded(cell)
            batch = batch_of(count, longest)
            cells = [f"{speed(layer, *batch):,.0f}" for speed in (trained, inferred) for layer in (packed, padded)]
            print(f"| {cell} | {count} x {longest} | {' | '.join(cells)} |", flush=True)


class Padded(nn.Module):
    """The tagger's encoder: each direction a recurrence of its own, padding after the last real token of both."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.encoder = Encoder(TaggerConfig(cell=cell, dropout=0.0), EMBEDDED)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        encoded: Tensor = self.encoder(embedded, lengths)
        return encoded


class Packed(nn.Module):
    """The same layer as torch would have it done."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.recurrence = kind(EMBEDDED, TaggerConfig().hidden_size, batch_first=True, bidirectional=True)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        encoded, _ = pad_packed_sequence(self.recurrence(packed)[0], batch_first=True, total_length=embedded.shape[1])
        return encoded


def batch_of(count: int, longest: int) -> tuple[Tensor, Tensor]:
    """Random input (B, L, E) of sentences of like length, as length-bucketed batches hold them, and lengths (B)."""
    lengths = torch.randint(max(1, longest - 8), longest + 1, (count,))
    lengths[0] = longest
    return torch.randn(count, longest, EMBEDDED, requires_grad=True), lengths


def trained(layer: nn.Module, embedded: Tensor, lengths: Tensor) -> float:
    """Tokens per second, forward and backward."""
    return int(lengths.sum()) / seconds(lambda: layer(embedded, lengths).sum().backward())


def inferred(layer: nn.Module, embedded: Tensor, lengths: Tensor) -> float:
    """Tokens per second, scripted and without gradients."""
    scripted = torch.jit.script(layer.eval())
    with torch.inference_mode():
        return int(lengths.sum()) / seconds(lambda: scripted(embedded, lengths))


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """The fastest of repeated runs, which another program on the machine disturbs least."""
    work(), work()
    fastest, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < least:
        started = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


if __name__ == "__main__":
    main()
