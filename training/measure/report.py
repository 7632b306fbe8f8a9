"""What a training measures of its tagger, and the files it leaves beside the archive.

mine.pt   mine.md   mine.curve.png   mine.confusion.png   mine.reliability.png
"""

import io
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import matplotlib

from nerve.model.archive import Archive
from nerve.model.files import remove_leftovers, write_whole
from nerve.model.metadata import Metadata
from nerve.model.recognizer import Recognizer
from nerve.training.data.corpora import Corpus
from nerve.training.learn.trainer import Epoch
from nerve.training.measure import calibration, card, pictures, rawtext, scores
from nerve.training.measure.scores import ScoredSentence


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
    for suffix in (".md", ".curve.png", ".confusion.png", ".reliability.png"):
        remove_leftovers(output.with_suffix(suffix))
    matplotlib.rcParams["svg.hashsalt"] = metadata.name
    confusions = scores.confusion(chain.from_iterable(scored.values()))
    for name, picture in (
        ("curve", pictures.learning_curve(history)),
        ("confusion", pictures.confusion_matrix(confusions, metadata.labels)),
        ("reliability", pictures.reliability(metadata.scores)),
    ):
        drawn = io.BytesIO()
        picture.savefig(drawn, dpi=110)
        write_whole(output.with_suffix(f".{name}.png"), drawn.getvalue())
    write_whole(output.with_suffix(".md"), card.text(output, metadata, history, words_per_second).encode())
