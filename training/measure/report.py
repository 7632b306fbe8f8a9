"""What a training leaves beside its archive: the model card and three pictures.

mine.pt   mine.md   mine.curve.png   mine.confusion.png   mine.reliability.png
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from nerve.model.archive import Metadata
from nerve.training.learn.trainer import Epoch
from nerve.training.measure.calibration import BINS, SURE
from nerve.training.measure.metrics import Tags, confusion

FEWEST = 10
"""Names that a point of the reliability diagram needs; the share of fewer says little."""

_BLUE, _ORANGE, _GREY = "#2364aa", "#d1603d", "#8a8f98"


def write(
    output: Path,
    metadata: Metadata,
    results: Mapping[str, tuple[Sequence[Tags], Sequence[Tags]]],
    history: Sequence[Epoch],
    words_per_second: float,
) -> None:
    """Write card and pictures beside the archive `output`, which exists.

    Args:
        results: for each scored split, gold and predicted tags.
        words_per_second: at which the exported tagger tagged dev on one CPU thread.
    """
    matplotlib.rcParams["svg.hashsalt"] = metadata.name
    _learning_curve(history).savefig(output.with_suffix(".curve.png"), dpi=110)
    counts: Counter[tuple[str, str]] = Counter()
    for gold, predicted in results.values():
        counts.update(confusion(gold, predicted))
    _confusion(counts, metadata.labels).savefig(output.with_suffix(".confusion.png"), dpi=110)
    _reliability(metadata.scores).savefig(output.with_suffix(".reliability.png"), dpi=110)
    card = _card(output, metadata, history, words_per_second)
    output.with_suffix(".md").write_text(card, encoding="utf-8")


def _card(output: Path, metadata: Metadata, history: Sequence[Epoch], words_per_second: float) -> str:
    settings = metadata.settings
    lines = [
        f"# {metadata.name}",
        "",
        metadata.description or f"Names {', '.join(metadata.labels)} in text.",
        "",
        f"- Labels: {', '.join(metadata.labels)}",
        f"- Language: {metadata.language}",
        f"- Licence of the weights: {metadata.licence}",
        f"- Archive: {output.stat().st_size / 1e6:.1f} MB, format {metadata.format}, tokenizer {metadata.tokenizer}",
        f"- Trained by nerve {metadata.code_version} with torch {metadata.torch},"
        f" seed {settings['training']['seed']}, {len(history)} epochs of up to {settings['training']['epochs']}",
        f"- Speed when it was exported: {words_per_second:,.0f} words/s on one CPU thread",
        "",
        "Made by",
        "",
        f"    {settings['command']}",
        "",
        "## Data",
        "",
        "| corpus | licence | annotates | size |",
        "|---|---|---|---|",
        *(
            f"| {one['name']} | {one['licence']} | {', '.join(one['annotates'])} | {one['size']} |"
            for one in metadata.datasets
        ),
        "",
        "## Scores",
        "",
        "Entity level, exact boundaries and label, micro average by seqeval (strict, IOB2), on the labels that the"
        " corpus annotates. *Raw text*: the same names found in plain text, the tokens joined as one would write them"
        " and cut again by our own sentence splitter and tokenizer.",
        "",
        "| corpus and split | precision | recall | F1 | F1 on raw text | names |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {row['precision']:.2f} | {row['recall']:.2f} | **{row['f1']:.2f}** |"
            f" {row['raw_text_f1']:.2f} | {row['support']:,} |"
            for name, row in metadata.scores.items()
        ),
        "",
        "## Confidence",
        "",
        f"Scores are divided by a temperature of {settings['temperature']}, fitted on dev. *Error*: how far score and"
        " share of right names lie apart, the mean over names (expected calibration error, ten bins). *Sure names*:"
        f" those that `min_score` {SURE} keeps.",
        "",
        "| corpus and split | error | precision of sure names | sure among the right names found |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one['error']:.3f} | {one['sure_precision']:.2f} | {one['sure_share']:.2f} % |"
            for name, one in ((name, row["calibration"]) for name, row in metadata.scores.items())
        ),
        "",
        f"![Reliability]({output.with_suffix('.reliability.png').name})",
        "",
        *(line for name, row in metadata.scores.items() for line in _label_table(name, row["labels"])),
        "## Learning",
        "",
        f"![Learning curve]({output.with_suffix('.curve.png').name})",
        "",
        f"![Confusions]({output.with_suffix('.confusion.png').name})",
        "",
        "## Configuration",
        "",
        "```json",
        json.dumps(
            {name: settings[name] for name in ("training", "tagger", "corpora")}, indent=2, ensure_ascii=False
        ),
        "```",
        "",
    ]
    return "\n".join(lines)


def _label_table(name: str, labels: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"### {name}",
        "",
        "| label | precision | recall | F1 | names |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {label} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {row['support']:,} |"
            for label, row in labels.items()
        ),
        "",
    ]


def _learning_curve(history: Sequence[Epoch]) -> Figure:
    """Training loss and dev F1 over the epochs, one axis each."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    epochs = range(1, len(history) + 1)
    losses = figure.subplots()
    losses.plot(epochs, [epoch.loss for epoch in history], color=_GREY)
    losses.set(xlabel="epoch", ylabel="training loss (nats a sentence)", yscale="log")
    losses.yaxis.label.set_color(_GREY)
    scores = losses.twinx()
    f1 = [epoch.dev_f1 for epoch in history]
    scores.plot(epochs, f1, color=_BLUE, marker="o", markersize=4)
    scores.set_ylabel("dev F1", color=_BLUE)
    best = max(range(len(f1)), key=f1.__getitem__)
    scores.annotate(
        f"{f1[best]:.2f}",
        (best + 1, f1[best]),
        textcoords="offset points",
        xytext=(0, -16),
        ha="center",
        color=_ORANGE,
    )
    scores.plot([best + 1], [f1[best]], "o", color=_ORANGE, markersize=7)
    losses.set_title("Learning curve")
    return figure


def _reliability(scores: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Of the names of a confidence, the share that is right, for each scored split; and how many they are."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    shares.plot([0, 1], [0, 1], color=_GREY, linestyle=":", label="as sure as right")
    shown = [name for name in scores if name.endswith(" test")] or list(scores)
    totals = [0] * BINS
    for name in shown:
        bins = scores[name]["calibration"]["bins"]
        points = [(confidence, accuracy) for count, confidence, accuracy in bins if count >= FEWEST]
        error = scores[name]["calibration"]["error"]
        shares.plot(
            *zip(*points, strict=True) if points else ([], []), marker="o", label=f"{name} (error {error:.3f})"
        )
        totals = [total + count for total, (count, _, _) in zip(totals, bins, strict=True)]
    counts.bar([(n + 0.5) / BINS for n in range(BINS)], totals, width=0.9 / BINS, color=_GREY)
    shares.set(ylabel="share of them that is right", title="Reliability", xlim=(0, 1), ylim=(0, 1))
    shares.legend(fontsize=8)
    counts.set(xlabel="score of the name", ylabel="names", yscale="log" if any(totals) else "linear")
    return figure


def _confusion(counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> Figure:
    """Gold labels down, predicted labels across; `-` is no name with these boundaries. Shares of each row."""
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
