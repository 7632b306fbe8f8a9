"""The model card: what an archive was trained on, how, and how good it is, in Markdown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nerve.model.metadata import Metadata
from nerve.training.learn.trainer import Epoch
from nerve.training.measure.calibration import SURE

Figures = Mapping[str, Mapping[str, Any]]
"""The scores in an archive: for each corpus and split what `report.figures` gives."""


def text(output: Path, metadata: Metadata, history: Sequence[Epoch], words_per_second: float) -> str:
    """The card of the archive `output`, which exists, in Markdown.

    Args:
        output: The archive; its pictures lie beside it under names of the same stem.
        metadata: What the archive says about itself, its scores among it.
        history: The learning curve.
        words_per_second: Speed of the exported tagger on one CPU thread.
    """
    settings = metadata.settings
    facts = [
        f"- Labels: {', '.join(metadata.labels)}",
        f"- Language: {metadata.language}",
        f"- Licence of the weights: {metadata.licence}",
        f"- Archive: {output.stat().st_size / 1e6:.1f} MB, format {metadata.format}, tokenizer {metadata.tokenizer}",
        f"- Trained by nerve {metadata.code_version} with torch {metadata.torch},"
        f" seed {settings['training']['seed']}, {len(history)} epochs of up to {settings['training']['epochs']}",
        f"- Speed when it was exported: {words_per_second:,.0f} words/s on one CPU thread",
    ]
    learning = [
        f"![Learning curve]({output.with_suffix('.curve.png').name})",
        "",
        f"![Confusions]({output.with_suffix('.confusion.png').name})",
    ]
    configuration = {name: settings[name] for name in ("training", "tagger", "corpora")}
    lines = [
        *(f"# {metadata.name}", ""),
        *(metadata.description or f"Names {', '.join(metadata.labels)} in text.", ""),
        *(*facts, ""),
        *("Made by", "", f"    {settings['command']}", ""),
        *("## Data", "", *_data(metadata), ""),
        *("## Scores", "", *_scores(metadata.scores), ""),
        *("## Confidence", "", *_confidence(metadata.scores, settings["temperature"]), ""),
        *(f"![Reliability]({output.with_suffix('.reliability.png').name})", ""),
        *_labels(metadata.scores),
        *("## Learning", "", *learning, ""),
        *("## Configuration", "", "```json", json.dumps(configuration, indent=2, ensure_ascii=False), "```", ""),
    ]
    return "\n".join(lines)


def rows(figures: Figures) -> Iterator[str]:
    """Every line of a card that states figures of a split."""
    for name, row in figures.items():
        yield _score_row(name, row)
        yield _confidence_row(name, row["calibration"])
        for label, own in row["labels"].items():
            yield _label_row(label, own)


def _data(metadata: Metadata) -> Iterator[str]:
    yield "| corpus | licence | annotates | size |"
    yield "|---|---|---|---|"
    for corpus in metadata.datasets:
        labels = ", ".join(corpus["annotates"])
        yield f"| {corpus['name']} | {corpus['licence']} | {labels} | {corpus['size']} |"


def _scores(figures: Figures) -> Iterator[str]:
    yield (
        "Entity level, exact boundaries and label, micro average by seqeval (strict, IOB2), on the labels that the"
        " corpus annotates. *Raw text*: the tokens joined to running text, then cut again by nerve's own sentence"
        " splitter and tokenizer; scored on the same names."
    )
    yield ""
    yield "| corpus and split | precision | recall | F1 | F1 on raw text | names |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, row in figures.items():
        yield _score_row(name, row)


def _confidence(figures: Figures, temperature: float) -> Iterator[str]:
    yield (
        f"Scores are divided by a temperature of {temperature}, fitted on dev. *Error*: the expected calibration"
        " error, that is the gap between score and share of right names, averaged over names (ten bins). *Sure"
        f" names*: those with a score of {SURE} or more."
    )
    yield ""
    yield "| corpus and split | error | precision of sure names | sure among the right names found |"
    yield "|---|---:|---:|---:|"
    for name, row in figures.items():
        yield _confidence_row(name, row["calibration"])


def _labels(figures: Figures) -> Iterator[str]:
    for name, row in figures.items():
        yield from (f"### {name}", "", "| label | precision | recall | F1 | names |", "|---|---:|---:|---:|---:|")
        yield from (_label_row(label, own) for label, own in row["labels"].items())
        yield ""


def _score_row(name: str, row: Mapping[str, Any]) -> str:
    precision, recall, f1 = f"{row['precision']:.2f}", f"{row['recall']:.2f}", f"{row['f1']:.2f}"
    return f"| {name} | {precision} | {recall} | **{f1}** | {row['raw_text_f1']:.2f} | {row['support']:,} |"


def _confidence_row(name: str, row: Mapping[str, Any]) -> str:
    return f"| {name} | {row['error']:.3f} | {row['sure_precision']:.2f} | {row['sure_share']:.2f} % |"


def _label_row(label: str, row: Mapping[str, Any]) -> str:
    figures = f"{row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f}"
    return f"| {label} | {figures} | {row['support']:,} |"
