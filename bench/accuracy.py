"""The tables of docs/accuracy.md: what is missing among the results is trained, then the page is written from them.

    python -m bench.accuracy --work accuracy.work           # train what is missing, hours of it, then write the page
    python -m bench.accuracy --page                         # write the page from the results that are there

accuracy.toml says which taggers, of which seeds. Each leaves one file in results/accuracy/; stopped and started anew,
the command goes on from the last epoch. With `--jobs N` as many run side by side, each with a log of its own.
What trainings begin with (vectors, files of sentences) lies in the folder `--work`; docs/accuracy.md says how it is
made.
"""

import argparse
import contextlib
import json
import multiprocessing
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from matplotlib.figure import Figure

from bench import multi, tables
from nerve import __version__
from nerve.model.archive import Archive, load
from nerve.model.recognizer import Recognizer
from nerve.training import config
from nerve.training.evaluate import to_score, trained_corpora
from nerve.training.measure.documents import lengths, scored_documents
from nerve.training.measure.scores import score
from nerve.training.train import train

HERE = Path(__file__).parent
PLAN, RESULTS, PAGE = HERE / "accuracy.toml", HERE / "results" / "accuracy", HERE.parent / "docs" / "accuracy.md"
BEGIN = "<!-- from here on written by `python -m bench.accuracy --page` -->"


