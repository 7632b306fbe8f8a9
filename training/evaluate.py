"""Score an archive on a dataset or on your own file.

    nerve evaluate models/en.pt --dataset uner_en_ewt
    nerve evaluate models/en.pt --dataset gmb --labels PER,ORG,LOC --json scores.json
    nerve evaluate mine.pt --file my.test.jsonl --raw
    nerve evaluate mine.pt --file my.test.jsonl --context

`python -m nerve.training.evaluate` is the same program. It prints seqeval's report; the last line is
`micro F1 NN.NN`. Only labels that both the data and the archive have are scored. A dataset that the archive was
trained on is read as the training read it; `--map` replaces its label map.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nerve import streams
from nerve.model.archive import Archive, ArchiveError, load
from nerve.model.recognizer import Recognizer
from nerve.training import reading
from nerve.training.config import ConfigError, CorpusConfig, stored_corpora
from nerve.training.data import corpora, datasets
from nerve.training.data.corpora import Corpus
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError, Reading
from nerve.training.evaluate_options import PROGRAM, parse
from nerve.training.measure import rawtext, scores
from nerve.training.measure.documents import lengths, scored_documents


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        archive = load(options.archive, options.device)
        results = evaluate(archive, options)
        table = results.pop("report")
        if options.json is not None:
            _write_json(options.json, results)
    except (ArchiveError, ConfigError, DatasetError, FormatError) as error:
        streams.complain(f"{PROGRAM}: {error}")
        return 1
    except OSError as error:
        streams.complain(f"{PROGRAM}: {streams.refusal(error)}")
        return 1
    print(table)
    if options.context:
        print(f"micro F1 with context {results['context_f1']:.2f}")
    if options.raw:
        print(f"micro F1 on raw text {results['raw_text_f1']:.2f}")
    print(f"micro F1 {results['f1']:.2f}")
    return 0


def evaluate(archive: Archive, options: argparse.Namespace) -> dict[str, Any]:
    """The scores on one split: seqeval's `report`, and the figures that `--json` writes.

    Raises:
        ConfigError: The data has labels that the archive does not have and that are not mapped, a label to score is
            not the archive's, there is no such split, or no label is left.
        DatasetError, FormatError: The data cannot be read.
    """
    config = corpus_config(archive, options)
    corpus = to_score(archive, config, options.split, options.labels or (), options.data_dir)
    sentences = scores.scored_split(archive, corpus, options.split)
    results = {
        "archive": archive.name,
        "data": config.name,
        "split": options.split,
        **scores.score(sentences).to_json(),
        "report": scores.report(sentences),
    }
    if options.context:
        documents = lengths(config, options.split, options.data_dir)
        read = scored_documents(Recognizer(archive), corpus, options.split, documents)
        results["context_f1"] = scores.score(list(read)).f1
    if options.raw:
        results["raw_text_f1"] = rawtext.f1(Recognizer(archive), corpus, options.split)
    return results


def to_score(
    archive: Archive, config: CorpusConfig, split: str, labels: Sequence[str], data_dir: Path | None = None
) -> Corpus:
    """A corpus with one split, whose names the archive can be scored on.

    Args:
        archive: The tagger.
        config: Which corpus.
        split: The split to read.
        labels: The labels to score; if empty, all that both the corpus and the archive have.
        data_dir: As in `corpora.load`.

    Raises:
        ConfigError, DatasetError, FormatError: As `evaluate`.
    """
    for label in labels:
        if label not in archive.labels:
            raise ConfigError(f"--labels: {label} is none of {archive.name}'s: {', '.join(archive.labels)}")
    corpus = corpora.load(config, archive.labels, data_dir, splits=(split,))
    if split not in corpus.splits:
        raise ConfigError(f"{config.name} has no {split} split; it has {', '.join(datasets.splits(config.name))}")
    if labels:
        corpus = corpus.restricted(labels)
    if not corpus.annotates:
        raise ConfigError(f"{config.name}: none of its labels is among {', '.join(labels or archive.labels)}")
    return corpus


def own_file(file: Path, mapping: Mapping[str, str] | None, how: Reading | None = None) -> CorpusConfig:
    """A user's own file as a corpus, all of whose splits it is, and how to read it."""
    how = how or Reading()
    return CorpusConfig(
        train=str(file),
        dev=str(file),
        test=str(file),
        map=dict(mapping or {}),
        annotator=how.annotator,
        offsets=how.offsets,
        scheme=how.scheme,
        tag_names=how.names,
    )


def _write_json(path: Path, results: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--json {path}: cannot be written: {error.strerror}") from None


def trained_corpora(archive: Archive) -> tuple[CorpusConfig, ...]:
    """The corpora that the archive was trained on, configured as the training read them.

    A training derives what a corpus annotates from all of its splits, because a label may be absent from one. The
    result is in the archive; it stands in `annotates` here, so that reading a single split gives the same.

    Raises:
        ConfigError: The archive's settings cannot be read by this version of nerve.
    """
    stored = stored_corpora(archive.metadata.settings, archive.name)
    try:
        found = {described["name"]: tuple(described["annotates"]) for described in archive.metadata.datasets}
    except (KeyError, TypeError):
        raise ConfigError(f"{archive.name}: its archive does not say which labels its corpora annotate") from None
    return tuple(replace(corpus, annotates=found.get(corpus.name, corpus.annotates)) for corpus in stored)


def corpus_config(archive: Archive, options: argparse.Namespace) -> CorpusConfig:
    """How to read the data that the options name.

    Raises:
        ConfigError: As `trained_corpora`.
    """
    if options.file is not None:
        return own_file(options.file, options.map, reading.reading(options))
    trained = {corpus.dataset: corpus for corpus in trained_corpora(archive)}
    config = trained.get(options.dataset, CorpusConfig(options.dataset))
    return config if options.map is None else replace(config, map=options.map, annotates=())


if __name__ == "__main__":
    sys.exit(streams.run(PROGRAM, main))
