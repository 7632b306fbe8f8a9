"""Training on one thread: tokens per second of conll2003 with the default configuration, and those of a plain loop.

    python -m bench.train

The plain way trains the same network as one would first write it: the CRF token by token, in log space, with autograd
behind each step; Adam as it comes; denormal numbers as they come. (What packed sequences would cost on top is in
docs/decisions/padded-recurrence.md.) Both take steps on the same batches in turns. Writes results/train.json.
"""

import argparse
import copy
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.options import timing_parser
from bench.timing import seconds
from model.batch import Batch
from model.crf import CRF
from model.tagger import Tagger
from model.tags import tags_of
from training import config, corpora
from training.batches import TrainingBatch, shuffled
from training.initialisation import initial
from training.trainer import Trainer

RESULTS = Path(__file__).parent / "results" / "train.json"


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    chosen = config.read(None, {}, [{"dataset": "conll2003"}])
    corpus = corpora.load(chosen.corpora[0], (), options.data_dir)
    tags = tags_of(corpus.labels)
    tagger, vocabulary = initial(chosen, (one.tokens for one in corpus.splits["train"]), tags)
    examples = corpora.examples(corpus, "train", vocabulary, tags)
    batches = list(shuffled(examples, chosen.training.batch_size, seed=1))[: options.steps]
    plain = Plain(copy.deepcopy(tagger), chosen.training.learning_rate)
    trainer = Trainer(tagger, chosen.training, 10_000, "cpu")

    def ours() -> None:
        torch.set_flush_denormal(True)
        for batch in batches:
            trainer.step(batch)

    def theirs() -> None:
        torch.set_flush_denormal(False)
        for batch in batches:
            plain.step(batch)

    taken = seconds({"nerve": ours, "the plain way": theirs}, options.rounds)
    tokens = sum(int(batch.inputs.lengths.sum()) for batch in batches)
    speeds = {name: tokens / time for name, time in taken.items()}
    print("| training | tokens/s | |\n|---|---:|---:|")
    for name, speed in speeds.items():
        print(f"| {name} | {speed:,.0f} | {speed / speeds['the plain way']:.1f} x |")
    if not options.no_results:
        RESULTS.write_text(json.dumps({"batch": chosen.training.batch_size, "tokens/s": speeds}, indent=1) + "\n")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = timing_parser("bench.train", "Time training on one thread.", rounds=3)
    parser.add_argument("--steps", type=int, default=60, help="steps of a round")
    return parser.parse_args(arguments)


class Plain:
    """The plain way."""

    def __init__(self, tagger: Tagger, learning_rate: float) -> None:
        self.tagger = tagger.train()
        self._optimiser = torch.optim.Adam(tagger.parameters(), lr=learning_rate)

    def step(self, batch: TrainingBatch) -> float:
        inputs: Batch = batch.inputs
        emissions = self.tagger.emissions(inputs.features, inputs.characters, inputs.tokens, inputs.lengths)
        known = emissions.masked_fill(~batch.known, -1e4)
        crf, lengths = self.tagger.crf, inputs.lengths
        loss = (log_partition(crf, emissions, lengths) - log_partition(crf, known, lengths)).mean()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.tagger.parameters(), 5.0)
        self._optimiser.step()
        return float(loss.detach())


def log_partition(crf: CRF, emissions: Tensor, lengths: Tensor) -> Tensor:
    """log Z of each sentence, (B)."""
    transitions = crf.transitions.masked_fill(crf.forbidden, -1e4)
    score = crf.start.masked_fill(crf.forbidden_start, -1e4) + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        further = torch.logsumexp(score.unsqueeze(2) + transitions, 1) + emissions[:, t]
        score = torch.where((t < lengths).unsqueeze(1), further, score)
    return torch.logsumexp(score + crf.end, 1)


if __name__ == "__main__":
    sys.exit(main())
