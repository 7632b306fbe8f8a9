"""A bounded table of what the first layer computes of each word, for words that come again.

`W · x + b` of the first recurrent layer depends on the word alone, not on its neighbours, and is more than half of
the arithmetic of a tagger. The fast form therefore computes it once for each word, and looks it up afterwards: by the
word itself, so that of a word that was seen before not even the ids are asked for.
"""

from array import array
from collections.abc import Callable, Sequence
from itertools import chain

import torch
from torch import Tensor

from nerve.model.batch import collate
from nerve.model.vocabulary import WordIds

CAPACITY = 8192
"""Words in a table, at 4 bytes x 4 H for each direction: 52 MB for H = 200 and two directions."""

GPU_CAPACITY = 131_072
"""The same on a GPU: 0.8 GB of its memory. The table must hold as many words as a batch has tokens."""

SLICE_WORDS = 512
"""New words that are computed at once. It bounds the memory that this takes for a moment, which the C library then
keeps; the batch does not."""


class WordTable:
    """The rows of words seen so far. It is emptied when full. Use it from one thread.

    Args:
        ids: the ids of words; `Vocabulary.ids`.
        represent: features (U, F) and characters (U, C) -> (U, E); a `WordEncoder`, eager or scripted.
        project: (U, E) -> (U, N); `FastTagger.project`.
        device: where both compute, and where the table is.
        capacity: words that the table holds at most.
        slice_words: new words that are computed at once.
    """

    def __init__(
        self,
        ids: Callable[[Sequence[str]], Sequence[WordIds]],
        represent: Callable[[Tensor, Tensor], Tensor],
        project: Callable[[Tensor], Tensor],
        device: str = "cpu",
        capacity: int = CAPACITY,
        slice_words: int = SLICE_WORDS,
    ) -> None:
        self.capacity = capacity
        self._ids, self._represent, self._project = ids, represent, project
        self._device = device
        self._slice_words = slice_words
        self._rows = _Rows()
        self._table = torch.empty(0, 0)

    def __len__(self) -> int:
        """How many words the table holds."""
        return len(self._rows)

    def clear(self) -> None:
        """Forget all words."""
        self._rows.clear()

    def look_up(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """The table, and the row of each word.

        Args:
            sentences: their words; `capacity` at most, all together.

        Returns:
            table (capacity, N) and rows (words), of one sentence after the other, both on the device.
        """
        try:
            before, rows = self._numbered(sentences)
            if len(self._rows) > self.capacity:
                self._rows.clear()
                before, rows = self._numbered(sentences)
            self._fill(before)
        except BaseException:
            # Ctrl+C in a notebook, or no memory: the new words have numbers, but no vectors.
            self._rows.clear()
            raise
        of_words = torch.frombuffer(rows, dtype=torch.int64)
        if self._device == "cuda":
            # Only numbers of words go to a GPU, from pinned memory, so that the copy waits for nothing.
            of_words = of_words.pin_memory()
        return self._table, of_words.to(self._device, non_blocking=True)

    def _fill(self, before: int) -> None:
        """Compute the vectors of the new words, which follow the first `before` ones."""
        for start in range(0, len(self._rows.new), self._slice_words):
            new = self._rows.new[start : start + self._slice_words]
            batch = collate([self._ids(new)]).rounded().to(self._device)
            # Words that differ in unknown characters alone have the same ids.
            vectors = self._project(self._represent(batch.features, batch.characters))[batch.tokens[0]]
            if not len(self._table):
                self._table = vectors.new_empty(self.capacity, vectors.shape[1])
            self._table[before + start :][: len(new)] = vectors

    def _numbered(self, sentences: Sequence[Sequence[str]]) -> tuple[int, "array[int]"]:
        """How many words were in the table before, and the row of each word."""
        before, self._rows.new = len(self._rows), []
        return before, array("q", list(map(self._rows.__getitem__, chain.from_iterable(sentences))))


class _Rows(dict[str, int]):
    """Numbers words in the order in which they are first looked up; `new` holds those without a vector yet."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[str] = []

    def __missing__(self, word: str) -> int:
        self.new.append(word)
        row = self[word] = len(self)
        return row
