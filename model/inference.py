"""The tagger as one CPU thread runs it fastest. `archive.load` makes it of an archive's weights; nothing is trained
here, and nothing of it is saved. Its tags are the tagger's, its scores the same to 1e-5; docs/performance.md has what
each of these gains.

- What the first layer makes of a word before it looks at neighbours, `weight_ih @ word + bias`, depends on the word
  alone. A bounded table remembers it, which leaves `weight_hh @ state` to compute for each token: less than half.
- The directions take their steps together, padding last in both.
- The product of that step has its weights packed by oneDNN, which knows AVX-512 on every maker's processors.
- tanh(x) is 2 sigmoid(2x) - 1, and torch's sigmoid is ten times as fast as its tanh. The factors of 2 are in the
  weights, so that a step's four gates are one sigmoid.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from nerve.model.batch import collate
from nerve.model.config import TaggerConfig
from nerve.model.crf import CRF
from nerve.model.single import SingleDecoder
from nerve.model.vocabulary import WordIds

TABLE_WORDS = 8192
"""Words that the table remembers, at 4 bytes x 4 gates x H x directions each (52 MB for H = 200 and two); it is
emptied when full."""

SLICE_WORDS = 512
"""New words of which the table makes vectors at once: what that takes for a moment, and the C library then keeps, is
bounded by it and not by the batch."""

PACKED_FROM = 4
"""Sentences in a batch from which the product with packed weights is faster than the plain one."""


def supports(config: TaggerConfig, device: str) -> bool:
    """Whether there is a fast form: for LSTMs on the CPU that look at words without their neighbours, for a word with
    both its pairs is seldom seen again. The archive's own script runs all else."""
    return config.cell == "lstm" and not config.pair_size and device == "cpu"


class WordTable:
    """What the first layer makes of each word, by `WordIds`. Not for several threads."""

    def __init__(self, represent: Callable[[Tensor, Tensor], Tensor], project: Callable[[Tensor], Tensor]) -> None:
        """
        Args:
            represent: features (U, F) and characters (U, C) -> (U, E); a `WordEncoder`, eager or scripted.
            project: (U, E) -> (U, N); `Inference.project`.
        """
        self._represent, self._project = represent, project
        self._rows = _Rows()
        self._table = torch.empty(0, 0)

    def look_up(self, sentences: Sequence[Sequence[WordIds]]) -> tuple[Tensor, Tensor]:
        """The table (TABLE_WORDS, N), and the rows of all words of these sentences, one sentence after the other. The
        words together are TABLE_WORDS at most."""
        try:
            known, rows = self._numbered(sentences)
            if len(self._rows) > TABLE_WORDS:
                self._rows.clear()
                known, rows = self._numbered(sentences)
            self._fill(known)
        except BaseException:
            # Ctrl+C in a notebook, or no memory: the new words have numbers, but no vectors.
            self._rows.clear()
            raise
        return self._table, torch.tensor(rows)

    def _fill(self, known: int) -> None:
        """Make the vectors of the new words, which come after the `known` ones."""
        for start in range(0, len(self._rows.new), SLICE_WORDS):
            new = self._rows.new[start : start + SLICE_WORDS]
            batch = collate([new]).rounded()
            vectors = self._project(self._represent(batch.features, batch.characters))[: len(new)]
            if not len(self._table):
                self._table = vectors.new_empty(TABLE_WORDS, vectors.shape[1])
            self._table[known + start :][: len(new)] = vectors

    def _numbered(self, sentences: Sequence[Sequence[WordIds]]) -> tuple[int, list[int]]:
        """How many words had a vector before, and each word's row."""
        known, self._rows.new = len(self._rows), []
        return known, list(map(self._rows.__getitem__, chain.from_iterable(sentences)))


