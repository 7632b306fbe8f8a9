"""Train a tagger and export it: corpora in, an archive with its model card and pictures out.

    nerve train --dataset wnut17 --output wnut17.pt
    nerve train --train my.train.jsonl --dev my.dev.jsonl --output mine.pt
    nerve train --config recipes/en/en.toml --output models/en.pt --epochs 10
    torchrun --nproc-per-node 2 -m nerve.training.train --dataset wnut17 --batch-size 128 --output wnut17.pt

`python -m nerve.training.train` is the same program, of which `torchrun` starts several that train together. Each
epoch ends with a score on dev and a checkpoint beside the output. After an interruption the same command continues
from there and ends with the same weights. The archive holds the weights of the best epoch, and its file appears only
when it is complete.
"""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from tqdm import tqdm

from nerve import __version__, streams
from nerve.model.archive import Archive, ArchiveError
from nerve.model.files import WriteError
from nerve.model.metadata import Metadata
from nerve.model.tags import tags_of
from nerve.training import checks, outputs, provenance, train_options
from nerve.training.config import Config, ConfigError
from nerve.training.data import corpora
from nerve.training.data.batches import Example, batch_count, shares, shuffled
from nerve.training.data.corpora import Corpus
from nerve.training.data.datasets import DatasetError
from nerve.training.data.division import write_parts
from nerve.training.data.formats import FormatError
from nerve.training.export import export
from nerve.training.folds import cross_validate
from nerve.training.learn.checkpoint import Checkpoint, CheckpointError
from nerve.training.learn.distributed import ALONE, ProcessError, Processes, joined
from nerve.training.learn.initialisation import initial
from nerve.training.learn.schedule import MEASURED, WARM_UP, Schedule, hint, measured, planned
from nerve.training.learn.trainer import Epoch, Trainer
from nerve.training.learn.vectors import VectorError
from nerve.training.measure import scores

