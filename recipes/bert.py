"""The encoder of BERT (Devlin et al. 2019), reading single words for their vectors.

`minilm.py` and `e5.py` each load one.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-12
"""What layer normalisation adds to a variance, in every model of this kind."""

TOGETHER = 64
"""Words of `means` that are read at once."""


BFLOAT16 = ("amx_bf16", "avx512_bf16", "bf16")
"""What CPUs call the instructions that multiply it, the last one ARM."""


class TransformerError(Exception):
    """A transformer cannot be loaded; the message is one line that says why."""


def multiplies_bfloat16(device: str) -> bool:
    """Whether products in bfloat16 are faster on this machine, as they are on a GPU.

    A CPU with AMX makes them eight times as fast as those in float32, one without such instructions a hundred times
    as slow.
    """
    return device != "cpu" or any(torch.cpu.get_capabilities().get(name) for name in BFLOAT16)


class Bert:
    """Piece ids in, hidden states out.

    Args:
        weights: Its weights, by the names of the published PyTorch files.
        heads: Attention heads of each layer.
        layers: The layers whose hidden states `means` gives: 0 is the embedding. Later layers are not computed.
    """

    def __init__(self, weights: Mapping[str, Tensor], heads: int, layers: Sequence[int]) -> None:
        self.weights, self.heads, self.layers = weights, heads, tuple(layers)

    def means(self, words: Sequence[Sequence[int]], first: int, last: int) -> Tensor:
        """Each word alone: the mean states of its pieces at the chosen layers, (N, layers * H).

        Args:
            words: The piece ids of each word, at least one.
            first: The id of the piece that begins every input.
            last: The id of the piece that ends it.
        """
        order = sorted(range(len(words)), key=lambda n: len(words[n]))  # words of similar length need little padding
        together = [order[start : start + TOGETHER] for start in range(0, len(order), TOGETHER)]
        means = torch.cat([self._means([words[n] for n in some], first, last) for some in together])
        return means[torch.tensor(order).argsort()]

    def _means(self, words: Sequence[Sequence[int]], first: int, last: int) -> Tensor:
        """The same, all at once, padded to the longest word."""
        longest = max(map(len, words)) + 2
        rows = [[first, *word, last, *[last] * (longest - len(word) - 2)] for word in words]
        lengths = torch.tensor([len(word) for word in words]).unsqueeze(1)
        place = torch.arange(longest)
        with torch.inference_mode():
            states = self._forward(torch.tensor(rows), place < lengths + 2)
            inner = ((place >= 1) & (place <= lengths)).unsqueeze(2)
            return torch.cat([(states[n].float() * inner).sum(1) / lengths for n in self.layers], dim=1)

    def _forward(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """(N, P) ids and a mask of those that are not padding -> the hidden states (N, P, H) of every layer."""
        weights = self.weights
        embedded = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        states = [self._normalise(embedded, "embeddings.LayerNorm")]
        for layer in range(max(self.layers)):
            name = f"encoder.layer.{layer}"
            hidden = states[-1]
            query, key, value = (
                self._linear(hidden, f"{name}.attention.self.{part}")
                .reshape(*ids.shape, self.heads, -1)
                .transpose(1, 2)
                for part in ("query", "key", "value")
            )
            attended = functional.scaled_dot_product_attention(query, key, value, mask[:, None, None, :])
            output = self._linear(attended.transpose(1, 2).flatten(2), f"{name}.attention.output.dense")
            hidden = self._normalise(hidden + output, f"{name}.attention.output.LayerNorm")
            inner = functional.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
            output = self._linear(inner, f"{name}.output.dense")
            states.append(self._normalise(hidden + output, f"{name}.output.LayerNorm"))
        return states

    def _linear(self, states: Tensor, name: str) -> Tensor:
        return functional.linear(states, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _normalise(self, states: Tensor, name: str) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return functional.layer_norm(states, weight.shape, weight, bias, eps=EPSILON)
