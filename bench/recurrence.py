"""Recurrent cells by several ways of computing them: tokens per second on one thread.

    python -m bench.recurrence

The first table compares the tagger's layers, over padded input, with packed sequences: in training (forward and
backward) and in inference (scripted). docs/decisions/padded-recurrence.md draws the conclusion. The second one
compares the two forms of a whole tagger on ids, the archive's script and the fast form. All weights are random; sizes
are those of the default configuration.
"""

import random
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nerve.model.archive import Archive, FastForm
from nerve.model.config import Cell, TaggerConfig
from nerve.model.fast_tagger import FastTagger
from nerve.model.metadata import Metadata
from nerve.model.packed_linear import packing_works
from nerve.model.tagger import Encoder, Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary
from nerve.model.word_table import WordTable

EMBEDDED = 235
"""Width of a word's representation under the default configuration."""

SHAPES = ((1, 25), (32, 25), (8, 100))
"""Sentences, and tokens of the longest one."""

WORDS = tuple(f"word{n}" for n in range(5000))

SIZES = (1, 8, 32)
"""Sentences in a batch of the second table, 13 tokens each."""


def main() -> None:
    """Print both tables."""
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
    print("\n| cell | sentences | archive's script | fast form | |\n|---|---:|---:|---:|---:|")
    for cell in get_args(Cell):
        script, fast = forms(cell)
        for count in SIZES:
            slow, quick = tagged(script, count), tagged(fast, count)
            print(f"| {cell} | {count} | {slow:,.0f} | {quick:,.0f} | {quick / slow:.1f} x |", flush=True)


class Padded(nn.Module):
    """The tagger's encoder: a recurrence for each direction, padding after the last real token of both."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.encoder = Encoder(TaggerConfig(cell=cell, dropout=0.0), EMBEDDED)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """(B, L, E) -> (B, L, 2H)."""
        encoded: Tensor = self.encoder(embedded, lengths)
        return encoded


class Packed(nn.Module):
    """The same layer as torch offers it, over packed sequences."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.recurrence = kind(EMBEDDED, TaggerConfig().hidden_size, batch_first=True, bidirectional=True)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """(B, L, E) -> (B, L, 2H)."""
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        encoded, _ = pad_packed_sequence(self.recurrence(packed)[0], batch_first=True, total_length=embedded.shape[1])
        return encoded


def batch_of(count: int, longest: int) -> tuple[Tensor, Tensor]:
    """Random input (B, L, E) of sentences of similar length, and their lengths (B)."""
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


def forms(cell: Cell) -> tuple[Archive, Archive]:
    """A tagger with this cell: by the script that an archive would hold, and by the fast form."""
    config, tags, vocabulary = TaggerConfig(cell=cell), tags_of(["LOC", "ORG", "PER"]), Vocabulary.build([WORDS])
    tagger = Tagger(config, vocabulary, tags).eval()
    metadata = Metadata("random", "", "en", "", tags, config, [], {}, {}, "")
    torch.jit.set_fusion_strategy([("STATIC", 0)])  # as `archive.load` has it
    script = Archive(torch.jit.script(tagger), vocabulary, metadata, "cpu")
    fast = FastTagger(config, tagger.state_dict(), tags, packed=packing_works()).eval()
    return script, replace(
        script, fast=FastForm(WordTable(vocabulary.ids, tagger.words, fast.project), torch.jit.script(fast))
    )


def tagged(archive: Archive, count: int) -> float:
    """Tokens per second in batches of so many sentences, whose words were seen before."""
    draw = random.Random(1)
    batch = [draw.choices(WORDS, k=13) for _ in range(count)]
    return 13 * count / seconds(lambda: archive.run(batch))


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """The fastest of repeated runs, the one that other programs on the machine disturb least."""
    work(), work()
    fastest, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < least:
        started = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


if __name__ == "__main__":
    main()