_REFUSALS = (
    ConfigError,
    VectorError,
    DatasetError,
    FormatError,
    CheckpointError,
    ProcessError,
    ArchiveError,
    FloatingPointError,
    WriteError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    given = train_options.parse(arguments)
    try:
        config = train_options.configuration(given)
        torch.set_num_threads(given.threads)
        device = _device(given.device)
        command = train_options.command(sys.argv[1:] if arguments is None else arguments)
        with joined(device) as processes:
            checks.refuse_for_several(config, given.folds, processes)
            restart = given.restart and not processes.attempt
            run = partial(
                train, data_dir=given.data_dir, device=device, command=command, restart=restart, processes=processes
            )
            if given.folds:
                for line in cross_validate(config, given.folds, given.output, run, restart=given.restart):
                    _say(line)
            else:
                run(config, given.output)
    except _REFUSALS as error:
        streams.complain(f"{train_options.PROGRAM}: {error}")
        return 1
    except OSError as error:
        streams.complain(f"{train_options.PROGRAM}: {streams.refusal(error)}")
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
    processes: Processes = ALONE,
) -> None:
    """Train as `config` says and write `output` (an archive), its card and its pictures into one folder.

    Args:
        config: What to train on and how.
        output: The archive to write.
        data_dir: A folder with the published files of datasets; without it they are downloaded.
        device: `cpu` or `cuda`.
        command: The command that repeats this training, for the card.
        restart: Ignore the checkpoint of an interrupted training, and replace the model of a finished one.
        processes: This one among those that train together.

    Raises:
        ConfigError, FormatError, DatasetError: The corpora cannot be used or make no sense, or the output cannot be
            written, or holds the model of a finished training and `restart` is not given.
        CheckpointError: An interrupted training with other settings left its checkpoint here.
        FloatingPointError: The training diverged.
        ProcessError: Another process has ended.
    """
    with processes.first_before_others():
        checks.refuse_output(output, replace=restart or processes.attempt > 0)
        noticed = list(checks.examined(config))
        sources = [corpora.load(corpus, config.labels, data_dir) for corpus in config.corpora]
        labels = config.labels or tuple(sorted({label for source in sources for label in source.labels}))
        checks.refuse_useless(sources, labels)
        for line in noticed:
            _say(line)
        _divide(config, output.with_suffix(""), replace=restart)
    if config.training.dev_too:
        sources = [source.with_dev_in_train() for source in sources]
    for source in sources:
        _say(f"{source.name}: {source.summary}")

    torch.manual_seed(config.training.seed)
    tags = tags_of(labels)
    learned = [
        corpora.training_sentences(
            source,
            own_tokens=config.training.own_tokens,
            recased_share=config.training.recased,
            seed=config.training.seed,
        )
        for source in sources
    ]
    tagger, vocabulary = initial(config, (one.tokens for sentences in learned for one in sentences), tags)
    config = replace(config, tagger=tagger.config)
    if config.training.mixed_precision:
        checks.refuse_mixed_precision(tagger, vocabulary, device)
    examples = [
        example
        for source, sentences in zip(sources, learned, strict=True)
        for example in corpora.examples(sentences, source.annotates, vocabulary, tags)
    ]
    steps = batch_count(examples, config.training.batch_size)
    schedule = planned(config.training, steps)
    trainer = Trainer(tagger, config.training, schedule.total_steps, device, processes)
    weights = sum(weight.numel() for weight in tagger.parameters())
    _say(f"{weights:,} weights, {len(examples):,} sentences, {processes.summary(device)}")

    metadata = provenance.described(_metadata(config, output, tags, sources, command), config, sources)
    _say(provenance.language_line(metadata, config))
    checkpoint = Checkpoint(output.with_suffix(".checkpoint"), config, vocabulary, sources, tagger)
    if restart:
        checkpoint.remove()
    archive = Archive(tagger, vocabulary, metadata, device)
    history, best, schedule = _learned(trainer, schedule, examples, sources, archive, checkpoint)

    if not processes.first:
        return
    tagger.load_state_dict(best)
    tagger.words.quantize()  # before scoring: the scores are those of what is served
    metadata = export(tagger.to("cpu").eval(), vocabulary, metadata, sources, history, output)
    checkpoint.remove()
    for name, value in metadata.scores.items():
        _say(f"{name}: micro F1 {value['f1']:.2f}, on raw text {value['raw_text_f1']:.2f}")
    for line in filter(None, (hint(history, schedule), *outputs.last_lines(output))):
        _say(line)


def _learned(
    trainer: Trainer,
    schedule: Schedule,
    examples: list[Example],
    sources: Sequence[Corpus],
    archive: Archive,
    checkpoint: Checkpoint,
) -> tuple[list[Epoch], dict[str, Tensor], Schedule]:
    """Train to the end of the schedule, or from the checkpoint on, with a checkpoint after each epoch.

    Returns:
        The learning curve, the weights to export, and the schedule as it was at the end.
    """
    history, best = checkpoint.restore(trainer)
    schedule = _in_time(schedule, trainer, history, examples, lambda: _dev_f1(trainer, sources, archive))
    while len(history) < schedule.epochs:
        if not trainer.config.dev_too and _has_stopped_rising(history, trainer.config.patience):
            _say(f"dev F1 has not risen for {trainer.config.patience} epochs: stopping")
            break
        trainer.total_steps = schedule.total_steps
        epoch = run_epoch(trainer, examples, schedule.passes, len(history), sources, archive)
        if trainer.config.dev_too or epoch.dev_f1 > max((past.dev_f1 for past in history), default=-1.0):
            with trainer.averaged() as averaged:
                best = {name: weight.detach().cpu().clone() for name, weight in averaged.state_dict().items()}
        history.append(epoch)
        checkpoint.save(trainer, history, best)
        schedule = schedule.corrected(history)
    return history, best, schedule


