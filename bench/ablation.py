"""What each part of the English model's recipe brings: trainings that leave one out, scored on dev sets.

    python -m bench.ablation ablation.work             # trains what is missing, then prints the table
    python -m bench.ablation ablation.work --page      # prints it from the results that are there

Each training is recipes/en/en.toml with two epochs, and without one thing. It needs en.work, which
`python -m recipes.build en` makes. results/ablation.json has the F1 on each dev set.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from nerve.model.archive import Archive, load
from nerve.training import config
from nerve.training.config import ConfigError, CorpusConfig
from nerve.training.data.datasets import DatasetError
from nerve.training.evaluate import to_score
from nerve.training.measure.scores import score, scored_split
from nerve.training.train import train

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "ablation.json"
RECIPE = HERE.parent / "recipes" / "en" / "en.toml"
EPOCHS = 2
SILVER, TEMPLATES = "en.work/silver.txt", "en.work/templates.jsonl"

Table = dict[str, Any]
"""A configuration as TOML has it."""

UNSEEN = CorpusConfig("conll2003", annotates=("PER", "ORG", "LOC"), map={"MISC": "?"})
"""News of which no training sees a sentence."""

COLUMNS = {
    "news": ("gmb",),
    "Wikipedia": ("docred", "crossner/science", "crossner/music", "crossner/literature", "crossner/ai"),
    "web": ("uner_en_ewt",),
    "tweets": ("broad_twitter", "wnut17"),
    "unseen news": ("conll2003",),
}
"""The dev sets of each column, of which it has the mean."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing and print the table; return the exit status."""
    options = parse(arguments)
    torch.set_num_threads(1)
    results: dict[str, dict[str, float]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    try:
        for number, (name, settings) in enumerate(variants(recipe).items()):
            if options.page or name in results:
                continue
            print(f"== {name}", file=sys.stderr, flush=True)
            output = options.work / f"{number}.pt"
            train(config.from_json(settings, str(RECIPE)), output, options.data_dir, "cpu", restart=output.exists())
            results[name] = dict(scores(load(output), recipe["corpora"], options.data_dir))
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    except (ConfigError, DatasetError, OSError) as error:
        print(f"bench.ablation: {error}", file=sys.stderr)
        return 1
    print("\n".join(table(results)))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.ablation", description="Leave out each part of the English recipe."
    )
    parser.add_argument("work", type=Path, metavar="DIR", help="where the archives go")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    parser.add_argument("--page", action="store_true", help="train nothing")
    return parser.parse_args(arguments)


def variants(recipe: Table) -> dict[str, Table]:
    """The configuration of each row of the table."""
    corpora = recipe["corpora"]
    whole = {**recipe, "training": {**recipe["training"], "epochs": EPOCHS}}
    return {
        "everything": whole,
        "without docred": {**whole, "corpora": [one for one in corpora if one.get("dataset") != "docred"]},
        "without silver text": {**whole, "corpora": [one for one in corpora if one.get("train") != SILVER]},
        "without the sentences of templates": {
            **whole,
            "corpora": [one for one in corpora if one.get("train") != TEMPLATES],
        },
        "without other cases (`recased`)": {**whole, "training": {**whole["training"], "recased": 0.0}},
    }


def scores(
    archive: Archive, corpora: Sequence[Mapping[str, Any]], data_dir: Path | None
) -> Iterator[tuple[str, float]]:
    """F1 on the dev split of each dataset of the recipe, read as the recipe says, and on the unseen one."""
    read = [CorpusConfig(**one) for one in corpora if "dataset" in one]
    for corpus in (*read, UNSEEN):
        yield corpus.name, score(scored_split(archive, to_score(archive, corpus, "dev", (), data_dir), "dev")).f1


def table(results: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The rows: F1 of the whole recipe, and how much less each other training has."""
    yield f"| | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * len(COLUMNS)}"
    whole = results["everything"]
    for name, found in results.items():
        means = [(fmean(found[one] for one in sets), fmean(whole[one] for one in sets)) for sets in COLUMNS.values()]
        cells = [f"{own:.1f}" if found is whole else f"{own - of_whole:+.1f}" for own, of_whole in means]
        yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
