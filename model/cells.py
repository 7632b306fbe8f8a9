"""The recurrent cells of the fast form: weights with tanh folded into them, and one step of each cell.

docs/equations.md has the cells' equations, with tanh. Here is the only other place that states them. `FastTagger`
calls both parts; the `Tagger`, which is trained and archived, uses torch's own layers.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from nerve.model.config import Cell

TANH_GATE: dict[Cell, int] = {"rnn": 0, "gru": 2, "lstm": 2}
"""Which of a cell's gates has tanh and not the sigmoid for its activation, in torch's order: h; r z n; i f g o."""


class CellWeights(NamedTuple):
    """The weights of one layer in one direction, by torch's names. G gates: an RNN has 1, a GRU 3, an LSTM 4."""

    weight_ih: Tensor
    """(G H, E)"""
    weight_hh: Tensor
    """(G H, H)"""
    bias_ih: Tensor
    """(G H)"""
    bias_hh: Tensor
    """(G H)"""


def fold_tanh(weights: CellWeights, cell: Cell, *, halved_inputs: bool) -> CellWeights:
    """Weights for a cell that computes every tanh as a sigmoid, which torch does ten times as fast.

    From tanh(x) = 2 sigmoid(2x) - 1 follows, for the gate `g` of an LSTM whose activation is tanh (`n` of a GRU, `h`
    of an RNN) and for the state h:

        g / 2 = sigmoid(2 a_g) - 1/2         a_g is the gate's sum before its activation

        RNN   h / 2 = g / 2
        GRU   h / 2 = (1 - z) (n / 2) + z (h' / 2)
        LSTM  2 c = f (2 c') + 4 i (g / 2)   and   h / 2 = o (sigmoid(2 c) - 1/2)

    So a step that keeps h / 2 and 2 c has no factor left but the 4. The weights take the rest: the rows of the tanh
    gate are doubled to give 2 a_g, and all that multiplies a halved state is doubled, which is `weight_hh`, and
    `weight_ih` of a layer whose inputs are another layer's halved states. Powers of two round nothing.

    Args:
        weights: those of torch's layer.
        cell: which cell they are of.
        halved_inputs: whether the layer's inputs are halved states.
    """
    size = weights.weight_hh.shape[1]
    rows = torch.ones(len(weights.weight_hh), 1)
    rows[TANH_GATE[cell] * size :][:size] = 2.0
    return CellWeights(
        weight_ih=rows * weights.weight_ih * (2.0 if halved_inputs else 1.0),
        weight_hh=rows * weights.weight_hh * 2.0,
        bias_ih=rows[:, 0] * weights.bias_ih,
        bias_hh=rows[:, 0] * weights.bias_hh,
    )


class StepWeights(NamedTuple):
    """A cell's weights as a step wants them: what depends on the input alone, and what depends on the state.

    A step takes W sums, of which the first P are still without the product of the state with `recurrent`. Only a
    GRU has more of the one than of the other: its reset gate multiplies `U_n h' + d_n`, which therefore is a sum of
    its own, before the last, `W_n x + b_n`.
    """

    projection: Tensor
    """(W, E)"""
    bias: Tensor
    """(W)"""
    recurrent: Tensor
    """(P, H)"""

    @classmethod
    def of(cls, weights: CellWeights, cell: Cell) -> "StepWeights":
        """Arrange the weights that `fold_tanh` gives."""
        if cell != "gru":
            return cls(weights.weight_ih, weights.bias_ih + weights.bias_hh, weights.weight_hh)
        size = weights.weight_hh.shape[1]
        gates, new = slice(2 * size), slice(2 * size, None)
        nothing = torch.zeros(size, weights.weight_ih.shape[1])
        return cls(
            torch.cat([weights.weight_ih[gates], nothing, weights.weight_ih[new]]),
            torch.cat([(weights.bias_ih + weights.bias_hh)[gates], weights.bias_hh[new], weights.bias_ih[new]]),
            weights.weight_hh,
        )


class RnnStep(nn.Module):
    """A step of a plain recurrent network, over halved states; see `fold_tanh`."""

    def forward(self, sums: Tensor, state: Tensor, cell: Tensor, out: Tensor) -> Tensor:  # noqa: ARG002
        """Write the state after the step into `out` and return it.

        Args:
            sums: (D, B, W), which the step overwrites.
            state: (D, B, H), the state before.
            cell: (D, B, H), an LSTM's second state, which its step updates in place; the others leave it alone.
            out: (D, B, H).
        """
        return torch.sub(sums.sigmoid_(), 0.5, out=out)


class GruStep(nn.Module):
    """A step of a GRU, over halved states; see `fold_tanh`."""

    def forward(self, sums: Tensor, state: Tensor, cell: Tensor, out: Tensor) -> Tensor:  # noqa: ARG002
        """Write the state after the step into `out` and return it; as `RnnStep`."""
        size = state.shape[2]
        r, z = sums.narrow(2, 0, 2 * size).sigmoid_().chunk(2, 2)
        from_state, new = sums.narrow(2, 2 * size, 2 * size).chunk(2, 2)
        new.addcmul_(r, from_state).sigmoid_().sub_(0.5)
        return torch.lerp(new, state, z, out=out)


class LstmStep(nn.Module):
    """A step of an LSTM, over halved states and doubled cells; see `fold_tanh`."""

    def forward(self, sums: Tensor, state: Tensor, cell: Tensor, out: Tensor) -> Tensor:  # noqa: ARG002
        """Write the state after the step into `out` and return it; as `RnnStep`."""
        i, f, g, o = sums.sigmoid_().chunk(4, 2)
        cell.mul_(f).addcmul_(i, g.sub_(0.5), value=4.0)
        return torch.mul(o, cell.sigmoid().sub_(0.5), out=out)


def step_of(cell: Cell) -> nn.Module:
    """The step of this cell. Scripts with TorchScript."""
    return {"rnn": RnnStep, "gru": GruStep, "lstm": LstmStep}[cell]()
