"""The steps of the fast form against torch's cells, which tests/bench/test_cells.py compares with the equations."""

import pytest
import torch
from torch import nn

from nerve.model.cells import CellWeights, StepWeights, fold_tanh, step_of

TORCH_CELLS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
INPUT, HIDDEN, COUNT = 5, 3, 4


@pytest.fixture(params=TORCH_CELLS, autouse=True)
def cell(request):
    """Each kind of cell, in float64: what differs then is the algebra and not the rounding."""
    torch.manual_seed(1)
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield request.param
    torch.set_default_dtype(previous)


@pytest.fixture
def torchs(cell):
    layer = TORCH_CELLS[cell](INPUT, HIDDEN)
    for weight in layer.parameters():
        nn.init.normal_(weight)
    return layer


def states(cell, torchs, inputs):
    """The state after each of these inputs, by torch's cell."""
    state, memory, found = torch.zeros(COUNT, HIDDEN), torch.zeros(COUNT, HIDDEN), []
    for values in inputs:
        if cell == "lstm":
            state, memory = torchs(values, (state, memory))
        else:
            state = torchs(values, state)
        found.append(state)
    return torch.stack(found).detach()


def halved_states(cell, torchs, inputs, *, halved_inputs=False):
    """The state after each of these inputs, by a step over folded weights."""
    weights = CellWeights(*(getattr(torchs, name).detach() for name in CellWeights._fields))
    projection, bias, recurrent = StepWeights.of(fold_tanh(weights, cell, halved_inputs=halved_inputs), cell)
    step, found = step_of(cell), []
    state, memory = torch.zeros(1, COUNT, HIDDEN), torch.zeros(1, COUNT, HIDDEN)
    for values in inputs:
        sums = nn.functional.linear(values, projection, bias).unsqueeze(0)
        sums[:, :, : len(recurrent)] += state @ recurrent.t()
        state = step(sums, state, memory, torch.empty_like(state))
        found.append(state[0])
    return torch.stack(found)


def test_a_step_over_folded_weights_gives_half_of_torchs_state(cell, torchs):
    inputs = torch.randn(6, COUNT, INPUT)
    torch.testing.assert_close(
        2 * halved_states(cell, torchs, inputs), states(cell, torchs, inputs), rtol=0, atol=1e-12
    )


def test_weights_folded_for_halved_inputs_take_halved_inputs(cell, torchs):
    inputs = torch.randn(6, COUNT, INPUT)
    found = halved_states(cell, torchs, inputs / 2, halved_inputs=True)
    torch.testing.assert_close(2 * found, states(cell, torchs, inputs), rtol=0, atol=1e-12)


def test_folding_multiplies_by_powers_of_two_only(cell, torchs):
    weights = CellWeights(*(getattr(torchs, name).detach() for name in CellWeights._fields))
    for folded, weight in zip(fold_tanh(weights, cell, halved_inputs=True), weights, strict=True):
        assert set((folded / weight).unique().tolist()) <= {1.0, 2.0, 4.0}
