"""Where a training begins: at random weights, at vectors from elsewhere, or at another archive's weights.

Each makes a tagger and the vocabulary that goes with it. Strings that the corpora hold come first in every table and
are trained; those that only the vectors or the archive know follow, stay as they are, and cost training nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from nerve.model import bundled
from nerve.model.archive import Archive, load
from nerve.model.config import TaggerConfig
from nerve.model.embeddings import EmbeddingTable
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import UNKNOWN, Vocabulary
from nerve.training.config import Config, ConfigError
from nerve.training.learn.vectors import Vectors, read


def initial(config: Config, sentences: Iterable[Sequence[str]], tags: Sequence[str]) -> tuple[Tagger, Vocabulary]:
    """The tagger of `config` before its first step, for corpora of these train sentences, and its vocabulary.

    Raises:
        ArchiveError, VectorError: the archive or the vectors to begin with cannot be read.
        ConfigError: vectors are given for what the tagger does not look at.
    """
    given = config.training
    archive = load(bundled.resolve(given.init)) if given.init else None
    shape = archive.metadata.config if archive is not None else config.tagger
    vocabulary = Vocabulary.build(sentences, given.min_count, with_pairs=shape.pair_size > 0)
    if archive is not None:
        return _of_archive(
            archive,
            replace(shape, dropout=config.tagger.dropout, word_dropout=config.tagger.word_dropout),
            vocabulary,
            tags,
        )
    words = read(Path(given.vectors), vocabulary.words, given.vectors_limit) if given.vectors else None
    pairs = None
    if given.pair_vectors:
        if vocabulary.pairs is None:
            raise ConfigError("pair_vectors need a tagger that looks at pairs: pair_size is 0")
        pairs = read(Path(given.pair_vectors), vocabulary.pairs, given.vectors_limit)
    return _of_vectors(words, pairs, shape, vocabulary, tags)


def _of_vectors(
    words: Vectors | None, pairs: Vectors | None, shape: TaggerConfig, vocabulary: Vocabulary, tags: Sequence[str]
) -> tuple[Tagger, Vocabulary]:
    if words is not None:
        shape = replace(shape, word_size=words.size)
    if pairs is not None:
        shape = replace(shape, pair_size=pairs.size)
    tagger = Tagger(shape, vocabulary, tags)
    if words is not None:
        vocabulary = replace(vocabulary, words=_adopt(tagger.words.tables()["words"], vocabulary.words, words))
    if pairs is not None:
        vocabulary = replace(
            vocabulary, pairs=_adopt(tagger.words.tables()["pairs"], vocabulary.table("pairs"), pairs)
        )
    return tagger, vocabulary


def _of_archive(
    archive: Archive, shape: TaggerConfig, vocabulary: Vocabulary, tags: Sequence[str]
) -> tuple[Tagger, Vocabulary]:
    """The archive's weights, all but those of tags that are not among `tags`; new tags begin at random."""
    tagger = Tagger(shape, vocabulary, tags)
    theirs = archive.weights
    paths = {module: path for path, module in tagger.named_modules()}
    for name, table in tagger.words.tables().items():
        weight = archive.embeddings(paths[table], name)
        vectors = Vectors(archive.vocabulary.table(name), weight[UNKNOWN + 1 :])
        vocabulary = replace(vocabulary, **{name: _adopt(table, vocabulary.table(name), vectors)})
        with torch.no_grad():
            table.learned.weight[UNKNOWN] = weight[UNKNOWN]
    both = [tag for tag in tags if tag in archive.metadata.tags]
    ours_at, theirs_at = (
        torch.tensor([place.index(tag) for tag in both]) for place in (list(tags), archive.metadata.tags)
    )
    with torch.no_grad():
        for name, weight in tagger.named_parameters():
            if name == "crf.transitions":
                weight[ours_at.unsqueeze(1), ours_at] = theirs[name][theirs_at.unsqueeze(1), theirs_at]
            elif name.startswith(("emission.", "crf.")):
                weight[ours_at] = theirs[name][theirs_at]
            elif not name.startswith(("words.columns.", "words.characters.")):
                weight.copy_(theirs[name])
    return tagger, vocabulary


def _adopt(table: EmbeddingTable, strings: Sequence[str], vectors: Vectors) -> tuple[str, ...]:
    """Begin with these vectors. Returns the table's strings, and after them those that only the vectors know."""
    known = {string: n for n, string in enumerate(strings, start=UNKNOWN + 1) if string in vectors.row}
    own = set(strings)
    further = [string for string in vectors.words if string not in own]
    table.load_vectors(torch.tensor([*known.values()], dtype=torch.long), vectors.of(known), vectors.of(further))
    return (*strings, *further)
