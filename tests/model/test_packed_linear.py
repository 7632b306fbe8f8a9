"""Products with packed weights, the plain ones that take their place, and the probe that chooses."""

import pytest
import torch

from nerve.model.packed_linear import PackedLinear, PlainLinear, linear, packing_works

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


class Missing:
    """Operators of a torch that has none of these."""


class Failing:
    """Operators of a processor that refuses them."""

    def _reorder_linear_weight(self, *_):
        raise RuntimeError("no such kernel")


class Wrong:
    """Operators that compute something else."""

    def _reorder_linear_weight(self, weight):
        return weight

    def _linear_pointwise(self, inputs, weight, bias, *_):
        return torch.nn.functional.linear(inputs, weight, bias) + 1


@needs_onednn
def test_the_probe_finds_that_packing_works_here():
    assert packing_works()


@pytest.mark.parametrize("operators", [Missing, Failing, Wrong])
def test_the_probe_refuses_operators_that_are_missing_or_fail_or_are_wrong(operators, monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", operators(), raising=False)
    assert not packing_works()


def test_the_probe_tries_no_operator_where_torch_has_no_onednn(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not packing_works()


@pytest.mark.parametrize("packed", [pytest.param(True, marks=needs_onednn), False])
@pytest.mark.parametrize("scripted", [True, False])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 7), (1, 7), (2, 3, 7)])
def test_both_forms_compute_the_linear_layer(packed, scripted, with_bias, shape):
    torch.manual_seed(1)
    weight, bias, inputs = torch.randn(9, 7), torch.randn(9) if with_bias else None, torch.randn(shape)
    layer = linear(weight, bias, packed=packed)
    assert isinstance(layer, PackedLinear if packed else PlainLinear)
    form = torch.jit.script(layer) if scripted else layer
    with torch.inference_mode():
        torch.testing.assert_close(form(inputs), torch.nn.functional.linear(inputs, weight, bias))
