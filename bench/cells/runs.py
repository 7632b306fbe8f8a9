"""Train and measure one run after another, and add each to the results."""

import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import torch

from bench.cells import contexts, gradients, speeds
from bench.cells.plan import CLIP, SENTENCES, Run
from bench.cells.results import Result, Results
from nerve import __version__
from nerve.model.archive import Archive, load, save
from nerve.model.metadata import Metadata
from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary, WordIds
from nerve.training import config
from nerve.training.config import Config, ConfigError
from nerve.training.data import corpora
from nerve.training.data.batches import Example, batch_count, shuffled
from nerve.training.data.corpora import Corpus
from nerve.training.learn.trainer import Trainer
from nerve.training.measure import scores
from nerve.training.provenance import UNDETERMINED
from nerve.training.train import run_epoch

_TIMED_STEPS, _TIMED_SENTENCES = 24, 300
_GLANCE = 300


@dataclass(frozen=True)
class Data:
    """The corpus as every run sees it."""

    corpus: Corpus
    vocabulary: Vocabulary
    tags: tuple[str, ...]
    examples: list[Example]

    @classmethod
    def of(cls, corpus: Corpus) -> "Data":
        """The corpus with its vocabulary, tags and training examples."""
        vocabulary = Vocabulary.build(one.tokens for one in corpus.splits["train"])
        tags = tags_of(corpus.labels)
        return cls(
            corpus, vocabulary, tags, corpora.examples(corpus.splits["train"], corpus.annotates, vocabulary, tags)
        )

    @property
    def glance(self) -> Corpus:
        """A little of dev, for the score printed after each epoch."""
        return replace(self.corpus, splits={"dev": self.corpus.splits["dev"][:_GLANCE]})

    @property
    def long(self) -> list[Sequence[WordIds]]:
        """The scored sentences, as ids, that are long enough to measure how far a gradient reaches."""
        return [
            self.vocabulary.ids(one.tokens)
            for split in self.corpus.scored
            for one in self.corpus.splits[split]
            if len(one.tokens) > gradients.FAR
        ]


def subset(base: Config, data_dir: Path | None) -> Corpus:
    """The corpus of the base, with the beginning of its training split."""
    corpus = corpora.load(base.corpora[0], base.labels, data_dir)
    return replace(corpus, splits={**corpus.splits, "train": corpus.splits["train"][:SENTENCES]})


def complete(runs: Sequence[Run], base: Config, corpus: Callable[[], Corpus], results: Results) -> None:
    """Train the runs that have no result. `corpus` is called only if there are any.

    Raises:
        ConfigError: A result was made with other settings.
        OSError: The results cannot be written.
    """
    missing = [run for run in runs if not _is_there(run, base, results)]
    if not missing and "speeds" in results:
        return
    data = Data.of(corpus())
    if "speeds" not in results:
        results.add("speeds", _speeds(runs, base, data))
    for number, run in enumerate(missing, start=1):
        result = train(run, base, data)
        results.add(run.name, result)
        f1 = f"test F1 {result['scores']['test']['f1']:.2f}" if result["scores"] else result["diverged"]
        print(f"{number}/{len(missing)}  {run.name}: {f1}, {result['cpu_seconds']:.0f} s", file=sys.stderr)


def train(run: Run, base: Config, data: Data) -> Result:
    """Train and score one tagger. The result is JSON; a training that diverged has no scores."""
    begun = time.process_time()
    settings, tagger, archive = initial(run, base, data)
    reach = {}
    looks_back = not run.bidirectional and run.layers == 1 and data.long
    if looks_back:
        reach["initial"] = gradients.quartiles(gradients.reach(tagger, data.long))
    epochs = settings.training.epochs
    trainer = Trainer(tagger, settings.training, epochs * batch_count(data.examples, base.training.batch_size), "cpu")
    diverged, scored = "", {}
    try:
        for number in range(epochs):
            run_epoch(trainer, data.examples, 1, number, [data.glance], archive)
        with trainer.averaged():
            scored = {split: scores.scored_split(archive, data.corpus, split) for split in data.corpus.scored}
            if looks_back:
                reach["trained"] = gradients.quartiles(gradients.reach(tagger, data.long))
    except FloatingPointError as error:
        diverged = str(error)
    counted = contexts.count(
        (
            (sentence.tokens, names)
            for split, of_split in scored.items()
            for sentence, names in zip(data.corpus.splits[split], of_split, strict=True)
        ),
        data.vocabulary,
    )
    return {
        "config": settings.to_json(),
        "data": data.corpus.to_json(),
        "parameters": _size(tagger),
        "encoder_parameters": _size(tagger.encoder),
        "scores": {split: scores.score(of_split).to_json() for split, of_split in scored.items()},
        "diverged": diverged,
        "gradient_norm": _norms(trainer.gradient_norms),
        "contexts": {kind: {name: asdict(one) for name, one in of.items()} for kind, of in counted.items()},
        "reach": {"sentences": len(data.long), **reach} if reach else {},
        "cpu_seconds": round(time.process_time() - begun, 3),
        "torch": str(torch.__version__),
    }


def _norms(norms: Sequence[float]) -> dict[str, float]:
    """How large the gradients were before clipping. The last ones of a training that diverged have no finite norm."""
    finite = [norm for norm in norms if math.isfinite(norm)]
    return {
        "steps": len(norms),
        "median": round(median(finite), 3),
        "largest": round(max(finite), 3),
        "over_clip": sum(not norm <= CLIP for norm in norms),
    }


def _speeds(runs: Iterable[Run], base: Config, data: Data) -> Result:
    """How fast each shape among these runs is, measured in turns."""
    contestants: dict[str, tuple[Trainer, Archive]] = {}
    for run in {run.shape: run for run in runs}.values():
        settings, tagger, archive = initial(run, base, data)
        with tempfile.TemporaryDirectory() as folder:  # scripted, as a service would load it
            path = Path(folder) / "tagger.pt"
            save(path, tagger, data.vocabulary, archive.metadata)
            archive = load(path)
        contestants[run.shape] = Trainer(tagger, settings.training, 10**6, "cpu"), archive
    batches = list(shuffled(data.examples, base.training.batch_size, seed=1))[:_TIMED_STEPS]
    sentences = [one.tokens for one in data.corpus.splits["dev"][:_TIMED_SENTENCES]]
    return {
        "tokens_per_cpu_second": speeds.measure(contestants, batches, sentences),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
    }


def initial(run: Run, base: Config, data: Data) -> tuple[Config, Tagger, Archive]:
    """The configuration of a run, its initial tagger, and that tagger as an archive to tag with."""
    settings = run.config(base)
    torch.manual_seed(run.seed)
    tagger = Tagger(settings.tagger, data.vocabulary, data.tags)
    metadata = Metadata(
        name=run.name,
        description="",
        language=settings.language or UNDETERMINED,
        licence=data.corpus.licence,
        tags=data.tags,
        config=settings.tagger,
        datasets=[data.corpus.to_json()],
        scores={},
        settings=settings.to_json(),
        code_version=__version__,
    )
    return settings, tagger, Archive(tagger, data.vocabulary, metadata, "cpu")


def _size(module: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def _is_there(run: Run, base: Config, results: Results) -> bool:
    if run.name not in results:
        return False
    # A setting that did not exist when the result was made has its default, which is what it was made with.
    if config.from_json(results[run.name]["config"], f"{results.path}: {run.name}") != run.config(base):
        raise ConfigError(f"{results.path}: {run.name} was made with other settings: remove its line")
    return True