class _Rows(dict[WordIds, int]):
    """Numbers words in the order in which they are first asked for; `new` holds those that have no vector yet."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[WordIds] = []

    def __missing__(self, word: WordIds) -> int:
        self.new.append(word)
        row = self[word] = len(self)
        return row


class Inference(nn.Module):
    """From the rows of words to tags: the recurrent layers, the emissions and the CRF. Scripts with TorchScript."""

    emission: Tensor
    bias: Tensor

    def __init__(self, config: TaggerConfig, weights: Mapping[str, Tensor], tags: Sequence[str]) -> None:
        """
        Args:
            weights: a `Tagger`'s, by their names there.
        """
        super().__init__()
        names = ("onward", "mirrored") if config.bidirectional else ("onward",)
        layers = [
            [_Direction.of(weights, f"encoder.layers.{n}.{name}.", 2 if n else 1) for name in names]
            for n in range(config.layers)
        ]
        self.project = _Projection(layers[0])
        self.first = _Recurrence(layers[0])
        self.projections = nn.ModuleList(map(_Projection, layers[1:]))
        self.further = nn.ModuleList(map(_Recurrence, layers[1:]))
        self.directions = len(names)
        emission = weights["emission.weight"].reshape(len(tags), len(names), config.hidden_size)
        self.register_buffer("emission", 2 * emission.permute(1, 2, 0).contiguous())  # (D, H, T)
        self.register_buffer("bias", weights["emission.bias"])
        self.crf = CRF(tags)
        self.crf.load_state_dict({name: weights[f"crf.{name}"] for name in self.crf.state_dict()})
        self.single = SingleDecoder(self.crf)

    def forward(self, table: Tensor, words: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            table, words: from `WordTable.look_up`; the words are of sentences of these lengths (B).

        Returns:
            tag_ids (B, L) int64 and confidence (B, L) float32, as `CRF.decode` describes them.
        """
        step = torch.arange(int(lengths.max())).unsqueeze(1)  # (L, 1)
        back = lengths - 1 - step
        back = torch.where(
            back >= 0, back, step
        )  # (L, B) where a token stands when its sentence is read from the end
        places = torch.stack([step.expand_as(back), back][: self.directions], 1)  # (L, D, B)
        direction = torch.arange(self.directions).unsqueeze(1)

        begins = lengths.cumsum(0) - lengths
        rows = words.take((begins + places).clamp(max=len(words) - 1))
        states = self.first(table, rows * self.directions + direction)  # (D, L, B, H)
        for project, recurrence in zip(self.projections, self.further, strict=True):
            both = torch.cat([_turned(states[d], back, d) for d in range(self.directions)], 2)  # (L, B, D x H)
            rows = places * len(lengths) + torch.arange(len(lengths))
            states = recurrence(project(both), rows * self.directions + direction)

        scores = torch.bmm(states.flatten(1, 2), self.emission).view(self.directions, len(step), len(lengths), -1)
        emissions = self.bias + scores[0]
        for d in range(1, self.directions):
            emissions = emissions + _turned(scores[d], back, d)
        emissions = emissions.transpose(0, 1)
        decoded: tuple[Tensor, Tensor] = (
            self.single(emissions) if len(lengths) == 1 else self.crf.decode(emissions, lengths)
        )
        return decoded