@dataclass(frozen=True)
class Run:
    """A tagger to train: which corpora, which settings beside the defaults, which seeds."""

    name: str
    corpora: list[dict[str, Any]]
    training: dict[str, Any]
    tagger: dict[str, Any]
    seeds: list[int]
    context: bool = False
    """Whether the first corpus's documents are also scored as whole texts, whose sentences share evidence."""

    @property
    def settings(self) -> dict[str, Any]:
        """Return what decides the result besides the seed."""
        return {"corpora": self.corpora, "training": self.training, "tagger": self.tagger}

    def config(self, seed: int, work: Path) -> config.Config:
        """The training's configuration, with the folder of its files in place."""
        overrides = {"": {"name": self.name}, "training": {**self.training, "seed": seed}, "tagger": self.tagger}
        placed = json.loads(json.dumps([overrides, self.corpora]).replace("{work}", str(work)))
        return config.read(None, *placed)

    def result(self, seed: int) -> Path:
        """Return the file of the result of one seed."""
        return RESULTS / f"{self.name}.{seed}.json"

    def results(self) -> list[dict[str, Any]]:
        """Those that are there, with these settings."""
        found = [json.loads(path.read_text()) for seed in self.seeds if (path := self.result(seed)).exists()]
        return [one for one in found if one["settings"] == self.settings]

    def missing(self) -> list[int]:
        """Return the seeds that have no result yet."""
        done = {one["seed"] for one in self.results()}
        return [seed for seed in self.seeds if seed not in done]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, then write the page; return the exit status."""
    options = parse(arguments)
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    runs = {run.name: run for run in _runs(plan["runs"])}
    for name in options.only:
        if name not in runs:
            print(f"bench.accuracy: no run {name}; there are {', '.join(runs)}", file=sys.stderr)
            return 2
    if not options.page:
        chosen = [runs[name] for name in options.only or runs]
        seeds = sorted({seed for run in chosen for seed in run.seeds})  # a first figure for all comes first
        _train_all([(run, seed) for seed in seeds for run in chosen if seed in run.missing()], options)
    prose = PAGE.read_text(encoding="utf-8").split(BEGIN)[0]
    PAGE.write_text(prose + BEGIN + "\n\n" + "\n".join(_page(plan, runs)) + "\n", encoding="utf-8")
    return 0


def results_of(name: str, scored: str) -> list[float]:
    """F1 of each seed of a run on a corpus's split.

    Raises:
        KeyError: The plan has no such run.
    """
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    return _scores({run.name: run for run in _runs(plan["runs"])}[name], scored)


def _train_all(missing: Sequence[tuple[Run, int]], options: argparse.Namespace) -> None:
    if options.jobs == 1:
        for run, seed in missing:
            print(f"== {run.name}, seed {seed}", file=sys.stderr, flush=True)
            _train(run, seed, options)
        return
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        trained = {pool.submit(_train_apart, run, seed, options): (run, seed) for run, seed in missing}
        for done, future in enumerate(as_completed(trained), start=1):
            run, seed = trained[future]
            future.result()
            print(f"{done} of {len(missing)}: {run.name}, seed {seed}", file=sys.stderr, flush=True)


def _train_apart(run: Run, seed: int, options: argparse.Namespace) -> None:
    """One of several trainings side by side: what it has to say goes into a file of its own."""
    log = options.work / f"{run.name}.{seed}.log"
    with log.open("w", encoding="utf-8", buffering=1) as file, contextlib.redirect_stderr(file):
        _train(run, seed, options)


def _train(run: Run, seed: int, options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    work = options.work
    output = work / f"{run.name}.{seed}.pt"
    output.unlink(missing_ok=True)  # of a run whose result is not wanted any more; a checkpoint stays
    begun = time.perf_counter()
    train(run.config(seed, work), output, options.data_dir, options.device)
    archive = load(output)
    metadata = archive.metadata
    result = {
        "run": run.name,
        "seed": seed,
        "settings": run.settings,
        "scores": {
            name: {key: value for key, value in row.items() if key != "labels"}
            for name, row in metadata.scores.items()
        }
        | (_in_context(archive, options.data_dir) if run.context else {}),
        "temperature": metadata.settings["temperature"],
        "minutes": round((time.perf_counter() - begun) / 60, 1),
        "megabytes": round(output.stat().st_size / 1e6, 1),
        "device": options.device,
        "code": __version__,
        "torch": metadata.torch,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    run.result(seed).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not options.keep:
        for left in work.glob(f"{run.name}.{seed}.*"):
            left.unlink()


def _in_context(archive: Archive, data_dir: Path | None) -> dict[str, dict[str, float]]:
    """F1 on dev and test of the first corpus, each document read as one text."""
    trained = trained_corpora(archive)[0]
    scores = {}
    for split in ("dev", "test"):
        corpus = to_score(archive, trained, split, (), data_dir)
        documents = lengths(trained, split, data_dir)
        read = list(scored_documents(Recognizer(archive), corpus, split, documents))
        scores[f"{corpus.name} {split}, documents"] = {"f1": score(read).f1}
    return scores


def _runs(tables: Sequence[Mapping[str, Any]]) -> Iterator[Run]:
    """The runs of the plan; one that is `like` another has its settings, and its own beside them."""
    known: dict[str, Run] = {}
    for table in tables:
        base = known[table["like"]] if "like" in table else Run("", [], {}, {}, [1])
        run = replace(
            base,
            name=table["name"],
            corpora=table.get("corpora", base.corpora),
            training={**base.training, **table.get("training", {})},
            tagger={**base.tagger, **table.get("tagger", {})},
            seeds=table.get("seeds", base.seeds),
            context=table.get("context", base.context),
        )
        known[run.name] = run
        yield run


def _page(plan: Mapping[str, Any], runs: Mapping[str, Run]) -> Iterator[str]:
    yield "## Comparison with published figures"
    yield ""
    yield "| set | published | aim | nerve, mean ± deviation | seeds |"
    yield "|---|---|---|---:|---:|"
    for goal in plan["goals"]:
        scores = _scores(runs[goal["run"]], goal["scored"])
        mark = " ✓" if scores and fmean(scores) >= goal["pass"] else ""
        aim = f"{goal['aim']:g} ({goal['aim_by']})" if "aim_by" in goal else f"{goal['aim']:g}"
        yield (
            f"| {goal['scored']}{goal.get('note', '')} | {goal['pass']:g} ({goal['pass_by']}) | {aim} |"
            f" **{_spread(scores)}**{mark} | {len(scores)} |"
        )
    for section in plan["sections"]:
        yield from _section(section, runs)
    yield ""
    yield "## Confidence"
    yield ""
    yield tables.wrapped(
        "The expected calibration error of the scores on each set above, with a temperature fitted on dev (1.00 where"
        " dev was learned, too); the precision of the names that `min_score` 0.9 keeps; and the share of all right"
        " names that it keeps. Means over seeds."
    )
    yield ""
    yield "| set | temperature | error | precision at 0.9 | kept |"
    yield "|---|---:|---:|---:|---:|"
    for goal in plan["goals"]:
        found = [one for one in runs[goal["run"]].results() if "calibration" in one["scores"].get(goal["scored"], {})]
        rows = [one["scores"][goal["scored"]]["calibration"] for one in found]
        if rows:
            error, precision, share = (fmean(row[key] for row in rows) for key in _CALIBRATION)
            temperature = fmean(one["temperature"] for one in found)
            yield (
                f"| {goal['scored']}{goal.get('note', '')} | {temperature:.2f} | {error:.3f} | {precision:.1f} |"
                f" {share:.0f} % |"
            )
    yield ""
    yield from tables.beside(tables.read(tables.BUNDLED))
    yield from ("", *multi.section())


def _section(section: Mapping[str, Any], runs: Mapping[str, Run]) -> Iterator[str]:
    """A table with a row for each tagger; its columns are splits, or numbers of which the section has a picture."""
    columns = section.get("columns") or section["scored"]
    yield from ("", f"## {section['title']}", "", tables.wrapped(section["about"]), "")
    yield f"| | {' | '.join(map(str, columns))} | seeds |"
    yield f"|---|{'---:|' * len(columns)}---:|"
    curves = {}
    for row in section["rows"]:
        cells = row.get("cells") or [(row["run"], scored) for scored in columns]
        scores = [_scores(runs[run], scored) for run, scored in cells]
        yield f"| {row['title']} | {' | '.join(map(_spread, scores))} | {min(map(len, scores))} |"
        curves[row["title"]] = scores
    if "picture" in section:
        _curves(columns, curves).savefig(PAGE.with_name(section["picture"]), dpi=110)
        yield from ("", f"![{section['title']}]({section['picture']})")


def _curves(columns: Sequence[int], curves: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """F1 over numbers of training sentences, a point for each seed, a line through the means."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for (title, scores), colour in zip(curves.items(), ("#8a8f98", "#2364aa"), strict=True):
        known = [(n, some) for n, some in zip(columns, scores, strict=True) if some]
        axes.plot([n for n, _ in known], [fmean(some) for _, some in known], color=colour, marker="o", label=title)
        for n, some in known:
            axes.plot([n] * len(some), some, ".", color=colour, alpha=0.5)
    axes.set(xlabel="training sentences", ylabel="test F1", xscale="log")
    axes.set_xticks(columns, [str(n) for n in columns])
    axes.minorticks_off()
    axes.legend()
    return figure


_CALIBRATION = ("error", "sure_precision", "sure_share")


def _scores(run: Run, scored: str) -> list[float]:
    """F1 of each seed on a corpus's split."""
    return [one["scores"][scored]["f1"] for one in run.results() if scored in one["scores"]]


def _spread(scores: Sequence[float]) -> str:
    if not scores:
        return "not run"
    return f"{fmean(scores):.2f}" + (f" ± {stdev(scores):.2f}" if len(scores) > 1 else "")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.accuracy", description="Train for, and write, accuracy.md."
    )
    add = parser.add_argument
    add("--page", action="store_true", help="train nothing")
    add("--only", action="append", default=[], metavar="RUN", help="train this run only; again for another")
    add("--work", type=Path, default=Path("accuracy.work"), metavar="DIR", help="vectors and files of the trainings")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE and fetch nothing")
    add("--keep", action="store_true", help="keep the archives, too")
    add("--jobs", type=int, default=1, metavar="N", help="trainings side by side (default: 1)")
    add("--threads", type=int, default=1, metavar="N", help="threads of each (default: 1)")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
