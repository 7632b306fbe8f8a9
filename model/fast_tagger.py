"""The tagger arranged for speed, for one CPU thread or for a GPU. `archive.load` builds it from an archive's weights.

It is never trained and never saved. Its tags are the tagger's, and its scores differ by less than 1e-5:
tests/model/test_fast_tagger.py compares the two on every cell. docs/performance.md has what each change gains.

- A `WordTable` remembers what the first layer computes of a word alone, so that a token costs only the product
  with the state: less than half.
- Both directions take their steps together; padding comes last in both.
- The weights of that product are packed (`packed_linear`). On a GPU the time goes by the number of kernels: there all
  tokens are looked up before the first step, and one product serves both directions.
- Every tanh is a sigmoid, by factors in the weights (`cells.fold_tanh`), so that the gates of a step are one sigmoid.
"""

import sys
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nerve.model.cells import CellWeights, StepWeights, fold_tanh, step_of
from nerve.model.config import TaggerConfig
from nerve.model.crf import CRF
from nerve.model.packed_linear import linear
from nerve.model.single import SingleDecoder

PACKED_FROM = 4
"""Sentences in a batch from which the product with packed weights is faster than a plain one of both directions."""


def supports(config: TaggerConfig) -> bool:
    """Whether there is a fast form of a tagger with this configuration.

    There is one of taggers that look at words without their neighbours: a word with both its pairs seldom comes
    again. The script in the archive runs all others.
    """
    return not config.pair_size and not config.lexicon_size


