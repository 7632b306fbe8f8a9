"""Training on one thread: tokens a second on conll2003, and the F1 on dev, beside those of a plain loop.

    python -m bench.train
    python -m bench.train --epochs 12

The plain way trains the same network as one would first write it: the CRF token by token, in log space, with
autograd behind each step, and the gold path's score by an index for each token; gradients of whole tables, and Adam
as it comes over all their rows; denormal numbers as they come. (What packed sequences would cost on top is in
docs/decisions/padded-recurrence.md; that a word is represented once a batch, however often it occurs, both have.)

Without `--epochs` both take the first steps of a training again and again, on the same batches in turns. With it both
train from the same weights on the same batches, taking turns by the epoch. results/train.json has a part for each.
"""

import argparse
import copy
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from bench.options import timing_parser
from bench.timing import seconds
from nerve import __version__
from nerve.model.archive import Archive
from nerve.model.batch import Batch
from nerve.model.crf import CRF
from nerve.model.metadata import Metadata
from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary
from nerve.training import config
from nerve.training.config import Config
from nerve.training.data import corpora
from nerve.training.data.batches import Example, TrainingBatch, batch_count, shuffled
from nerve.training.data.corpora import Corpus
from nerve.training.learn.initialisation import initial
from nerve.training.learn.trainer import Trainer
from nerve.training.measure import scores
from nerve.training.provenance import UNDETERMINED

RESULTS = Path(__file__).parent / "results" / "train.json"
OURS, PLAIN = "nerve", "the plain way"


def main(arguments: Sequence[str] | None = None) -> int:
    """Time both ways; return the exit status."""
    options = parse(arguments)
    torch.set_num_threads(1)
    task = conll2003(options.data_dir)
    if options.epochs:
        part, figures = "training", trained(task, options.epochs)
    else:
        part, figures = "first steps", timed(task, options.steps, options.rounds)
    report(part, figures)
    if not options.no_results:
        known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        known[part] = {"batch": task.settings.training.batch_size, **figures}
        RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = timing_parser("bench.train", "Time training on one thread.", rounds=3)
    parser.add_argument("--steps", type=int, default=60, help="steps of a round")
    parser.add_argument("--epochs", type=int, default=0, help="train both ways for so long, and compare F1 on dev")
    return parser.parse_args(arguments)


class Task(NamedTuple):
    """What both ways are to learn, and the weights that they begin with."""

    settings: Config
    corpus: Corpus
    tags: tuple[str, ...]
    tagger: Tagger
    vocabulary: Vocabulary
    examples: list[Example]


def conll2003(data_dir: Path | None) -> Task:
    """Its default training."""
    settings = config.read(None, {}, [{"dataset": "conll2003"}])
    corpus = corpora.load(settings.corpora[0], (), data_dir)
    tags = tags_of(corpus.labels)
    torch.manual_seed(settings.training.seed)
    tagger, vocabulary = initial(settings, (one.tokens for one in corpus.splits["train"]), tags)
    return Task(
        settings,
        corpus,
        tags,
        tagger,
        vocabulary,
        corpora.examples(corpus.splits["train"], corpus.annotates, vocabulary, tags),
    )


# -- the two measurements --------------------------------------------------------------------------------------------


def timed(task: Task, steps: int, rounds: int) -> dict[str, Any]:
    """Tokens a second of either way's first steps."""
    batches = list(shuffled(task.examples, task.settings.training.batch_size, seed=1))[:steps]

    both = ways(task, 10_000)
    taken = seconds({name: partial(_take, way, batches) for name, way in both.items()}, rounds)
    tokens = sum(map(_tokens, batches))
    return {"tokens/s": {name: tokens / time for name, time in taken.items()}}


def trained(task: Task, epochs: int) -> dict[str, Any]:
    """Tokens a second of whole trainings, and F1 on dev after each of their epochs."""
    size = task.settings.training.batch_size
    both = ways(task, epochs * batch_count(task.examples, size))
    f1: dict[str, list[float]] = {name: [] for name in both}
    taken = dict.fromkeys(both, 0.0)
    tokens = 0
    for epoch in range(epochs):
        tokens += sum(map(_tokens, shuffled(task.examples, size, seed=epoch)))
        for name, way in both.items():
            torch.manual_seed(epoch)
            begun = time.thread_time()
            _take(way, shuffled(task.examples, size, seed=epoch))
            taken[name] += time.thread_time() - begun
            with way.averaged() as tagger:
                f1[name].append(score(tagger, task))
            speed = tokens / taken[name]
            print(f"epoch {epoch + 1}/{epochs}  {name}: dev F1 {f1[name][-1]:.2f}  {speed:,.0f} tokens/s", flush=True)
    return {"epochs": epochs, "tokens/s": {name: tokens / time for name, time in taken.items()}, "dev F1": f1}


