"""What `bench.cells` trains: the runs, and what they share. Each run is a line among the results."""

from dataclasses import dataclass, replace
from itertools import product

from nerve.model.config import Cell, TaggerConfig
from nerve.training.config import Config, CorpusConfig, TrainingConfig

CELLS: tuple[Cell, ...] = ("rnn", "gru", "lstm")
LAYERS = (1, 2, 3)
SEEDS = (1, 2)
CLIP = 5.0
RATES = (0.006, 0.03)
"""Learning rates: that of all runs, and a high one at which clipping is compared as well."""

BASE = Config(
    corpora=(CorpusConfig(dataset="conll2003"),),
    training=TrainingConfig(epochs=3, epoch_steps=1, learning_rate=RATES[0], clip=CLIP, average=0.99),
    tagger=TaggerConfig(hidden_size=100, dropout=0.25),
    language="und",
)
"""What all runs share. The default average would still hold much of the initial weights after so few steps."""

SENTENCES = 5000
"""Sentences of the training split that are used, from its beginning. Dev and test are whole."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training: where it differs from the base that all share."""

    cell: Cell
    bidirectional: bool
    layers: int
    seed: int
    clip: float = CLIP
    learning_rate: float = RATES[0]

    @property
    def shape(self) -> str:
        """`lstm-2d-1l`: two directions, one layer."""
        return f"{self.cell}-{1 + self.bidirectional}d-{self.layers}l"

    @property
    def name(self) -> str:
        """The name of its result."""
        extra = "" if self.learning_rate == RATES[0] else f"-rate{self.learning_rate:g}"
        extra += "" if self.clip == CLIP else f"-clip{self.clip:g}"
        return f"{self.shape}{extra}-seed{self.seed}"

    def config(self, base: Config) -> Config:
        """The configuration of this run."""
        return replace(
            base,
            name=self.name,
            training=replace(base.training, seed=self.seed, clip=self.clip, learning_rate=self.learning_rate),
            tagger=replace(base.tagger, cell=self.cell, bidirectional=self.bidirectional, layers=self.layers),
        )


_CLIPPING = [(clip, rate) for rate, clip in product(RATES, (CLIP, 0.0)) if (clip, rate) != (CLIP, RATES[0])]
PLAN: list[Run] = [
    run
    for seed in SEEDS
    for run in (
        *(Run(cell, two, layers, seed) for cell, two, layers in product(CELLS, (False, True), LAYERS)),
        *(Run(cell, True, 1, seed, clip, rate) for cell, (clip, rate) in product(CELLS, _CLIPPING)),
    )
]
"""All runs, seed by seed: first cells, directions and layers, then clipping."""
