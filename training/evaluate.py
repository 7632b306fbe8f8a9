"""Score an archive on a dataset, or on a file of one's own.

    python -m nerve.training.evaluate models/en.pt --dataset uner_en_ewt
    python -m nerve.training.evaluate models/en.pt --dataset gmb --labels PER,ORG,LOC --json scores.json
    python -m nerve.training.evaluate mine.pt --file my.test.jsonl --raw

Prints seqeval's report; the last line is `micro F1 NN.NN`. Only labels that both the data and the archive have are
scored. An archive that was trained on the dataset maps its labels as the training did, unless --map says otherwise.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nerve.model.archive import Archive, ArchiveError, load
from nerve.model.recognizer import Recognizer
from nerve.training.config import ConfigError, CorpusConfig
from nerve.training.data import corpora, datasets
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError
from nerve.training.measure import metrics, rawtext
from nerve.training.options import mapping, names


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    try:
        archive = load(options.archive, options.device)
        results = evaluate(archive, options)
    except (ArchiveError, ConfigError, DatasetError, FormatError, OSError) as error:
        print(f"nerve.training.evaluate: {error}", file=sys.stderr)
        return 1
    print(results.pop("report"))
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if options.raw:
        print(f"micro F1 on raw text {results['raw_text_f1']:.2f}")
    print(f"micro F1 {results['f1']:.2f}")
    return 0


def evaluate(archive: Archive, options: argparse.Namespace) -> dict[str, Any]:
    """The scores on one split: seqeval's `report`, and what `--json` writes.

    Raises:
        ConfigError: the data has labels that the archive has not, and that are not mapped; a label to score is not
            the archive's; there is no such split; or no label is left.
        DatasetError, FormatError: the data cannot be read.
    """
    for label in options.labels or ():
        if label not in archive.labels:
            raise ConfigError(f"--labels: {label} is none of {archive.name}'s: {', '.join(archive.labels)}")
    config = _corpus(archive, options)
    corpus = corpora.load(config, archive.labels, options.data_dir, splits=(options.split,))
    if options.split not in corpus.splits:
        raise ConfigError(
            f"{config.name} has no {options.split} split; it has {', '.join(datasets.splits(config.name))}"
        )
    if options.labels:
        corpus = corpus.restricted(options.labels)
    if not corpus.annotates:
        raise ConfigError(f"{config.name}: none of its labels is among {', '.join(options.labels or archive.labels)}")
    gold, predicted = metrics.judged(archive, corpus, options.split)
    results: dict[str, Any] = {
        "archive": archive.name,
        "data": config.name,
        "split": options.split,
        **metrics.score(gold, predicted).to_json(),
        "report": metrics.report(gold, predicted),
    }
    if options.raw:
        results["raw_text_f1"] = rawtext.f1(Recognizer(archive), corpus, options.split)
    return results


def _corpus(archive: Archive, options: argparse.Namespace) -> CorpusConfig:
    metadata = archive.metadata
    for trained, described in zip(metadata.settings["corpora"], metadata.datasets, strict=True):
        if options.map is None and options.dataset and trained["dataset"] == options.dataset:
            return CorpusConfig(
                options.dataset,
                map=trained["map"],
                # As training found it in all splits: a label may be missing from this one.
                annotates=tuple(described["annotates"]),
                no_names=tuple(trained["no_names"]),
            )
    if options.file is None:
        return CorpusConfig(options.dataset, map=options.map or {})
    file = str(options.file)
    return CorpusConfig(train=file, dev=file, test=file, map=options.map or {})


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m nerve.training.evaluate", description="Score an archive: seqeval's report, then its micro F1."
    )
    add = parser.add_argument
    add("archive", type=Path, metavar="ARCHIVE")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--dataset", metavar="NAME", help=f"one of {', '.join(datasets.names())}")
    data.add_argument("--file", type=Path, metavar="FILE", help="CoNLL columns or JSON lines of one's own")
    add("--split", choices=datasets.SPLITS, default="test", help="of the dataset (default: test)")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE and fetch nothing")
    add("--map", type=mapping, metavar="A=B,…", help="rename the data's labels; to O: no name, to ?: not known")
    add("--labels", type=names, metavar="A,B,…", help="score these of the archive's labels only")
    add("--raw", action="store_true", help="score the same names in raw text too")
    add("--json", type=Path, metavar="FILE", help="write the figures there as well")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
