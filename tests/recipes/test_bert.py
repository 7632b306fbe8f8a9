"""Where the transformers of the recipes compute in bfloat16."""

import pytest
import torch

from recipes.bert import multiplies_bfloat16


@pytest.mark.parametrize(
    ("capabilities", "multiplies"),
    [
        ({"avx2": True, "amx_bf16": False, "avx512_bf16": False}, False),
        ({"avx2": True, "amx_bf16": True, "avx512_bf16": False}, True),
        ({"avx2": True, "amx_bf16": False, "avx512_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
        ({"neon": True, "bf16": False}, False),
        ({}, False),
    ],
)
def test_a_cpu_multiplies_bfloat16_if_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], multiplies: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert multiplies_bfloat16("cpu") is multiplies


def test_a_gpu_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert multiplies_bfloat16("cuda")