class FastTagger(nn.Module):
    """From the rows of words in a `WordTable` to tags. Scripts with TorchScript.

    Args:
        config: the tagger's.
        weights: a `Tagger`'s, by their names there.
        tags: the tagger's, in its order.
        packed: whether products use weights packed by oneDNN; see `packed_linear.packing_works`.
        gpu: whether it is arranged for a GPU, where few kernels matter and memory does not.
    """

    emission: Tensor
    bias: Tensor

    def __init__(
        self,
        config: TaggerConfig,
        weights: Mapping[str, Tensor],
        tags: Sequence[str],
        *,
        packed: bool,
        gpu: bool = False,
    ) -> None:
        super().__init__()
        names = ("forward_rnn", "backward_rnn") if config.bidirectional else ("forward_rnn",)
        layers = [
            [_step_weights(weights, f"encoder.layers.{n}.{name}.", config, halved_inputs=n > 0) for name in names]
            for n in range(config.layers)
        ]
        projections, recurrences = [], []
        for layer in layers:
            projection, bias = (torch.cat(parts) for parts in list(zip(*layer, strict=True))[:2])
            projections.append(linear(projection, bias, packed=packed))
            gather_below = sys.maxsize if gpu else PACKED_FROM
            recurrences.append(Recurrence(layer, step_of(config.cell), gather_below, packed=packed))
        self.project = projections[0]  # (…, E) -> (…, D W), for the word table
        self.first = recurrences[0]
        self.projections = nn.ModuleList(projections[1:])
        self.others = nn.ModuleList(recurrences[1:])
        self.directions = len(names)
        emission = weights["emission.weight"].reshape(len(tags), len(names), config.hidden_size)
        self.register_buffer("emission", 2 * emission.permute(1, 2, 0).contiguous())  # (D, H, T), of halved states
        self.register_buffer("bias", weights["emission.bias"])
        self.crf = CRF(tags)
        self.crf.load_state_dict({name: weights[f"crf.{name}"] for name in self.crf.state_dict()})
        self.single = SingleDecoder(self.crf)
        self.alone = 0 if gpu else 1  # sentences of a batch for which `single` is faster

    def forward(self, table: Tensor, words: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The best tags of a batch.

        Args:
            table: from `WordTable.look_up`.
            words: from there, too: the rows of all words, one sentence after the other.
            lengths: (B), tokens of each sentence; on the CPU, wherever the rest is.

        Returns:
            tag_ids (B, L) int64 and confidence (B, L) float32, as `CRF.decode` describes them.
        """
        emissions = self.emissions(table, words, lengths)
        decoded: tuple[Tensor, Tensor] = (
            self.single(emissions)
            if len(lengths) == self.alone
            else self.crf.decode(emissions, lengths.to(emissions.device))
        )
        return decoded

    def emissions(self, table: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """As `Tagger.emissions`, from what `forward` takes: (B, L, T)."""
        device = words.device
        step = torch.arange(int(lengths.max()), device=device).unsqueeze(1)  # (L, 1)
        lengths = lengths.to(device)
        back = lengths - 1 - step
        # (L, B) where a token stands when its sentence is read from the end; padding stays where it is
        back = torch.where(back >= 0, back, step)
        places = torch.stack([step.expand_as(back), back][: self.directions], 1)  # (L, D, B)
        direction = torch.arange(self.directions, device=device).unsqueeze(1)

        begins = lengths.cumsum(0) - lengths
        rows = words.take((begins + places).clamp(max=len(words) - 1))
        states = self.first(table, rows * self.directions + direction)  # (D, L, B, H)
        for project, recurrence in zip(self.projections, self.others, strict=True):
            both = torch.cat([_in_text_order(states[d], back, d) for d in range(self.directions)], 2)  # (L, B, D H)
            rows = places * len(lengths) + torch.arange(len(lengths), device=device)
            states = recurrence(project(both), rows * self.directions + direction)

        scores = torch.bmm(states.flatten(1, 2), self.emission).view(self.directions, len(step), len(lengths), -1)
        emissions = self.bias + scores[0]
        for d in range(1, self.directions):
            emissions = emissions + _in_text_order(scores[d], back, d)
        return emissions.transpose(0, 1)


class Recurrence(nn.Module):
    """One recurrent layer in all its directions, over projections that are ready. Scripts with TorchScript.

    Batches of fewer than `gather_below` sentences gather the sums of all tokens before the first step, and multiply
    both directions at once.
    """

    recurrent: Tensor

    def __init__(self, layer: Sequence[StepWeights], step: nn.Module, gather_below: int, *, packed: bool) -> None:
        super().__init__()
        self.gather_below = gather_below
        self.width = len(layer[0].projection)
        self.product_width, self.size = layer[0].recurrent.shape
        self.register_buffer("recurrent", torch.stack([one.recurrent.t() for one in layer]).contiguous())  # (D, H, P)
        self.products = nn.ModuleList(linear(one.recurrent, None, packed=packed) for one in layer)
        self.step = step

    def forward(self, table: Tensor, rows: Tensor) -> Tensor:
        """The halved states of all tokens.

        Args:
            table: (N, W), the sums of `StepWeights` without the product with the state, or (N / D, D W).
            rows: (L, D, B), which of them each token takes.

        Returns:
            (D, L, B, H), each direction in its own order.
        """
        length, directions, count = rows.shape
        table = table.view(-1, self.width)
        states = table.new_empty(directions, length, count, self.size)
        state = table.new_zeros(directions, count, self.size)
        cell = table.new_zeros(directions, count, self.size)
        if count < self.gather_below:
            gathered = table.index_select(0, rows.flatten()).view(length, directions, count, -1)
            of_step = gathered.unbind(0)
            incomplete = of_step
            if self.product_width < self.width:  # views cost a twentieth of the time, and only a GRU needs them
                incomplete = gathered.narrow(3, 0, self.product_width).unbind(0)
            for out, sums, some in zip(states.unbind(1), of_step, incomplete, strict=True):
                some.baddbmm_(state, self.recurrent)
                state = self.step(sums, state, cell, out)
        else:
            for out, row in zip(states.unbind(1), rows.flatten(1).unbind(0), strict=True):
                sums = table.index_select(0, row).view(directions, count, -1)
                incomplete = sums.narrow(2, 0, self.product_width).unbind(0)
                for d, product in enumerate(self.products):
                    incomplete[d].add_(product(state[d]))
                state = self.step(sums, state, cell, out)
        return states


def _step_weights(
    weights: Mapping[str, Tensor], prefix: str, config: TaggerConfig, *, halved_inputs: bool
) -> StepWeights:
    """Those of one layer and direction, from a tagger's weights whose names begin with `prefix`."""
    of_cell = CellWeights(*(weights[f"{prefix}{name}_l0"] for name in CellWeights._fields))
    return StepWeights.of(fold_tanh(of_cell, config.cell, halved_inputs=halved_inputs), config.cell)


def _in_text_order(values: Tensor, back: Tensor, direction: int) -> Tensor:
    """(L, B, …) in the order of the text, given in the order of this direction."""
    return values if direction == 0 else values.gather(0, back.unsqueeze(2).expand_as(values))
