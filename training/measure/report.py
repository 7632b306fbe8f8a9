"""What a training measures of its tagger, and the files it leaves beside the archive.

mine.pt   mine.md   mine.curve.png   mine.confusion.png   mine.reliability.png
"""

import io
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from nerve.model.archive import Archive
from nerve.model.files import remove_leftovers, write_whole
from nerve.model.metadata import Metadata
from nerve.model.recognizer import Recognizer
from nerve.training.data.corpora import Corpus
from nerve.training.learn.trainer import Epoch
from nerve.training.measure import calibration, card, fonts, pictures, rawtext, scores
from nerve.training.measure.scores import ScoredSentence

CURVE, CONFUSION, RELIABILITY = ".curve.png", ".confusion.png", ".reliability.png"
PICTURES = (CURVE, CONFUSION, RELIABILITY)
"""The suffixes of the pictures; there is no confusion matrix if no installed fonts draw all labels."""


def figures(archive: Archive, corpus: Corpus, split: str, sentences: Sequence[ScoredSentence]) -> dict[str, Any]:
    """Every figure that an archive and its card state for one split, as JSON.

    Args:
        archive: The tagger.
        corpus: The corpus.
        split: One of its splits.
        sentences: That split as `scores.scored_split` gives it.
    """
    return {
        **scores.score(sentences).to_json(),
        "raw_text_f1": rawtext.f1(Recognizer(archive), corpus, split),
        "calibration": calibration.measured(archive, corpus, split),
    }


def write(
    output: Path,
    metadata: Metadata,
    scored: Mapping[str, Sequence[ScoredSentence]],
    history: Sequence[Epoch],
    words_per_second: float,
) -> None:
    """Write the card and the pictures beside the archive `output`, which exists.

    Args:
        output: The archive.
        metadata: What the archive says about itself, its scores among it.
        scored: The sentences of each scored split.
        history: The learning curve.
        words_per_second: Speed of the exported tagger on one CPU thread.

    Raises:
        WriteError: one of them cannot be written.
    """
    for suffix in (".md", *PICTURES):
        remove_leftovers(output.with_suffix(suffix))
    confusions = scores.confusion(chain.from_iterable(scored.values()))
    drawn = pictures_of(metadata, confusions, history)
    for suffix in PICTURES:
        if suffix in drawn:
            write_whole(output.with_suffix(suffix), drawn[suffix])
        else:
            output.with_suffix(suffix).unlink(missing_ok=True)  # of a training before
    table = None if CONFUSION in drawn else confusions
    write_whole(output.with_suffix(".md"), card.text(output, metadata, history, words_per_second, table).encode())


def pictures_of(
    metadata: Metadata, confusions: Mapping[tuple[str, str], int], history: Sequence[Epoch]
) -> dict[str, bytes]:
    """The pictures as PNG, by their suffixes. One that no installed fonts can draw is not among them."""
    labels = metadata.labels if fonts.families(*metadata.labels) else ()
    titles = {name: name if fonts.families(name) else f"split {n}" for n, name in enumerate(metadata.scores, start=1)}
    # A text takes its fonts when it is made.
    with matplotlib.rc_context({"font.family": fonts.families(*labels, *titles.values())}):
        made = {
            CURVE: pictures.learning_curve(history, metadata.settings["epoch"], _dev_f1(metadata)),
            RELIABILITY: pictures.reliability(metadata.scores, titles),
        }
        if labels:
            made[CONFUSION] = pictures.confusion_matrix(confusions, labels)
        return {suffix: _png(figure) for suffix, figure in made.items()}


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, dpi=110)
    return content.getvalue()


def _dev_f1(metadata: Metadata) -> float | None:
    """The mean F1 over the dev splits that were scored; None without any."""
    f1 = [figures["f1"] for name, figures in metadata.scores.items() if name.endswith(" dev")]
    return fmean(f1) if f1 else None
