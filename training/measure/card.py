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

Confusions = Mapping[tuple[str, str], int]
"""Counts by gold and predicted label, as `scores.confusion` gives them."""


def text(
    output: Path,
    metadata: Metadata,
    history: Sequence[Epoch],
    words_per_second: float,
    confusions: Confusions | None = None,
) -> str:
    """The card of the archive `output`, which exists, in Markdown.

    Args:
        output: The archive; its pictures lie beside it under names of the same stem.
        metadata: What the archive says about itself, its scores among it.
        history: The learning curve.
        words_per_second: Speed of the exported tagger on one CPU thread.
        confusions: How often a gold label was predicted as which, where no picture shows it.
    """
    settings = metadata.settings
    facts = [
        f"- Labels: {', '.join(metadata.labels)}",
        f"- Language: {metadata.language}",
        f"- Licence of the weights: {metadata.licence}",
        f"- Archive: {output.stat().st_size / 1e6:.1f} MB, format {metadata.format}, tokenizer {metadata.tokenizer}",
        f"- Trained by nerve {metadata.code_version} with torch {metadata.torch},"
        f" seed {settings['training']['seed']}, {len(history)} epochs of up to {settings['training']['epochs']},"
        f" the weights of epoch {settings['epoch']}",
        f"- Speed when it was exported: {words_per_second:,.0f} words/s on one CPU thread",
    ]
    confused = [f"![Confusions]({output.with_suffix('.confusion.png').name})"]
    learning = [
        f"The archive has the weights of epoch {settings['epoch']}, rounded. The curve has the F1 on dev of every"
        " epoch before that, and its marked point the F1 of the archive, the mean over the dev splits above.",
        "",
        f"![Learning curve]({output.with_suffix('.curve.png').name})",
        "",
        *(confused if confusions is None else _confusions(confusions, metadata.labels)),
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
        if "model" not in corpus:
            yield _corpus_row(corpus)
    followed = [corpus for corpus in metadata.settings["corpora"] if corpus.get("guideline")]
    for name in dict.fromkeys(corpus["guideline"] for corpus in followed):
        yield ""
        yield f"Annotations are brought to {_guideline(name)}."
    if begun_with := metadata.settings.get("begun_with"):
        yield ""
        yield (
            f"Training began with the weights of the model `{begun_with['name']}` (language {begun_with['language']},"
            f" licence {begun_with['licence']}), which come from:"
        )
        yield ""
        yield "| model | corpus | licence | annotates | size |"
        yield "|---|---|---|---|---|"
        for corpus in metadata.datasets:
            if "model" in corpus:
                yield f"| {corpus['model']} {_corpus_row(corpus)}"
        for name in begun_with["guidelines"]:
            yield ""
            yield f"What it knows from there follows {_guideline(name)}."


def _corpus_row(corpus: Mapping[str, Any]) -> str:
    return f"| {corpus['name']} | {corpus['licence']} | {', '.join(corpus['annotates'])} | {corpus['size']} |"


def _guideline(name: str) -> str:
    return f"the guideline `{name}` (recipes/{name}/guideline.md of nerve)"


def _confusions(counts: Confusions, labels: Sequence[str]) -> Iterator[str]:
    """A table in place of the picture."""
    yield (
        "Names by label, all scored splits: gold in rows, predicted in columns, `-` for no name with these"
        " boundaries. It is a table because no installed fonts draw all of these labels."
    )
    yield ""
    yield f"| | {' | '.join((*labels, '-'))} |"
    yield f"|---|{'---:|' * (len(labels) + 1)}"
    for gold in (*labels, "-"):
        yield f"| {gold} | {' | '.join(f'{counts.get((gold, found), 0):,}' for found in (*labels, '-'))} |"


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
