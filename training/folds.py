"""Cross-validation: a training for each fold of a file, and the mean and spread of what they score on their tests.

After an interruption the same command goes on: `mine.folds/scores.json` keeps the scores of folds that are done, and
a training that was interrupted has its checkpoint.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from nerve import __version__
from nerve.model import bundled
from nerve.model.archive import load
from nerve.model.files import write_whole
from nerve.training import config as configuration
from nerve.training.config import Config, ConfigError
from nerve.training.data.formats import load as load_file

Scores = dict[str, float]
"""The F1 of each label, and the micro F1 under `MICRO`, in percent."""

MICRO = "micro"


def cross_validate(
    config: Config, count: int, output: Path, train: Callable[[Config, Path], None], *, restart: bool
) -> Iterator[str]:
    """Train and test on each fold, and say line by line what comes of it.

    Args:
        config: The training; each of its corpora is a train file that the folds are made of.
        count: How many folds.
        output: Names the folder of the folds: for `mine.pt` it is `mine.folds`, with `1.pt`, `1.test.jsonl`, ….
        train: Trains as a configuration says and writes an archive.
        restart: Begin again with the first fold.

    Raises:
        ConfigError: A corpus cannot be divided, or a cross-validation of something else was interrupted here.
        Exception: What `train` raises.
    """
    folder = output.with_suffix(".folds")
    folds = [configuration.fold(config, number, count) for number in range(1, count + 1)]
    results = _Results(folder / "scores.json", _digest(config, count))
    done = [] if restart else results.read()
    for number, fold in enumerate(folds, start=1):
        if number > len(done):
            yield f"fold {number}/{count}"
            archive = folder / f"{number}.pt"
            archive.unlink(missing_ok=True)
            train(fold, archive)
            done.append(_scores(archive))
            results.write(done)
        yield f"fold {number}/{count}: micro F1 {done[number - 1][MICRO]:.2f} on test"
    yield from summary(done)
    yield f"the models of the folds, and what each was tested on, are in {folder}"


def summary(folds: Sequence[Scores]) -> Iterator[str]:
    """The mean F1 of each label and of all over the folds, with the standard deviation between folds."""
    labels = sorted({label for fold in folds for label in fold} - {MICRO})
    width = max(map(len, ("label", MICRO, *labels)))
    yield f"{'label':<{width}}  mean F1  spread  lowest  highest"
    for label in (*labels, MICRO):
        found = [fold[label] for fold in folds if label in fold]
        spread = f"{stdev(found):.2f}" if len(found) > 1 else "-"
        yield f"{label:<{width}}  {fmean(found):>7.2f}  {spread:>6}  {min(found):>6.2f}  {max(found):>7.2f}"


class _Results:
    """The scores of the folds that are done, in a file."""

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key

    def read(self) -> list[Scores]:
        """Read the scores, in the order of the folds. Raises ConfigError."""
        if not self._path.exists():
            return []
        try:
            stored = json.loads(self._path.read_bytes())
            key, folds = stored["key"], stored["folds"]
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{self._path}: damaged; start over with --restart") from None
        if key != self._key:
            raise ConfigError(
                f"{self._path}: a cross-validation with other settings, data or code;"
                " repeat its command to finish it, or start over with --restart"
            )
        return list(folds)

    def write(self, folds: Sequence[Scores]) -> None:
        write_whole(self._path, (json.dumps({"key": self._key, "folds": folds}, indent=1) + "\n").encode())


def _scores(archive: Path) -> Scores:
    """What the archive scores on test; the mean over several corpora."""
    tests = [row for name, row in load(archive).metadata.scores.items() if name.endswith(" test")]
    labels = {label for row in tests for label in row["labels"]}
    means = {label: fmean(row["labels"][label]["f1"] for row in tests if label in row["labels"]) for label in labels}
    return {**means, MICRO: fmean(row["f1"] for row in tests)}


def _digest(config: Config, count: int) -> str:
    """A hash of all that decides the results."""
    settings: list[Any] = [__version__, config.to_json(), count]
    digest = hashlib.sha256(json.dumps(settings).encode())
    for corpus in config.corpora:
        documents = load_file(Path(corpus.train), corpus.reading).documents
        digest.update(repr(documents).encode("utf-8", "surrogatepass"))
    given = config.training
    for file in (bundled.resolve(given.init), *map(Path, (given.vectors, given.pair_vectors, given.lexicon))):
        if file.name:
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
