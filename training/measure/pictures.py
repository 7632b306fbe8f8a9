"""The pictures beside a model card: learning curve, confusion matrix and reliability diagram."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nerve.training.learn.trainer import Epoch
from nerve.training.measure.calibration import BINS

FEWEST = 10
"""Fewest names in a point of the reliability diagram; the accuracy of fewer says little."""

_BLUE, _ORANGE, _GREY = "#2364aa", "#d1603d", "#8a8f98"


def learning_curve(history: Sequence[Epoch], exported: int, dev_f1: float | None) -> Figure:
    """Training loss and dev F1 over the epochs, one axis each.

    Args:
        history: The epochs.
        exported: The number of the epoch whose weights are exported, from 1.
        dev_f1: F1 on dev of the exported model, whose weights are rounded, as its card states it; None without dev.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    epochs = range(1, len(history) + 1)
    losses = figure.subplots()
    losses.plot(epochs, [epoch.loss for epoch in history], color=_GREY)
    losses.set(xlabel="epoch", ylabel="training loss (nats per sentence)", yscale="log")
    losses.yaxis.label.set_color(_GREY)
    for set_formatter in (losses.yaxis.set_major_formatter, losses.yaxis.set_minor_formatter):
        set_formatter("{x:.3g}")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    scores = losses.twinx()
    f1 = [epoch.dev_f1 for epoch in history]
    scores.plot(epochs, f1, color=_BLUE, marker="o", markersize=4)
    scores.set_ylabel("dev F1", color=_BLUE)
    if dev_f1 is not None:
        label = f"exported: {dev_f1:.2f}"
        scores.plot([exported], [dev_f1], "o", color=_ORANGE, markersize=7, label=label)
        scores.legend(loc="center right", labelcolor="linecolor", frameon=False)
    losses.set_title("Learning curve")
    return figure


def reliability(scores: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> Figure:
    """Accuracy over confidence for each scored split, and below it how many names have which confidence.

    Args:
        scores: The figures of each split.
        titles: What each split is called in the picture.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    shares.plot([0, 1], [0, 1], color=_GREY, linestyle=":", label="perfectly calibrated")
    shown = [name for name in scores if name.endswith(" test")] or list(scores)
    totals = [0] * BINS
    for name in shown:
        bins = scores[name]["calibration"]["bins"]
        points = [(confidence, accuracy) for count, confidence, accuracy in bins if count >= FEWEST]
        error = scores[name]["calibration"]["error"]
        shares.plot(
            *zip(*points, strict=True) if points else ([], []),
            marker="o",
            label=f"{titles[name]} (error {error:.3f})",
        )
        totals = [total + count for total, (count, _, _) in zip(totals, bins, strict=True)]
    counts.bar([(n + 0.5) / BINS for n in range(BINS)], totals, width=0.9 / BINS, color=_GREY)
    shares.set(ylabel="share that is right", title="Reliability", xlim=(0, 1), ylim=(0, 1))
    shares.legend(fontsize=8)
    counts.set(xlabel="score of the name", ylabel="names", yscale="log" if any(totals) else "linear")
    return figure


def confusion_matrix(counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> Figure:
    """Counts by gold label (rows) and predicted label (columns), coloured by their share of the row.

    `-` is no name with these boundaries.
    """
    names = [*labels, "-"]
    size = 2.5 + 0.6 * len(names)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    rows = [[counts.get((gold, predicted), 0) for predicted in names] for gold in names]
    shares = [[count / max(1, sum(row)) for count in row] for row in rows]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for y, row in enumerate(rows):
        for x, count in enumerate(row):
            colour = "white" if shares[y][x] > 0.6 else "black"
            axes.text(x, y, f"{count:,}" if count else "", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(names)), ["none" if name == "-" else name for name in names], rotation=45, ha="right")
    axes.set_yticks(range(len(names)), ["none" if name == "-" else name for name in names])
    axes.set(xlabel="predicted", ylabel="gold", title="Names by label, all scored splits")
    return figure