class _Direction(NamedTuple):
    """An LSTM's weights of one layer and direction, for states that are half of the LSTM's and cells twice of it:

    h / 2 = o (sigmoid(2c) - 1/2) and 2c = f 2c + 4 i (g' - 1/2), where tanh's gate g = 2g' - 1.
    """

    weight: Tensor
    """(4H, E)"""
    bias: Tensor
    """(4H)"""
    recurrent: Tensor
    """(4H, H)"""

    @classmethod
    def of(cls, weights: Mapping[str, Tensor], prefix: str, input_factor: int) -> "_Direction":
        """From a tagger's weights whose names begin with `prefix`; `input_factor` is 2 for what reads half states."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weight, recurrent, bias, other_bias = (weights[f"{prefix}{name}_l0"] for name in names)
        gates = torch.ones(4, 1)
        gates[2] = 2.0  # i, f, g, o
        gates = gates.expand(-1, recurrent.shape[1]).reshape(-1, 1)
        return cls(input_factor * gates * weight, gates[:, 0] * (bias + other_bias), 2 * gates * recurrent)


class _Projection(nn.Module):
    """What a layer makes of each of its inputs, whatever stands beside it."""

    weight: Tensor
    bias: Tensor
    packed: list[Tensor]

    def __init__(self, layer: Sequence[_Direction]) -> None:
        super().__init__()
        self.register_buffer("weight", torch.cat([one.weight for one in layer]))
        self.register_buffer("bias", torch.cat([one.bias for one in layer]))
        self.packed = _packed([self.weight])

    def forward(self, inputs: Tensor) -> Tensor:
        """(…, E) -> (…, D x 4H)."""
        if len(self.packed) == 0:
            return nn.functional.linear(inputs, self.weight, self.bias)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.packed[0], self.bias, "none", [], "")
        return product


class _Recurrence(nn.Module):
    """What a layer makes of the projections of a sentence's words, one after the other."""

    packed_from: Final[int] = PACKED_FROM  # a scripted method sees constants of its class, not of its file
    recurrent: Tensor
    packed: list[Tensor]
    """by direction; as in all of this file empty where torch has no oneDNN"""

    def __init__(self, layer: Sequence[_Direction]) -> None:
        super().__init__()
        self.size = layer[0].recurrent.shape[1]
        self.register_buffer(
            "recurrent", torch.stack([one.recurrent.t() for one in layer]).contiguous()
        )  # (D, H, 4H)
        self.packed = _packed([one.recurrent for one in layer])

    def forward(self, table: Tensor, rows: Tensor) -> Tensor:
        """The states, (D, L, B, H), for the rows (L, D, B) of a table that is (N, 4H) or holds as many."""
        length, directions, count = rows.shape
        table = table.view(-1, 4 * self.size)
        states = table.new_empty(directions, length, count, self.size)
        state = table.new_zeros(directions, count, self.size)
        cell = table.new_zeros(directions, count, self.size)
        if len(self.packed) > 0 and count >= self.packed_from:
            for of_step, row in zip(states.unbind(1), rows.flatten(1).unbind(0), strict=True):
                gates = table.index_select(0, row).view(directions, count, -1)
                for one, before, weight in zip(gates.unbind(0), state.unbind(0), self.packed, strict=True):
                    one.add_(torch.ops.mkldnn._linear_pointwise(before, weight, None, "none", [], ""))
                state = lstm_step(gates, cell, of_step)
        else:
            gathered = table.index_select(0, rows.flatten()).view(length, directions, count, -1)
            for of_step, gates in zip(states.unbind(1), gathered.unbind(0), strict=True):
                state = lstm_step(gates.baddbmm_(state, self.recurrent), cell, of_step)
        return states


def lstm_step(gates: Tensor, cell: Tensor, state: Tensor) -> Tensor:
    """The states (D, B, H) after a step, written into `state`. The gates (D, B, 4H), given before their sigmoid, are
    overwritten, and the cells (D, B, H) by those after the step."""
    i, f, g, o = gates.sigmoid_().chunk(4, 2)
    cell.mul_(f).addcmul_(i, g.sub_(0.5), value=4.0)
    return torch.mul(o, cell.sigmoid().sub_(0.5), out=state)


def _packed(weights: Sequence[Tensor]) -> list[Tensor]:
    """Weights (out, in) as oneDNN wants them, for `torch.ops.mkldnn._linear_pointwise`; none where torch has none."""
    return [torch.ops.mkldnn._reorder_linear_weight(weight) for weight in weights if torch._C._has_mkldnn]


def _turned(values: Tensor, back: Tensor, direction: int) -> Tensor:
    """(L, B, …) in the order of the text, given in the order of this direction."""
    return values if direction == 0 else values.gather(0, back.unsqueeze(2).expand_as(values))
