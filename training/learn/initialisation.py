"""The initial weights of a training: random, from word vectors, or from another archive.

Each makes a tagger and its vocabulary. Strings that occur in the corpora come first in every table and are trained;
those that only the vectors or the archive have follow as frozen rows, which cost training nothing.
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
        ArchiveError, VectorError: The archive or the vectors to start from cannot be read.
        ConfigError: There are vectors of pairs, but the tagger has no table of pairs.
    """
    given = config.training
    # Its weights are all that is needed: the program in it is not run.
    archive = load(bundled.resolve(given.init), weights_only=True) if given.init else None
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
            raise ConfigError("pair_vectors need a tagger with pairs, but pair_size is 0")
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
        vocabulary = replace(vocabulary, words=_load_vectors(tagger.words.tables()["words"], vocabulary.words, words))
    if pairs is not None:
        vocabulary = replace(
            vocabulary, pairs=_load_vectors(tagger.words.tables()["pairs"], vocabulary.table("pairs"), pairs)
        )
    return tagger, vocabulary


def _of_archive(
    archive: Archive, shape: TaggerConfig, vocabulary: Vocabulary, tags: Sequence[str]
) -> tuple[Tagger, Vocabulary]:
    """The archive's weights, without those of tags that are not in `tags`; new tags start at random."""
    tagger = Tagger(shape, vocabulary, tags)
    theirs = archive.weights
    paths = {module: path for path, module in tagger.named_modules()}
    for name, table in tagger.words.tables().items():
        weight = archive.embeddings(paths[table], name)
        vectors = Vectors(archive.vocabulary.table(name), weight[UNKNOWN + 1 :])
        vocabulary = replace(vocabulary, **{name: _load_vectors(table, vocabulary.table(name), vectors)})
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


def _load_vectors(table: EmbeddingTable, strings: Sequence[str], vectors: Vectors) -> tuple[str, ...]:
    """Load vectors into a table. Returns the table's strings, and after them those that only the vectors have."""
    trained = {string: n for n, string in enumerate(strings, start=UNKNOWN + 1) if string in vectors.row}
    in_corpora = set(strings)
    frozen = [string for string in vectors.words if string not in in_corpora]
    table.load_vectors(torch.tensor([*trained.values()], dtype=torch.long), vectors.of(trained), vectors.of(frozen))
    return (*strings, *frozen)
