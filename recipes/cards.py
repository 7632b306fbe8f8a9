"""Measure the bundled models again and compare every figure with what their archives and cards state.

    python -m recipes.cards
    python -m recipes.cards --data-dir DIR

The corpora are downloaded, or read from DIR/NAME/FILE. Those that a recipe reads from files of its own are looked for
where the recipe says, below the current folder. Figures of a corpus that cannot be read are listed as not measured.
The exit status is 1 if a figure differs by more than rounding, or if nothing could be measured.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nerve.model import bundled
from nerve.model.archive import Archive, ArchiveError, load
from nerve.training.config import ConfigError
from nerve.training.data import corpora
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError
from nerve.training.evaluate import trained_corpora
from nerve.training.measure import card, report
from nerve.training.measure.scores import scored_split

DIGITS = 2
"""Decimals of a percentage in an archive; shares of 1, such as the calibration error, have two more."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not as stated. `figure` is its path, such as `labels.PER.f1`."""

    figure: str
    stated: float
    measured: float


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    measured = differences = 0
    print(
        "| model | corpus and split | F1, stated | measured | on raw text, stated | measured | figures that differ |"
    )
    print("|---|---|---:|---:|---:|---:|---|")
    for path in options.models or bundled.available().values():
        try:
            archive = load(path)
            differences += _report_absent_rows(archive, path.with_suffix(".md"))
            for name, stated, found in measure(archive, options.data_dir):
                differing = list(compare(stated, found))
                print(_row(archive.name, name, stated, found, differing), flush=True)
                measured, differences = measured + 1, differences + len(differing)
        except (ArchiveError, ConfigError, OSError) as error:
            print(f"recipes.cards: {error}", file=sys.stderr)
            return 1
    print(f"{measured} splits measured, {differences} differences", file=sys.stderr)
    return int(differences > 0 or not measured)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.cards", description="Measure every figure of the model cards again."
    )
    parser.add_argument(
        "models",
        type=Path,
        nargs="*",
        metavar="ARCHIVE",
        help="with its card beside it (default: the bundled models)",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE; download nothing"
    )
    return parser.parse_args(arguments)


def measure(archive: Archive, data_dir: Path | None) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """For each scored split its name, the figures that the archive states, and the same figures measured now.

    A corpus that cannot be read is named on stderr and passed over.

    Raises:
        ConfigError: The archive's settings cannot be read.
    """
    stated = archive.metadata.scores
    for config in trained_corpora(archive):
        splits = [split for split in ("dev", "test") if f"{config.name} {split}" in stated]
        try:
            corpus = corpora.load(config, archive.labels, data_dir, splits=splits)
        except (DatasetError, FormatError) as error:
            print(f"{archive.name}: {config.name} {', '.join(splits)}: not measured: {error}", file=sys.stderr)
            continue
        for split in splits:
            found = report.figures(archive, corpus, split, scored_split(archive, corpus, split))
            yield f"{config.name} {split}", stated[f"{config.name} {split}"], found


def compare(stated: Mapping[str, Any], measured: Mapping[str, Any]) -> Iterator[Difference]:
    """The figures that differ by more than one in the last digit that is stored."""
    flat, ours = dict(_flatten(stated)), dict(_flatten(measured))
    for figure in flat.keys() | ours.keys():
        one, other = flat.get(figure, float("nan")), ours.get(figure, float("nan"))
        digits = DIGITS + 2 if "calibration.error" in figure or "bins" in figure else DIGITS
        if not abs(one - other) < 1.5 * 10**-digits:  # also where one of the two is absent
            yield Difference(figure, one, other)


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flatten(inner, f"{path}.{number}")
    else:
        yield path, float(value)


def _report_absent_rows(archive: Archive, path: Path) -> int:
    """How many rows with the archive's figures its card lacks; each is named on stderr."""
    lines = path.read_text(encoding="utf-8").splitlines()
    absent = [row for row in card.rows(archive.metadata.scores) if row not in lines]
    for row in absent:
        print(f"{path} lacks {row}", file=sys.stderr)
    return len(absent)


def _row(
    model: str,
    name: str,
    stated: Mapping[str, Any],
    measured: Mapping[str, Any],
    differences: Sequence[Difference],
) -> str:
    f1 = f"{stated['f1']:.2f} | {measured['f1']:.2f}"
    raw = f"{stated['raw_text_f1']:.2f} | {measured['raw_text_f1']:.2f}"
    differing = ", ".join(f"{one.figure}: {one.stated:g}, measured {one.measured:g}" for one in differences)
    return f"| {model} | {name} | {f1} | {raw} | {differing or 'none'} |"


if __name__ == "__main__":
    sys.exit(main())
