"""The pictures of the page: F1 over layers, and how far the gradient reaches."""

from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.cells.plan import CELLS, LAYERS
from bench.cells.results import Results, f1

_COLOURS = {"rnn": "#8a8f98", "gru": "#d1603d", "lstm": "#2364aa"}


def scores(results: Results) -> Figure:
    """Test F1, a panel for each number of directions: a point for each seed, lines through their means."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, two in zip(panels, (False, True), strict=True):
        for place, cell in enumerate(CELLS):
            at = [layers + 0.12 * (place - 1) for layers in LAYERS]
            seeds = [f1(results.of(cell, two, layers)) for layers in LAYERS]
            axes.plot(at, [fmean(of) for of in seeds], color=_COLOURS[cell], linewidth=1, label=cell.upper())
            for x, of in zip(at, seeds, strict=True):
                axes.plot([x] * len(of), of, "o", color=_COLOURS[cell], markersize=4, alpha=0.7)
        axes.set(title="two directions" if two else "one direction", xlabel="layers", xticks=LAYERS)
        _grid(axes, "y")
    panels[0].set_ylabel("test F1")
    panels[0].legend(frameon=False)
    return figure


def gradient(results: Results) -> Figure:
    """The norm of the gradient, before and after training: median and quartiles over the sentences."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (state, title) in zip(panels, (("initial", "before training"), ("trained", "trained")), strict=True):
        for cell in CELLS:
            reach = results.reach(cell, state)
            lower, median, upper = (
                [value / reach["median"][0] for value in reach[name]] for name in ("lower", "median", "upper")
            )
            axes.plot(median, color=_COLOURS[cell], label=cell.upper())
            axes.fill_between(range(len(median)), lower, upper, color=_COLOURS[cell], alpha=0.2, linewidth=0)
        axes.set(title=title, xlabel="distance k in tokens", yscale="log")
        _grid(axes, "both")
    panels[0].set_ylabel("what is left of ‖∂h(t)/∂x(t−k)‖, 1 at k = 0")
    panels[0].legend(frameon=False, title="median and quartiles", alignment="left")
    return figure


def _grid(axes: Axes, along: str) -> None:
    axes.grid(axis=along, color="#e3e5e8", linewidth=0.7)  # type: ignore[arg-type]
