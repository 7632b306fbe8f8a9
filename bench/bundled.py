"""The bundled models on public test sets, and spaCy's trained pipelines on the same texts with the same scorer.

    pip install -e '.[bench]'
    python -m bench.bundled
    python -m bench.accuracy --page

bundled.toml lists the sets, comparison.py says what is compared, and pipelines.py where the pipelines come from.
Writes results/bundled.json and prints the section of docs/accuracy.md, into which `bench.accuracy` puts it.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from bench import pipelines, tables
from bench.comparison import Text, as_texts, scored
from nerve import __version__
from nerve.model.annotation import Span
from nerve.model.archive import load
from nerve.model.recognizer import Recognizer
from nerve.training.config import CorpusConfig
from nerve.training.data import corpora
from nerve.training.data.datasets import DatasetError

HERE = Path(__file__).parent
PLAN, MODELS = HERE / "bundled.toml", HERE.parent / "models"
LABELS = ("PER", "ORG", "LOC")


class Tagger(NamedTuple):
    """Something that finds names in texts, and what the results say of it."""

    about: dict[str, Any]
    read: Callable[[Sequence[str]], list[list[Span]]]


class TestSet(NamedTuple):
    """One table of the plan: a split of a corpus, and how its labels become ours."""

    dataset: str
    split: str
    about: str
    language: str = "en"
    labels: tuple[str, ...] = LABELS
    cut_titles: bool = False
    map: Mapping[str, str] = {}
    no_names: Sequence[str] = ()
    unknown_after: Sequence[str] = ()
    guideline: Literal["", "en"] = ""

    def texts(self, data_dir: Path | None) -> list[Text]:
        """The sentences of the split as raw texts with their gold names.

        Raises:
            DatasetError, OSError: the corpus cannot be had.
        """
        config = CorpusConfig(
            self.dataset,
            map=dict(self.map),
            no_names=tuple(self.no_names),
            unknown_after=tuple(self.unknown_after),
            guideline=self.guideline,
        )
        return as_texts(corpora.load(config, (), data_dir, splits=(self.split,)).splits[self.split])

    def seen_by(self, tagger: Tagger) -> str:
        """What of the corpus a tagger's training has seen."""
        if self.dataset not in tagger.about["trained_on"]:
            return "nothing"
        return "train; this split chose the epoch" if self.split == "dev" else "train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Score every set of the plan with every tagger of its language."""
    options = parse(arguments)
    torch.set_num_threads(1)
    taggers = {"en": {"nerve": nerve("en")}, "zh": {"nerve": nerve("zh")}}
    taggers["en"] |= {name: spacy(nlp) for name, nlp in pipelines.installed().items()}
    rows: list[dict[str, Any]] = []
    for test_set in plan():
        try:
            gold = test_set.texts(options.data_dir)
        except (DatasetError, OSError) as error:
            print(f"bench.bundled: {test_set.dataset} is left out: {error}", file=sys.stderr)
            continue
        rows += [measured(test_set, gold, name, tagger) for name, tagger in taggers[test_set.language].items()]
    about = {language: {name: tagger.about for name, tagger in own.items()} for language, own in taggers.items()}
    results = {"versions": versions(), "taggers": about, "rows": rows}
    print("\n".join(tables.beside(results)))
    if not options.no_results:
        tables.BUNDLED.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bundled", description="Score the bundled models and spaCy."
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    parser.add_argument("--no-results", action="store_true", help="only print")
    return parser.parse_args(arguments)


def plan() -> list[TestSet]:
    """The sets of bundled.toml."""
    return [TestSet(**table) for table in tomllib.loads(PLAN.read_text(encoding="utf-8"))["sets"]]


def nerve(name: str) -> Tagger:
    """A bundled model."""
    path = MODELS / f"{name}.pt"
    archive = load(path)
    recognizer = Recognizer(archive)

    def read(texts: Sequence[str]) -> list[list[Span]]:
        return [
            [Span(entity.start, entity.end, entity.label) for entity in entities]
            for entities in recognizer.recognize(texts)
        ]

    about = {
        "package": f"models/{name}.pt",
        "trained_on": [corpus["dataset"] for corpus in archive.metadata.settings["corpora"]],
        "megabytes": pipelines.megabytes(path),
    }
    return Tagger(about, read)


def spacy(nlp: Any) -> Tagger:
    """One of spaCy's pipelines."""
    return Tagger(pipelines.described(nlp), lambda texts: list(pipelines.names(nlp, texts)))


def measured(test_set: TestSet, gold: Sequence[Text], name: str, tagger: Tagger) -> dict[str, Any]:
    """What one tagger reaches on one set, in percent: a row of the results.

    `exact_f1` is the figure without any trimming of spans.
    """
    predicted = tagger.read([text.text for text in gold])
    scores = scored(gold, predicted, test_set.labels, cut_titles=test_set.cut_titles)
    exact = scored(gold, predicted, test_set.labels, trim=False)
    return {
        "language": test_set.language,
        "dataset": test_set.dataset,
        "split": test_set.split,
        "about": test_set.about,
        "labels": list(test_set.labels),
        "cut_titles": test_set.cut_titles,
        "names": scores.support,
        "tagger": name,
        "seen": test_set.seen_by(tagger),
        "precision": scores.precision,
        "recall": scores.recall,
        "f1": scores.f1,
        "exact_f1": exact.f1,
    }


def versions() -> dict[str, str]:
    """Of nerve and of the packages that decide the figures, where they are installed."""
    found = {"nerve": __version__}
    for package in ("torch", "seqeval", "spacy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
