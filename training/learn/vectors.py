"""Word vectors that a training starts from: a text file with a word and its numbers a line, as GloVe and word2vec."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from nerve.model.vocabulary import normal_form

MAX_WIDTH = 4096
"""Widest vectors that are read; a word embedding can be as wide."""


class VectorError(Exception):
    """Vectors cannot be made or read; the message is one line that says why."""


@dataclass(frozen=True)
class Vectors:
    """Words in their normal form, the most frequent first, and their vectors (N, D)."""

    words: tuple[str, ...]
    matrix: Tensor

    @property
    def size(self) -> int:
        """Width of a vector."""
        return self.matrix.shape[1]

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of each word in `matrix`."""
        return {word: n for n, word in enumerate(self.words)}

    def widened(self, words: Iterable[str]) -> "Vectors":
        """These vectors with more words, whose vectors are zeros where they are new."""
        new = [word for word in dict.fromkeys(words) if word not in self.row]
        return Vectors((*self.words, *new), torch.cat([self.matrix, torch.zeros(len(new), self.size)]))

    def of(self, words: Iterable[str]) -> Tensor:
        """The vectors of these words, (N, D); each must have one."""
        return self.matrix[[self.row[word] for word in words]]


def read(path: Path, needed: Iterable[str], limit: int) -> Vectors:
    """The first `limit` words of a vector file, and beyond them those of `needed`.

    Words are read in their normal form, as in the vocabulary; of several with the same one, the first counts.

    Raises:
        VectorError: The file is missing, empty or too wide, or a line has another number of values than the first.
    """
    keep = set(needed)
    words: dict[str, None] = {}
    values = array("f")
    width = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                word, _, numbers = line.rstrip("\n").partition(" ")
                count = numbers.count(" ") + 1 if numbers else 0
                if number == 1 and count == 1:
                    continue  # word2vec's header: how many words, how wide
                if not count and not width:
                    break  # no vectors
                width = width or count
                if count != width:
                    raise VectorError(f"{path}:{number}: {count} values; the lines above have {width}")
                if width > MAX_WIDTH:
                    raise VectorError(f"{path}: vectors of {width:,} numbers; the limit is {MAX_WIDTH:,}")
                word = normal_form(word)
                if word not in words and (len(words) < limit or word in keep):
                    words[word] = None
                    values.extend(map(float, numbers.split(" ")))
    except (OSError, ValueError) as error:
        raise VectorError(f"{path}: {error}") from error
    if not words or not width:
        raise VectorError(f"{path}: no vectors")
    return Vectors(tuple(words), torch.frombuffer(values, dtype=torch.float32).reshape(-1, width).clone())
