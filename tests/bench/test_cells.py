"""The cells against their equations: those that docs/equations.md states, computed as they stand there, agree with
torch's layers and with ours, forward and backward. The other forms of the GRU do not."""

import re

import pytest
import torch
from torch import nn

from nerve.model.config import TaggerConfig
from nerve.model.tagger import RecurrentLayer
from tests.support.documents import ROOT, blocks

EXACT = {"rtol": 0, "atol": 1e-10}
INPUT, HIDDEN = 4, 5
# A sentence's tokens by the letters of the weights of each gate, in torch's order.
GATES = {"rnn": [""], "lstm": ["_i", "_f", "_g", "_o"], "gru": ["_r", "_z", "_n"]}
TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
PYTHON = {"'": "_before", "·": "@", "⊙": "*", "−": "-"}
FUNCTIONS = {"σ": torch.sigmoid, "tanh": torch.tanh, "D": lambda v: torch.diag_embed(v.squeeze(-1))}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(6)


def equations(name):
    """The page's equations of this name as Python."""
    (block,) = blocks(ROOT / "docs" / "equations.md", name)
    return re.sub("['·⊙−]", lambda found: PYTHON[found[0]], block.content)


def weights_of(recurrence, cell):
    """torch's weights under the letters of the page."""
    named = {}
    for letter, name in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih"), ("d", "bias_hh")):
        weight = getattr(recurrence, f"{name}_l0")
        for gate, part in zip(GATES[cell], weight.split(HIDDEN), strict=True):
            named[letter + gate] = part if letter in "WU" else part.unsqueeze(1)  # a vector is a column
    return named


def step(name, weights, token, state):
    """All that the equations of one step give. `token` is (B, E), a state {"h": (B, H, 1)}, with "c" for an LSTM."""
    values = {
        **FUNCTIONS,
        **weights,
        "x": token.unsqueeze(-1),
        **{f"{key}_before": one for key, one in state.items()},
    }
    exec(equations(name), values)
    return values


def by_hand(name, weights, inputs):
    """The states (B, L, H) after each token of `inputs` (B, L, E), from equations alone."""
    start = torch.zeros(len(inputs), HIDDEN, 1, dtype=inputs.dtype)
    state, states = {"h": start, "c": start}, []
    for token in inputs.unbind(1):
        values = step(name, weights, token, state)
        state = {"h": values["h"], "c": values.get("c", start)}
        states.append(state["h"].squeeze(-1))
    return torch.stack(states, 1)


def with_other_biases(module):
    """Ours begin at 0, which would hide a wrong one."""
    for name, weight in module.named_parameters():
        if "bias" in name:
            nn.init.normal_(weight)
    return module.double()


def torch_layer(cell):
    return with_other_biases(TORCH[cell](INPUT, HIDDEN, batch_first=True))


def our_layer(cell, bidirectional):
    config = TaggerConfig(cell=cell, hidden_size=HIDDEN, bidirectional=bidirectional)
    return with_other_biases(RecurrentLayer(config, INPUT))


def sentences():
    return torch.randn(3, 8, INPUT, dtype=torch.float64, requires_grad=True)


def results(states, inputs, module):
    """States, and the gradients with respect to the inputs and to each weight of some function of all states."""
    towards = torch.randn(states.shape, dtype=states.dtype, generator=torch.Generator().manual_seed(7))
    return [states, *torch.autograd.grad((states * towards).sum(), [inputs, *module.parameters()])]


def differences(one, other):
    return [(a - b).abs().max().item() for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("cell", TORCH)
def test_torchs_layer_computes_the_documented_equations_forward_and_backward(cell):
    layer, inputs = torch_layer(cell), sentences()
    theirs = results(layer(inputs)[0], inputs, layer)
    ours = results(by_hand(cell, weights_of(layer, cell), inputs), inputs, layer)
    assert len(theirs) == 2 + 4, "the states, and the gradients of the inputs and of four weights"
    assert all(result.any() for result in theirs)
    for one, other in zip(theirs, ours, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", TORCH)
def test_the_taggers_layer_computes_them_too_each_sentence_from_its_own_end(cell, bidirectional):
    layer, inputs, lengths = our_layer(cell, bidirectional), sentences(), [8, 3, 1]
    steps = torch.arange(8)
    mirrored = torch.stack([torch.where(steps < n, n - 1 - steps, steps) for n in lengths])
    real = (steps < torch.tensor(lengths).unsqueeze(1)).unsqueeze(2)

    def hand(row, length):
        sentence = row[None, :length]
        states = by_hand(cell, weights_of(layer.forward_rnn, cell), sentence)
        if bidirectional:
            back = by_hand(cell, weights_of(layer.backward_rnn, cell), sentence.flip(1)).flip(1)
            states = torch.cat([states, back], 2)
        return nn.functional.pad(states[0], (0, 0, 0, 8 - length))

    ours = results(layer(inputs, mirrored) * real, inputs, layer)
    expected = torch.stack([hand(row, length) for row, length in zip(inputs, lengths, strict=True)])
    assert len(ours) == 2 + (8 if bidirectional else 4)
    for one, other in zip(ours, results(expected, inputs, layer), strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def gru_and(other_form):
    layer, inputs = torch_layer("gru"), sentences()
    weights = weights_of(layer, "gru")
    return results(layer(inputs)[0], inputs, layer), results(by_hand(other_form, weights, inputs), inputs, layer)


@pytest.mark.parametrize("other_form", ["gru_reset_before", "gru_z_renews"])
def test_the_other_forms_of_the_gru_do_not_agree_neither_forward_nor_backward(other_form):
    assert min(differences(*gru_and(other_form))) > 0.01


def test_the_two_places_of_the_reset_gate_agree_where_it_is_open():
    layer, inputs = torch_layer("gru"), sentences()
    with torch.no_grad():
        layer.bias_ih_l0[:HIDDEN] = 100.0  # of r
    weights = weights_of(layer, "gru")
    torch.testing.assert_close(by_hand("gru_reset_before", weights, inputs), layer(inputs)[0], **EXACT)


def test_z_and_one_minus_z_are_the_same_gru_when_the_signs_of_z_are_turned():
    layer, inputs = torch_layer("gru"), sentences()
    turned = {name: -one if name.endswith("_z") else one for name, one in weights_of(layer, "gru").items()}
    theirs = results(layer(inputs)[0], inputs, layer)
    for one, other in zip(theirs, results(by_hand("gru_z_renews", turned, inputs), inputs, layer), strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize(("cell", "state"), [("rnn", "h"), ("gru", "h"), ("lstm", "c")])
def test_the_documented_derivative_of_a_step_is_the_derivative_of_its_equations(cell, state):
    weights = weights_of(torch_layer(cell), cell)
    token = torch.randn(1, INPUT, dtype=torch.float64)
    before = {key: torch.randn(HIDDEN, 1, dtype=torch.float64) for key in ("h", "c")}

    def after(changed):
        return step(cell, weights, token, {**before, state: changed.unsqueeze(1)})[state].view(HIDDEN)

    expected = torch.autograd.functional.jacobian(after, before[state].squeeze(1))
    values = step(cell, weights, token, before)
    values = {key: one[0] if isinstance(one, torch.Tensor) and one.dim() == 3 else one for key, one in values.items()}
    exec(equations(f"{cell}_step"), values)
    torch.testing.assert_close(values["J"], expected, **EXACT)
