"""Vectors of characters and of pairs of neighbours, learned from unlabelled text by counting.

    python -m recipes.cooccurrence zh.txt.xz more.txt --output characters.txt --pairs pairs.txt
    python -m nerve.training.train --dataset weibo --vectors characters.txt --pair-vectors pairs.txt --output weibo.pt

For languages written without spaces. How often a string has which character at which place beside it, compared with
chance (positive pointwise mutual information), says what the string is like; the strongest directions of that table,
weighted by the root of their singular values, are its vector. That is what skip-gram with negative sampling
approximates (Levy and Goldberg 2014), in minutes, without a learning rate, and the same each time.
"""

import argparse
import lzma
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nerve.model.vocabulary import normal_form
from recipes.vectors import write

WINDOW = 3
"""Places on either side that are looked at."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        text = "".join(_read(path) + "\n" for path in options.texts)
        characters, pairs = vectors(text, options.size, options.min_count)
        write(options.output, *characters)
        if options.pairs is not None:
            write(options.pairs, pairs[0], pairs[1][:, : options.pair_size or options.size])
    except (OSError, ValueError, lzma.LZMAError) as error:
        print(f"recipes.cooccurrence: {error}", file=sys.stderr)
        return 1
    print(f"{len(characters[0]):,} characters, {len(pairs[0]):,} pairs", file=sys.stderr)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.cooccurrence", description="Vectors of characters and pairs from unlabelled text."
    )
    add = parser.add_argument
    add("texts", type=Path, nargs="+", metavar="FILE", help="UTF-8 text, plain or .xz")
    add("--output", type=Path, required=True, metavar="FILE.txt", help="vectors of characters")
    add("--pairs", type=Path, metavar="FILE.txt", help="vectors of pairs")
    add("--size", type=int, default=64, help="width of a vector (default: 64)")
    add("--pair-size", type=int, metavar="N", help="width of a pair's vector (default: the same)")
    add("--min-count", type=int, default=5, help="occurrences that a string needs (default: 5)")
    return parser.parse_args(arguments)


def vectors(text: str, size: int, min_count: int) -> tuple[tuple[list[str], Tensor], tuple[list[str], Tensor]]:
    """Characters and pairs that occur `min_count` times, the most frequent first, with their vectors (N, size).

    Raises:
        ValueError: fewer than `size` characters occur as often as that.
    """
    torch.manual_seed(1)
    points = torch.frombuffer(bytearray(normal_form(text).encode("utf-32-le")), dtype=torch.int32)
    known, ids = _frequent(points.long(), min_count)
    if len(known) < size:
        raise ValueError(f"{len(known):,} characters occur {min_count} times; vectors of {size} need as many")
    space = torch.tensor([chr(point).isspace() for point in known.tolist()])
    ids[space[ids] & (ids >= 0)] = -1  # nothing is beside a space, or a line's end
    of_characters = _embed(ids, ids, 0, len(known), size)

    both = ids[:-1] * len(known) + ids[1:]
    both[(ids[:-1] < 0) | (ids[1:] < 0)] = -1
    known_pairs, pair_ids = _frequent(both, min_count)
    of_pairs = _embed(pair_ids, ids, 1, len(known_pairs), size)
    names = [chr(point) for point in known.tolist()]
    pair_names = [names[pair // len(known)] + names[pair % len(known)] for pair in known_pairs.tolist()]
    kept = [n for n, name in enumerate(names) if not name.isspace()]
    return ([names[n] for n in kept], of_characters[kept]), (pair_names, of_pairs)


def _frequent(values: Tensor, min_count: int) -> tuple[Tensor, Tensor]:
    """The distinct values, none negative, that occur often enough, by falling count; and each value's place among
    them, or -1."""
    distinct, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    kept = (counts >= min_count) & (distinct >= 0)
    order = counts.masked_fill(~kept, 0).argsort(descending=True, stable=True)[: int(kept.sum())]
    place = torch.full_like(distinct, -1)
    place[order] = torch.arange(len(order))
    return distinct[order], place[inverse]


def _embed(rows: Tensor, characters: Tensor, wider: int, count: int, size: int) -> Tensor:
    """Vectors (count, size) of the strings that begin at each place of a text, `wider` characters longer than one."""
    contexts = int(characters.max()) + 1
    found = []
    for place, offset in enumerate([*range(-WINDOW, 0), *range(1, WINDOW + 1)]):
        shift = offset + wider if offset > 0 else offset
        string = rows[max(0, -shift) : len(characters) - max(0, shift)]
        beside = characters[max(0, shift) :][: len(string)]
        string = string[: len(beside)]
        seen = (string >= 0) & (beside >= 0)
        found.append(string[seen] * (contexts * 2 * WINDOW) + place * contexts + beside[seen])
    cells, counts = torch.unique(torch.cat(found), return_counts=True)
    row, column = cells // (contexts * 2 * WINDOW), cells % (contexts * 2 * WINDOW)
    amounts = counts.double()
    of_row = torch.zeros(count, dtype=torch.double).index_add(0, row, amounts)
    # Contexts are smoothed as in word2vec (Levy, Goldberg and Dagan 2015), or rare ones would weigh most.
    of_column = torch.zeros(contexts * 2 * WINDOW, dtype=torch.double).index_add(0, column, amounts).pow(0.75)
    information = (amounts * of_column.sum() / (of_row[row] * of_column[column])).log()
    positive = information > 0
    table = torch.sparse_coo_tensor(
        torch.stack([row, column])[:, positive],
        information[positive].float(),
        (count, contexts * 2 * WINDOW),
        check_invariants=True,
    ).coalesce()
    left, strength, _ = torch.svd_lowrank(table, q=size + 16, niter=4)
    embedded = left[:, :size] * strength[:size].sqrt()
    scaled: Tensor = embedded * (0.1 / embedded.square().mean()).sqrt()
    return scaled


def _read(path: Path) -> str:
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
