"""Learn vectors of characters and of pairs of neighbouring characters from unlabelled text, by counting.

    python -m recipes.cooccurrence zh.txt.xz more.txt --output characters.txt --pairs pairs.txt
    nerve train --dataset weibo --vectors characters.txt --pair-size 64 --pair-vectors pairs.txt --output weibo.pt

For languages written without spaces. A table counts which character stands at which place beside a string, compared
with chance (positive pointwise mutual information). A truncated singular value decomposition of the table gives the
vectors: left singular vectors, weighted by the root of the singular values. Skip-gram with negative sampling
approximates the same (Levy and Goldberg 2014); this takes minutes, has no learning rate, and is reproducible.
"""

import argparse
import lzma
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nerve.model.vocabulary import normal_form
from recipes.text import read_text
from recipes.vectors import write

WINDOW = 3
"""Places on either side of a string that are counted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        text = "".join(read_text(path) + "\n" for path in options.texts)
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
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.cooccurrence", description="Vectors of characters and pairs from unlabelled text."
    )
    add = parser.add_argument
    add("texts", type=Path, nargs="+", metavar="FILE", help="UTF-8 text, plain or .xz")
    add("--output", type=Path, required=True, metavar="FILE.txt", help="vectors of characters to write")
    add("--pairs", type=Path, metavar="FILE.txt", help="vectors of pairs to write")
    add("--size", type=int, default=64, help="width of a vector (default: 64)")
    add("--pair-size", type=int, metavar="N", help="width of a pair's vector (default: that of --size)")
    add("--min-count", type=int, default=5, help="fewest occurrences of a string that gets a vector (default: 5)")
    return parser.parse_args(arguments)


def vectors(text: str, size: int, min_count: int) -> tuple[tuple[list[str], Tensor], tuple[list[str], Tensor]]:
    """Characters, and pairs of them, each with vectors (N, size), the most frequent first.

    Args:
        text: What to count in. White space separates and is not a character.
        size: Width of a vector.
        min_count: Fewest occurrences of a string that gets a vector.

    Raises:
        ValueError: Fewer than `size` characters occur so often.
    """
    torch.manual_seed(1)
    points = torch.frombuffer(bytearray(normal_form(text).encode("utf-32-le")), dtype=torch.int32)
    known, ids = _frequent(points.long(), min_count)
    if len(known) < size:
        raise ValueError(
            f"only {len(known):,} characters occur {min_count} times; vectors of width {size} need {size:,}"
        )
    space = torch.tensor([chr(point).isspace() for point in known.tolist()])
    ids[space[ids] & (ids >= 0)] = -1  # a space or a line's end is no neighbour
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
    """The distinct values, none negative, that occur often enough, by falling count; and the index of each value.

    The index of a value that does not occur often enough is -1.
    """
    distinct, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    kept = (counts >= min_count) & (distinct >= 0)
    order = counts.masked_fill(~kept, 0).argsort(descending=True, stable=True)[: int(kept.sum())]
    place = torch.full_like(distinct, -1)
    place[order] = torch.arange(len(order))
    return distinct[order], place[inverse]


def _embed(rows: Tensor, characters: Tensor, wider: int, count: int, size: int) -> Tensor:
    """Vectors (count, size) of the strings at each place of a text.

    Args:
        rows: For each place, the index of the string that begins there, or -1.
        characters: For each place, the index of its character, or -1.
        wider: How many characters longer than one the strings are.
        count: How many strings there are.
        size: Width of a vector.
    """
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
    # Smoothed as in word2vec (Levy, Goldberg and Dagan 2015): rare contexts would weigh most otherwise.
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


if __name__ == "__main__":
    sys.exit(main())
