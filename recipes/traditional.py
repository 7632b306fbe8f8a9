"""Turn simplified Chinese into traditional, by a table learned from a corpus that exists in both scripts.

    python -m recipes.traditional uner_zh_gsdsimp uner_zh_gsd text.txt.xz --output traditional.txt
    python -m recipes.traditional uner_zh_gsdsimp uner_zh_gsd corpus.txt --output mixed.txt --every 2

Each character becomes the one that stands for it most often in the parallel corpus; an unseen one stays. That is not
a translation, and one character in a few hundred comes out wrong, but a tagger that learns from such text can read
traditional names that none of its corpora holds. `--every 2` converts every second block (lines up to a blank one).
"""

import argparse
import lzma
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from nerve.training.data import datasets
from nerve.training.data.datasets import DatasetError
from recipes.text import read_text


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        table = learned(
            (simplified.tokens, traditional.tokens)
            for split in datasets.SPLITS[:2]  # not from test
            for simplified, traditional in zip(
                datasets.load(options.simplified, split, options.data_dir),
                datasets.load(options.traditional, split, options.data_dir),
                strict=True,
            )
        )
        blocks = read_text(options.text).split("\n\n")
        blocks[:: options.every] = [block.translate(table) for block in blocks[:: options.every]]
        options.output.write_text("\n\n".join(blocks), encoding="utf-8")
    except (OSError, ValueError, DatasetError, lzma.LZMAError) as error:
        print(f"recipes.traditional: {error}", file=sys.stderr)
        return 1
    print(f"{len(table):,} characters differ", file=sys.stderr)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.traditional", description="Turn simplified Chinese into traditional."
    )
    add = parser.add_argument
    add("simplified", metavar="DATASET", help="such as uner_zh_gsdsimp")
    add("traditional", metavar="DATASET", help="the same sentences, such as uner_zh_gsd")
    add("text", type=Path, metavar="FILE", help="UTF-8, plain or .xz")
    add("--output", type=Path, required=True, metavar="FILE.txt")
    add(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="convert every N-th block, beginning with the first (default: 1)",
    )
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def learned(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> dict[int, str]:
    """A table for `str.translate`, from sentences in both scripts (simplified, traditional), a character a token.

    Pairs of different length are ignored, because their characters cannot be matched.
    """
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for simplified_sentence, traditional_sentence in pairs:
        if len(simplified_sentence) == len(traditional_sentence):
            for simplified, traditional in zip(simplified_sentence, traditional_sentence, strict=True):
                if len(simplified) == len(traditional) == 1:
                    seen[simplified][traditional] += 1
    best = {simplified: counts.most_common(1)[0][0] for simplified, counts in seen.items()}
    return {ord(simplified): traditional for simplified, traditional in best.items() if simplified != traditional}


if __name__ == "__main__":
    sys.exit(main())