def run_epoch(
    trainer: Trainer,
    examples: Sequence[Example],
    passes: int,
    number: int,
    sources: Sequence[Corpus],
    archive: Archive,
) -> Epoch:
    """Pass over the training sentences, each time in another order, then score on dev, in the first process.

    Args:
        trainer: The trainer; it is left after the epoch's last step.
        examples: The training sentences.
        passes: How often each is seen in the epoch.
        number: Of the epoch, from 0; the order of the sentences depends on it and on the seed.
        sources: The corpora to score; those without dev are left out.
        archive: The trainer's tagger as an archive, to tag with.
    """
    losses, tokens, begun = [], 0, time.perf_counter()
    epochs = trainer.total_steps // (passes * batch_count(examples, trainer.config.batch_size))
    size, first_seed = trainer.config.batch_size, trainer.config.seed * 100_003 + number * passes
    processes = trainer.processes
    processes.seed(trainer.config.seed, number)
    batches = chain.from_iterable(
        shares(examples, size, first_seed + n, processes.rank, processes.count) for n in range(passes)
    )
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
            tokens += int(batch.inputs.lengths.sum()) if batch is not None else 0
            bar.set_postfix_str(f"loss {fmean(losses[-50:]):.3f}", refresh=False)
    speed = processes.total(tokens) / (time.perf_counter() - begun)
    f1 = processes.total(_dev_f1(trainer, sources, archive) if processes.first else 0.0)
    figures = f"loss {fmean(losses):.4f}  dev F1 {f1:.2f}  {speed:,.0f} tokens/s"
    _say(f"epoch {number + 1}/{epochs}  {figures}")
    return Epoch(fmean(losses), f1, speed, time.perf_counter() - begun)


def _dev_f1(trainer: Trainer, sources: Sequence[Corpus], archive: Archive) -> float:
    """Micro F1 in percent of the averaged weights, the mean over the corpora that have dev."""
    with trainer.averaged():
        dev = [scores.scored_split(archive, source, "dev") for source in sources if "dev" in source.splits]
    return fmean(scores.score(sentences).f1 for sentences in dev) if dev else 0.0


def _in_time(
    schedule: Schedule, trainer: Trainer, history: list[Epoch], examples: list[Example], score: Callable[[], object]
) -> Schedule:
    """The schedule that fits into its time; that of a training that is resumed has the passes that it began with."""
    if not schedule.seconds:
        return schedule
    if history:
        passes = trainer.step_count // (len(history) * schedule.steps)
        return replace(schedule, passes=passes).corrected(history)
    batches = islice(shuffled(examples, trainer.config.batch_size, trainer.config.seed), WARM_UP + MEASURED)
    fitted = schedule.fitted(measured(trainer, batches, score))
    steps = fitted.passes * fitted.steps
    _say(f"in {trainer.config.time} this machine can do {fitted.epochs} epochs of {steps:,} steps")
    return fitted


def _metadata(config: Config, output: Path, tags: Sequence[str], sources: Sequence[Corpus], command: str) -> Metadata:
    """What the archive will say about itself, as far as it is known before the training."""
    return Metadata(
        name=config.name or output.stem,
        description=config.description,
        language=config.language or provenance.UNDETERMINED,
        licence=config.licence or "; ".join(dict.fromkeys(source.licence for source in sources)),
        tags=tuple(tags),
        config=config.tagger,
        datasets=[source.to_json() for source in sources],
        scores={},
        settings={**config.to_json(), "command": command},
        code_version=__version__,
    )


def _divide(config: Config, stem: Path, *, replace: bool) -> None:
    """Write the parts of a corpus that is divided beside the output. Raises ConfigError and FormatError."""
    for corpus in config.corpora:
        if corpus.divided:
            division, paths = write_parts(corpus, stem, replace=replace)
            _say(f"{corpus.name}: {division.summary}")
            _say(f"written as {', '.join(map(str, paths))}")


def _has_stopped_rising(history: Sequence[Epoch], patience: int) -> bool:
    f1 = [epoch.dev_f1 for epoch in history]
    return len(f1) > patience and max(f1[-patience:]) <= max(f1[:-patience])


def _device(name: str) -> str:
    """The device that `auto`, `cpu` or `cuda` stands for on this machine."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: this machine has no GPU that torch can use")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def _say(line: str) -> None:
    """Print a line on stderr, above a progress bar if there is one. A training goes on without a reader."""
    with suppress(OSError):
        tqdm.write(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(streams.run(train_options.PROGRAM, main))
