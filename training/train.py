"""Train a tagger and export it: corpora in, an archive with its model card and pictures out.

    python -m nerve.training.train --dataset wnut17 --output wnut17.pt
    python -m nerve.training.train --train my.train.jsonl --dev my.dev.jsonl --output mine.pt
    python -m nerve.training.train --config recipes/en/en.toml --output models/en.pt --epochs 10

Each epoch ends with a score on dev and a checkpoint beside the output; the same command after an interruption goes on
from there, to the same weights. The archive holds the weights of the best epoch and appears only when it is complete.
"""

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import fmean

import torch
from tqdm import tqdm

from nerve import __version__
from nerve.model.archive import Archive, ArchiveError, Example, Metadata, load, save
from nerve.model.recognizer import Recognizer
from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary
from nerve.training import options
from nerve.training.config import Config, ConfigError
from nerve.training.data import corpora
from nerve.training.data.batches import Example as TrainingExample
from nerve.training.data.batches import batch_count, shuffled
from nerve.training.data.corpora import Corpus
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError
from nerve.training.learn.checkpoint import Checkpoint, CheckpointError
from nerve.training.learn.initialisation import initial
from nerve.training.learn.trainer import Epoch, Trainer
from nerve.training.learn.vectors import VectorError
from nerve.training.measure import calibration, metrics, rawtext, report

EXAMPLES = 4
"""Dev sentences that an archive carries for its self-check."""