def ways(task: Task, total_steps: int) -> "dict[str, Way]":
    """Both ways, at their beginning, by name."""
    training = task.settings.training
    return {
        OURS: Trainer(copy.deepcopy(task.tagger), training, total_steps, "cpu"),
        PLAIN: Plain(copy.deepcopy(task.tagger), training.learning_rate),
    }


def _take(way: "Way", batches: Iterable[TrainingBatch]) -> None:
    for batch in batches:
        way.step(batch)


def score(tagger: Tagger, task: Task) -> float:
    """Micro F1 on dev."""
    settings = task.settings
    metadata = Metadata(
        name="bench",
        description="",
        language=settings.language or UNDETERMINED,
        licence=task.corpus.licence,
        tags=task.tags,
        config=settings.tagger,
        datasets=[],
        scores={},
        settings={},
        code_version=__version__,
    )
    return scores.score(scores.scored_split(Archive(tagger, task.vocabulary, metadata, "cpu"), task.corpus, "dev")).f1


def _tokens(batch: TrainingBatch) -> int:
    return int(batch.inputs.lengths.sum())


def report(part: str, figures: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    speeds, f1 = figures["tokens/s"], figures.get("dev F1")
    print(f"| {part} | tokens/s | |" + (" dev F1 | best |\n|---|---:|---:|---:|---:|" if f1 else "\n|---|---:|---:|"))
    for name, speed in speeds.items():
        scores = f" {f1[name][-1]:.2f} | {max(f1[name]):.2f} |" if f1 else ""
        print(f"| {name} | {speed:,.0f} | {speed / speeds[PLAIN]:.1f} x |{scores}")


# -- the plain way ---------------------------------------------------------------------------------------------------


class Way(Protocol):
    """What `Trainer` and `Plain` have in common."""

    def step(self, batch: TrainingBatch) -> float:
        """Take a step on a batch; return the loss."""

    def averaged(self) -> AbstractContextManager[Tagger]:
        """Give the tagger that is scored, within a block."""


class Plain:
    """The plain way."""

    def __init__(self, tagger: Tagger, learning_rate: float) -> None:
        self.tagger = tagger.train()
        self._optimiser = torch.optim.Adam(tagger.parameters(), lr=learning_rate)

    def step(self, batch: TrainingBatch) -> float:
        """Take a step on a batch; return the loss."""
        inputs: Batch = batch.inputs
        emissions = self.tagger.emissions(inputs.features, inputs.characters, inputs.tokens, inputs.lengths)
        gold = batch.allowed.long().argmax(2)  # conll2003 is annotated completely: one tag a token
        crf, lengths = self.tagger.crf, inputs.lengths
        loss = (log_partition(crf, emissions, lengths) - path_score(crf, emissions, gold, lengths)).mean()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.tagger.parameters(), 5.0)
        self._optimiser.step()
        return float(loss.detach())

    @contextmanager
    def averaged(self) -> Iterator[Tagger]:
        """The tagger as it is, for scoring."""
        yield self.tagger.eval()
        self.tagger.train()


def log_partition(crf: CRF, emissions: Tensor, lengths: Tensor) -> Tensor:
    """Log Z of each sentence, (B)."""
    transitions = crf.transitions.masked_fill(crf.forbidden, -1e4)
    score = crf.start.masked_fill(crf.forbidden_start, -1e4) + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        further = torch.logsumexp(score.unsqueeze(2) + transitions, 1) + emissions[:, t]
        score = torch.where((t < lengths).unsqueeze(1), further, score)
    return torch.logsumexp(score + crf.end, 1)


def path_score(crf: CRF, emissions: Tensor, tag_ids: Tensor, lengths: Tensor) -> Tensor:
    """The score of each sentence's sequence of tags (B, L), (B)."""
    sentence = torch.arange(len(lengths))
    score = crf.start[tag_ids[:, 0]] + emissions[sentence, 0, tag_ids[:, 0]]
    for t in range(1, emissions.shape[1]):
        further = crf.transitions[tag_ids[:, t - 1], tag_ids[:, t]] + emissions[sentence, t, tag_ids[:, t]]
        score = score + further * (t < lengths)
    return score + crf.end[tag_ids[sentence, lengths - 1]]


if __name__ == "__main__":
    sys.exit(main())
