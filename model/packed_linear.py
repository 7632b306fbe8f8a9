"""A linear layer whose weight oneDNN has packed: the fastest product of float32 matrices on a CPU.

oneDNN reorders a weight once, into the layout that its product reads, and uses AVX-512 on the processors of every
maker. torch offers this through private operators only. This file alone calls them: `packing_works` tries them, and
where they are missing or fail, `linear` makes a `PlainLinear` in their place.
"""

import torch
from torch import Tensor, nn


def packing_works() -> bool:
    """Whether this build of torch packs weights and multiplies with them: tried on two small matrices."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    inputs, weight, bias = torch.ones(2, 3), torch.arange(12.0).view(4, 3), torch.arange(4.0)
    try:
        product: Tensor = PackedLinear(weight, bias)(inputs)
    except (AttributeError, RuntimeError, TypeError):  # torch has no such operator, or it takes other arguments
        return False
    return product.allclose(PlainLinear(weight, bias)(inputs))


def linear(weight: Tensor, bias: Tensor | None, *, packed: bool) -> nn.Module:
    """The layer (…, E) -> (…, N) with this weight (N, E) and bias (N), for inference.

    Args:
        weight: (N, E).
        bias: (N), or None.
        packed: whether oneDNN packs the weight; only where `packing_works`.
    """
    return PackedLinear(weight, bias) if packed else PlainLinear(weight, bias)


class PackedLinear(nn.Module):
    """`torch.nn.functional.linear` with a weight packed by oneDNN. Scripts with TorchScript; cannot be saved."""

    packed: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())  # noqa: SLF001
        self.bias = bias

    def forward(self, inputs: Tensor) -> Tensor:
        """(…, E) -> (…, N)."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            inputs, self.packed, self.bias, "none", [], ""
        )
        return product


class PlainLinear(nn.Module):
    """`torch.nn.functional.linear` with a fixed weight. Scripts with TorchScript."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous())
        self.register_buffer("bias", bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """(…, E) -> (…, N)."""
        return nn.functional.linear(inputs, self.weight, self.bias)
