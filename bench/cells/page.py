"""The tables and pictures of the page that compares the cells, from the results alone.

The page's text is written by hand. Each table stands between the comments `<!-- NAME -->` and `<!-- end -->` and is
replaced every time.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from bench.cells import pictures
from bench.cells.contexts import CONTEXTS
from bench.cells.plan import BASE, CELLS, CLIP, LAYERS, PLAN, RATES, SEEDS, Run
from bench.cells.results import Result, Results, f1
from nerve.model.config import Cell

_END = "<!-- end -->\n"
_REFERENCE = Run("lstm", True, 1, SEEDS[0]).shape
_DISTANCES = (1, 2, 5, 10, 20, 30, 40, 50)


def write(results: Results, page: Path) -> None:
    """Write the tables into the page, or into a new one, and its pictures beside it.

    Raises:
        OSError: The page cannot be read or written.
    """
    tables = {
        "budget": budget(results),
        "scores": scores(results),
        "clipping": clipping(results),
        "gradient": gradient(results),
        "contexts": found(results),
    }
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    for name, table in tables.items():
        text = placed(text, name, table)
    page.write_text(text, encoding="utf-8")
    pictures.scores(results).savefig(page.with_name(f"{page.stem}-f1.png"), dpi=110)
    pictures.gradient(results).savefig(page.with_name(f"{page.stem}-gradient.png"), dpi=110)


def placed(text: str, name: str, table: str) -> str:
    """The page with this table in its place, or at the end if the page has no place for it."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    return f"{before}<!-- {name} -->\n\n{table}\n\n{_END}{rest.partition(_END)[2]}"


def budget(results: Results) -> str:
    """What all trainings have in common, and how long they took."""
    (result, *_), training, tagger = results.of("lstm", True), BASE.training, BASE.tagger
    seconds = [results[run.name]["cpu_seconds"] for run in PLAN]
    data = f"{BASE.corpora[0].dataset}, of train only the beginning: {result['data']['size']}"
    return _table(
        ["what all trainings share", ""],
        [
            ["data", data],
            ["passes over train", f"{training.epochs}, or {result['gradient_norm']['steps']:,} steps"],
            ["sentences a step", f"{training.batch_size}"],
            ["learning rate", f"{training.learning_rate:g} at its highest"],
            ["gradients clipped at", f"{CLIP:g}"],
            ["units in each direction of each layer", f"{tagger.hidden_size}"],
            ["dropout", f"{tagger.dropout:g}"],
            ["seeds", ", ".join(map(str, SEEDS))],
            ["CPU time of a training, scores included", f"{min(seconds):.0f} to {max(seconds):.0f} seconds"],
            ["of all", f"{len(seconds)} trainings, {sum(seconds) / 60:.0f} minutes"],
        ],
    )


def scores(results: Results) -> str:
    """F1, size and speed of every cell with each number of directions and layers."""
    rows = []
    for two in (False, True):
        for layers in LAYERS:
            for cell in CELLS:
                runs = results.of(cell, two, layers)
                learned, tagged = (_speed(results, what, cell, two, layers) for what in ("training", "tagging"))
                weights = f"{runs[0]['encoder_parameters']:,}"
                rows.append(
                    [
                        *(cell.upper(), "two" if two else "one", str(layers)),
                        *(_spread(f1(runs, "dev")), _spread(f1(runs)), weights, learned, tagged),
                    ]
                )
    headings = ["cell", "directions", "layers:", "dev F1:", "test F1:", "weights:", "training:", "tagging:"]
    return _table(headings, rows)


def _speed(results: Results, what: str, cell: Cell, two: bool, layers: int) -> str:
    """As a multiple of the reference's."""
    speeds = results["speeds"]["tokens_per_cpu_second"]
    return f"{speeds[Run(cell, two, layers, SEEDS[0]).shape][what] / speeds[_REFERENCE][what]:.2f}"


def clipping(results: Results) -> str:
    """F1 and gradient norms with and without clipping, of taggers with two directions and one layer."""
    rows = []
    for rate in RATES:
        for cell in CELLS:
            clipped, free = (results.of(cell, True, 1, clip, rate) for clip in (CLIP, 0.0))
            share = sum(_norms(clipped, "over_clip")) / sum(_norms(clipped, "steps"))
            typical, largest = fmean(_norms(free, "median")), max(_norms(free, "largest"))
            figures = [f"{100 * share:.0f} %", f"{typical:.1f}", f"{largest:.0f}"]
            rows.append([cell.upper(), f"{rate:g}", _spread(f1(clipped)), _spread(f1(free)), *figures])
    headings = ["cell", "learning rate:", "test F1, clipped:", "not clipped:", "steps clipped:"]
    return _table([*headings, "median norm, not clipped:", "largest:"], rows)


def _norms(runs: Sequence[Result], what: str) -> list[float]:
    return [result["gradient_norm"][what] for result in runs]


def gradient(results: Results) -> str:
    """The share of the gradient that reaches some distances, of taggers with one direction and one layer."""
    rows = []
    for state, tagger in (("initial", "before training"), ("trained", "trained")):
        for cell in CELLS:
            median = results.reach(cell, state)["median"]
            rows.append([cell.upper(), tagger, *(_share(median[k] / median[0]) for k in _DISTANCES)])
    return _table(["cell", "tagger", *(f"k = {k}:" for k in _DISTANCES)], rows)


def _share(value: float) -> str:
    return f"{value:.2f}" if value >= 0.095 else f"{value:.1g}" if value >= 1e-4 else f"{value:.0e}"


def found(results: Results) -> str:
    """Recall of names by the side on which their context is, with one direction and with two; one layer."""
    rows = []
    for kind in ("unknown", "known"):
        for context in CONTEXTS:
            names, cells = 0, []
            for cell in CELLS:
                one, two = (recall(results, cell, two, kind, context) for two in (False, True))
                names = results.of(cell, True)[0]["contexts"][kind][context]["names"]
                cells.append(f"{one:.1f} → {two:.1f} ({two - one:+.1f})")
            rows.append([kind, context, f"{names:,}", *cells])
    return _table(["names", "context", "how many:", *(f"{cell.upper()}:" for cell in CELLS)], rows)


def recall(results: Results, cell: Cell, two: bool, kind: str, context: str) -> float:
    """In percent, the mean over the seeds."""
    counts = [result["contexts"][kind][context] for result in results.of(cell, two)]
    return 100 * fmean(count["found"] / count["names"] for count in counts)


# -- Markdown --------------------------------------------------------------------------------------------------------


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading that ends in a colon stands over figures, which are aligned to the right."""
    lines = [
        [heading.rstrip(":") for heading in headings],
        ["---:" if heading.endswith(":") else "---" for heading in headings],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "diverged"
    return f"{fmean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"
