"""Simplified Chinese as traditional: a table of characters learned from a corpus that exists in both scripts.

    python -m recipes.script uner_zh_gsdsimp uner_zh_gsd text.txt.xz --output traditional.txt
    python -m recipes.script uner_zh_gsdsimp uner_zh_gsd corpus.txt --output mixed.txt --every 2

Each character becomes the one that stands for it most often in the parallel corpus; one that was not seen stays. That
is no translation, and one character in a few hundred comes out wrong, but a tagger that learns from such text reads
traditional names that no corpus of its own holds. `--every 2` converts every second block (lines up to a blank one).
"""

import argparse
import lzma
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from nerve.training.data import datasets
from nerve.training.data.datasets import DatasetError


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        table = learned(
            (one.tokens, other.tokens)
            for split in datasets.SPLITS[:2]  # test sets stay unseen
            for one, other in zip(
                datasets.load(options.simplified, split, options.data_dir),
                datasets.load(options.traditional, split, options.data_dir),
                strict=True,
            )
        )
        blocks = _read(options.text).split("\n\n")
        chosen = [b.translate(table) if n % options.every == 0 else b for n, b in enumerate(blocks)]
        options.output.write_text("\n\n".join(chosen), encoding="utf-8")
    except (OSError, ValueError, DatasetError, lzma.LZMAError) as error:
        print(f"recipes.script: {error}", file=sys.stderr)
        return 1
    print(f"{len(table):,} characters differ", file=sys.stderr)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m recipes.script", description="Simplified text as traditional.")
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
        help="convert each N-th block, the first one included (default: 1)",
    )
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def learned(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> dict[int, str]:
    """The table for `str.translate`, from sentences in both scripts, a character a token. Pairs of unlike length say
    nothing and are passed over."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one, other in pairs:
        if len(one) == len(other):
            for simplified, traditional in zip(one, other, strict=True):
                if len(simplified) == len(traditional) == 1:
                    seen[simplified][traditional] += 1
    best = {simplified: counts.most_common(1)[0][0] for simplified, counts in seen.items()}
    return {ord(simplified): traditional for simplified, traditional in best.items() if simplified != traditional}


def _read(path: Path) -> str:
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