_REFUSALS = (
    ConfigError,
    VectorError,
    DatasetError,
    FormatError,
    CheckpointError,
    ArchiveError,
    FloatingPointError,
    OSError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    given = options.parse(arguments)
    try:
        config = options.configuration(given)
        torch.set_num_threads(given.threads)
        device = _device(given.device)
        command = options.command(sys.argv[1:] if arguments is None else arguments)
        train(config, given.output, given.data_dir, device, command=command, restart=given.restart)
    except _REFUSALS as error:
        print(f"nerve.training.train: {error}", file=sys.stderr)
        return 1
    return 0


def train(
    config: Config,
    output: Path,
    data_dir: Path | None,
    device: str,
    *,
    command: str = "",
    restart: bool = False,
) -> None:
    """Train as `config` says and write `output` (an archive), its card and its pictures into one folder.

    Args:
        command: what the card says that repeats this training.

    Raises:
        ConfigError, FormatError, DatasetError: the corpora cannot be used, or the output not be written.
        CheckpointError: an interrupted run with other settings left its checkpoint here.
        FloatingPointError: training diverged.
    """
    _refuse_unwritable(output)
    sources = [corpora.load(corpus, config.labels, data_dir) for corpus in config.corpora]
    labels = config.labels or tuple(sorted({label for source in sources for label in source.labels}))
    _refuse_useless(sources, labels)
    if config.training.dev_too:
        sources = [source.with_dev_in_train() for source in sources]
    tags = tags_of(labels)
    for source in sources:
        _say(f"{source.name}: {source.summary}")

    torch.manual_seed(config.training.seed)
    sentences = (sentence.tokens for source in sources for sentence in source.splits["train"])
    tagger, vocabulary = initial(config, sentences, tags)
    config = replace(config, tagger=tagger.config)
    own = config.training.own_tokens
    examples = [
        one for source in sources for one in corpora.examples(source, "train", vocabulary, tags, own_tokens=own)
    ]
    steps = batch_count(examples, config.training.batch_size)
    passes = -(-config.training.epoch_steps // steps)
    trainer = Trainer(tagger, config.training, steps * passes * config.training.epochs, device)
    weights = sum(weight.numel() for weight in tagger.parameters())
    _say(f"{weights:,} weights, {len(examples):,} sentences, {device}")

    metadata = _metadata(config, output, tags, sources, command)
    checkpoint = Checkpoint(output.with_suffix(".checkpoint"), config, vocabulary, sources, tagger)
    if restart:
        checkpoint.remove()
    history, best = checkpoint.restore(trainer)
    for number in range(len(history), config.training.epochs):
        if not config.training.dev_too and _stale(history, config.training.patience):
            _say(f"dev F1 has not risen for {config.training.patience} epochs: stopping")
            break
        epoch = run_epoch(trainer, examples, passes, number, sources, Archive(tagger, vocabulary, metadata, device))
        if config.training.dev_too or epoch.dev_f1 > max((past.dev_f1 for past in history), default=-1.0):
            with trainer.averaged() as averaged:
                best = {name: weight.detach().cpu().clone() for name, weight in averaged.state_dict().items()}
        history.append(epoch)
        checkpoint.save(trainer, history, best)

    tagger.load_state_dict(best)
    tagger.words.settle()  # before the scores: they are those of what is served
    _export(tagger.to("cpu").eval(), vocabulary, metadata, sources, history, output)
    checkpoint.remove()


def run_epoch(
    trainer: Trainer,
    examples: Sequence[TrainingExample],
    passes: int,
    number: int,
    sources: Sequence[Corpus],
    archive: Archive,
) -> Epoch:
    """Passes over the training sentences, each in an order of its own, then a score on dev."""
    losses, tokens, begun = [], 0, time.perf_counter()
    size, first_seed = trainer.config.batch_size, trainer.config.seed * 100_003 + number * passes
    batches = chain.from_iterable(shuffled(examples, size, seed=first_seed + one) for one in range(passes))
    with tqdm(
        batches,
        total=passes * batch_count(examples, size),
        desc=f"epoch {number + 1}",
        unit="step",
        leave=False,
        mininterval=0.5,
    ) as bar:
        for batch in bar:
            losses.append(trainer.step(batch))
            tokens += int(batch.inputs.lengths.sum())
            bar.set_postfix_str(f"loss {fmean(losses[-50:]):.3f}", refresh=False)
    speed = tokens / (time.perf_counter() - begun)
    with trainer.averaged():
        dev = [metrics.judged(archive, source, "dev") for source in sources if "dev" in source.splits]
    f1 = fmean(metrics.score(*tags).f1 for tags in dev) if dev else 0.0
    figures = f"loss {fmean(losses):.4f}  dev F1 {f1:.2f}  {speed:,.0f} tokens/s"
    _say(f"epoch {number + 1}/{trainer.config.epochs}  {figures}")
    return Epoch(fmean(losses), f1, speed)


def _export(
    tagger: Tagger,
    vocabulary: Vocabulary,
    metadata: Metadata,
    sources: Sequence[Corpus],
    history: Sequence[Epoch],
    output: Path,
) -> None:
    """Score the best weights, then write the archive, its card and its pictures. The archive is saved, loaded again
    and compared on all of dev with the tagger it was made from before it takes its name."""
    eager = Archive(tagger, vocabulary, metadata, "cpu")
    temperature = calibration.cool(tagger, eager, sources)
    results = {
        f"{source.name} {split}": metrics.judged(eager, source, split)
        for source in sources
        for split in source.scored
    }
    scores = {name: metrics.score(*tags).to_json() for name, tags in results.items()}
    for source in sources:
        for split in source.scored:
            scores[f"{source.name} {split}"] |= {
                "raw_text_f1": rawtext.f1(Recognizer(eager), source, split),
                "calibration": calibration.measured(eager, source, split),
            }
    dev = [sentence.tokens for source in sources for sentence in source.splits.get("dev", ())]
    before = eager.tags(dev)
    seed = metadata.settings["training"]["seed"]
    settings = {**metadata.settings, "temperature": temperature}
    metadata = replace(metadata, scores=scores, settings=settings, examples=_examples(dev, before, seed))

    def same_tags(exported: Archive) -> None:
        if exported.tags(dev) != before:
            raise ArchiveError(f"{output}: the exported tagger tags dev otherwise than the trained one")
        exported.self_check()

    save(output, tagger, vocabulary, metadata, same_tags)
    report.write(output, metadata, results, history, _words_per_second(load(output), dev))
    for name, value in scores.items():
        _say(f"{name}: micro F1 {value['f1']:.2f}, on raw text {value['raw_text_f1']:.2f}")
    _say(f"{output}: {output.stat().st_size / 1e6:.1f} MB, tags dev as the trained tagger does")


def _words_per_second(archive: Archive, sentences: Sequence[tuple[str, ...]]) -> float:
    archive.tags(sentences[:200])  # warm
    begun = time.perf_counter()
    archive.tags(sentences)
    return sum(map(len, sentences)) / (time.perf_counter() - begun)


def _examples(sentences: Sequence[tuple[str, ...]], tags: Sequence[metrics.Tags], seed: int) -> tuple[Example, ...]:
    """A few sentences with at least one name, for the self-check."""
    named = [n for n, tagged in enumerate(tags) if any(tag != "O" for tag in tagged) and len(tagged) <= 40]
    chosen = random.Random(seed).sample(named, min(EXAMPLES, len(named)))
    return tuple(Example(sentences[n], tags[n]) for n in chosen)


def _metadata(config: Config, output: Path, tags: Sequence[str], sources: Sequence[Corpus], command: str) -> Metadata:
    return Metadata(
        name=config.name or output.stem,
        description=config.description,
        language=config.language,
        licence=config.licence or "; ".join(dict.fromkeys(source.licence for source in sources)),
        tags=tuple(tags),
        config=config.tagger,
        datasets=[source.to_json() for source in sources],
        scores={},
        settings={**config.to_json(), "command": command},
        code_version=__version__,
    )


def _refuse_unwritable(output: Path) -> None:
    """
    Raises:
        ConfigError: `output` cannot be written. That had better show now than after the first epoch.
    """
    if output.suffix != ".pt" or output.is_dir():
        raise ConfigError(f"--output {output}: the archive has to be a file named .pt")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise ConfigError(f"--output {output}: its folder cannot be written: {error.strerror}") from error


def _refuse_useless(sources: Sequence[Corpus], labels: Sequence[str]) -> None:
    """
    Raises:
        ConfigError: the corpora hold nothing to learn, or nothing to tell by whether it was learned.
    """
    for source in sources:
        if "train" not in source.splits:
            raise ConfigError(f"{source.name} has no train split")
    if not any("dev" in source.splits for source in sources):
        raise ConfigError("no corpus has a dev split")
    if not labels:
        raise ConfigError("the corpora hold no names: there is nothing to learn")


def _stale(history: Sequence[Epoch], patience: int) -> bool:
    scores = [epoch.dev_f1 for epoch in history]
    return len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])


def _device(wanted: str) -> str:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: this machine has no GPU that torch can use")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
