"""From trained weights to files: scores, the archive, its card and its pictures.

The archive is written, loaded again and compared on all of dev with the tagger it was made from before it takes its
name, so a file of that name always tags as its card says.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nerve.model.archive import Archive, ArchiveError, load, save
from nerve.model.metadata import Example, Metadata
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import Vocabulary
from nerve.training.data.corpora import Corpus
from nerve.training.learn.trainer import Epoch
from nerve.training.measure import calibration, report, scores

EXAMPLES = 4
"""Dev sentences that an archive carries for its self-check."""

_WARM_UP = 200
"""Sentences tagged before the speed is measured."""


def export(
    tagger: Tagger,
    vocabulary: Vocabulary,
    metadata: Metadata,
    sources: Sequence[Corpus],
    history: Sequence[Epoch],
    output: Path,
) -> Metadata:
    """Score the tagger, then write the archive `output`, its card and its pictures.

    Args:
        tagger: With the weights to export, on the CPU, in evaluation mode; its scores are scaled by temperature.
        vocabulary: Its vocabulary.
        metadata: What the archive will say, as far as it is known before scoring.
        sources: The corpora; they are scored on dev and test.
        history: The learning curve.
        output: The archive.

    Returns:
        The metadata in the archive, with scores, temperature and examples.

    Raises:
        ArchiveError: The exported tagger tags otherwise than `tagger`.
    """
    trained = Archive(tagger, vocabulary, metadata, "cpu")
    dev_too = metadata.settings["training"]["dev_too"]
    temperature = calibration.fit_temperature(tagger, trained, sources)
    splits = {f"{source.name} {split}": (source, split) for source in sources for split in source.scored}
    scored = {name: scores.scored_split(trained, *split) for name, split in splits.items()}
    dev = [sentence.tokens for source in sources for sentence in source.splits.get("dev", ())]
    tags = trained.tags(dev)
    metadata = replace(
        metadata,
        scores={name: report.figures(trained, *split, scored[name]) for name, split in splits.items()},
        settings={**metadata.settings, "temperature": temperature, "epoch": exported_epoch(history, last=dev_too)},
        examples=_examples(dev, tags, metadata.settings["training"]["seed"]),
    )

    def check(exported: Archive) -> None:
        if exported.tags(dev) != tags:
            raise ArchiveError(f"{output}: the exported tagger does not tag dev as the trained one does")
        exported.self_check()

    save(output, tagger, vocabulary, metadata, check)
    report.write(output, metadata, scored, history, _words_per_second(load(output), dev))
    return metadata


def exported_epoch(history: Sequence[Epoch], *, last: bool) -> int:
    """The number of the epoch whose weights are exported, from 1: the first of the best, or the last."""
    f1 = [epoch.dev_f1 for epoch in history]
    return len(f1) if last else 1 + f1.index(max(f1))


def _words_per_second(archive: Archive, sentences: Sequence[tuple[str, ...]]) -> float:
    archive.tags(sentences[:_WARM_UP])
    begun = time.perf_counter()
    archive.tags(sentences)
    return sum(map(len, sentences)) / (time.perf_counter() - begun)


def _examples(
    sentences: Sequence[tuple[str, ...]], tags: Sequence[tuple[str, ...]], seed: int
) -> tuple[Example, ...]:
    """A few short sentences with at least one name, for the self-check."""
    named = [n for n, tagged in enumerate(tags) if any(tag != "O" for tag in tagged) and len(tagged) <= 40]
    chosen = random.Random(seed).sample(named, min(EXAMPLES, len(named)))
    return tuple(Example(sentences[n], tags[n]) for n in chosen)
