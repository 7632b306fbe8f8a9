"""How much F1 a token costs: taggers that were all trained on CoNLL-2003, and pipelines as they are shipped.

    python -m bench.accuracy --work accuracy.work --keep --only conll2003-64 --only conll2003-glove
    pip install -e '.[bench]'
    taskset -c 0 python -m bench.frontier accuracy.work

nerve's taggers of conll2003 are the archives that `bench.accuracy --keep` leaves, their F1 the mean of all seeds;
python-crfsuite and spaCy's CNN are trained here on the same train split. The shipped ones are nerve's bundled model
and spaCy's pipelines, with their mean F1 on sets that none of them has seen (results/bundled.json). Speed is that of
one thread in batches of 32, all in turns. Prints the table of docs/performance.md, draws the picture beside it and
writes results/frontier.json.
"""

import argparse
import json
import random
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from matplotlib.figure import Figure

from bench import tables
from bench.accuracy import results_of
from bench.options import tagging_parser
from bench.timing import seconds
from nerve.training.data import datasets
from nerve.training.data.detokenize import to_document

RESULTS = tables.RESULTS / "frontier.json"
PICTURE = Path(__file__).parent.parent / "docs" / "frontier.png"
RUNS = {
    "conll2003-64": "nerve, 64 units",
    "conll2003-glove": "nerve, 200 units",
}
"""The runs of accuracy.toml, and what the picture calls them."""
PUBLISHED = {"Flair (Akbik et al. 2018)": 93.1, "Stanza (Qi et al. 2020)": 92.1}
"""F1 on conll2003 test of taggers with language models, whose weights were not to be had here to be timed."""
TICKS = [10_000, 20_000, 50_000, 100_000, 200_000, 500_000]
TRAINED, SHIPPED = "trained on conll2003", "as shipped"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what has to be trained, let all take turns, and draw."""
    # They need the packages of the extra `bench`; the picture does not.
    from bench import pipelines
    from bench.peers import Tagger, crfsuite, nerve, spacy_cnn, spacy_pipeline

    options = parse(arguments)
    torch.set_num_threads(1)
    random.seed(1)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    train, test = (datasets.load("conll2003", split, options.data_dir) for split in ("train", "test"))
    timed = sorted(test[: options.sentences], key=lambda sentence: -len(sentence.tokens))
    texts = [to_document([(sentence.tokens, ())])[0] for sentence in timed]

    trained: dict[str, Tagger] = {}
    for run, name in RUNS.items():
        path = options.work / f"{run}.1.pt"
        if path.exists():
            trained[name] = nerve(path, texts)._replace(f1=fmean(results_of(run, "conll2003 test")))
        else:
            print(f"{name} is left out: there is no {path}", file=sys.stderr)
    trained["python-crfsuite"] = crfsuite(train, test, options.iterations, timed)
    trained["spaCy CNN"] = spacy_cnn(train, test, texts, options.epochs)
    unseen = tables.unseen(tables.read(tables.BUNDLED))
    shipped = {"nerve": nerve(options.model, texts)._replace(f1=unseen["nerve"])}
    for name, nlp in pipelines.installed().items():
        shipped[name] = spacy_pipeline(nlp, texts, unseen[name])

    taggers = {(TRAINED, name): one for name, one in trained.items()}
    taggers |= {(SHIPPED, name): one for name, one in shipped.items()}
    tokens = sum(len(sentence.tokens) for sentence in timed)
    taken = seconds({key: tagger.batched for key, tagger in taggers.items()}, options.rounds)
    rows = [
        {"kind": kind, "tagger": name, "F1": tagger.f1, tables.BATCHED: tokens / taken[kind, name]}
        for (kind, name), tagger in taggers.items()
    ]
    report(rows)
    if not options.no_results:
        RESULTS.write_text(json.dumps({"rounds": options.rounds, "rows": rows}, indent=1) + "\n", encoding="utf-8")
        picture(rows).savefig(PICTURE, dpi=110)
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = tagging_parser("bench.frontier", "F1 against speed, of nerve and other taggers.", rounds=5)
    parser.add_argument("work", type=Path, metavar="DIR", help="where bench.accuracy has kept its archives")
    parser.add_argument("--iterations", type=int, default=100, help="of python-crfsuite's training")
    parser.add_argument("--epochs", type=int, default=10, help="of spaCy's training")
    return parser.parse_args(arguments)


def report(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the table of docs/performance.md."""
    print("| | tagger | F1 | tokens/s |", "|---|---|---:|---:|", sep="\n")
    for row in rows:
        print(f"| {row['kind']} | {row['tagger']} | {row['F1']:.1f} | {row[tables.BATCHED]:,.0f} |")


def picture(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """F1 over tokens a second: on the left what was trained on conll2003, on the right what is shipped."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    titles = {TRAINED: "trained on CoNLL-2003: F1 on its test set", SHIPPED: "as shipped: mean F1 on unseen sets"}
    for side, (kind, title) in zip(axes, titles.items(), strict=True):
        of_kind = [row for row in rows if row["kind"] == kind]
        for row in of_kind:
            colour = "#2364aa" if row["tagger"].startswith("nerve") else "#8a8f98"
            side.plot(row[tables.BATCHED], row["F1"], "o", color=colour)
            side.annotate(
                row["tagger"], (row[tables.BATCHED], row["F1"]), (5, 5), textcoords="offset points", fontsize=8
            )
        side.set(title=title, xlabel="tokens a second, one thread", ylabel="F1", xscale="log")
        side.set_xlim(
            0.5 * min(row[tables.BATCHED] for row in of_kind), 3 * max(row[tables.BATCHED] for row in of_kind)
        )
        side.set_xticks(TICKS, [f"{tick // 1000:,} k" for tick in TICKS])
        side.minorticks_off()
        side.grid(visible=True, which="both", alpha=0.2)
    for name, f1 in PUBLISHED.items():
        axes[0].axhline(f1, color="#8a8f98", linestyle="--", linewidth=0.8)
        axes[0].text(axes[0].get_xlim()[0] * 1.05, f1 + 0.1, f"{name}, speed not measured", fontsize=7)
    return figure


if __name__ == "__main__":
    sys.exit(main())
