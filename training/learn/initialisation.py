"""The initial weights of a training: random, from word vectors, or from another archive.

Each makes a tagger and its vocabulary. Strings that occur in the corpora come first in every table and are trained;
those that only the vectors or the archive have follow as frozen rows, which cost training nothing. All words of a
lexicon are frozen: one that the corpora do not hold has to mean the same to the tagger as one that they hold.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from nerve.model import bundled
from nerve.model.archive import Archive, load
from nerve.model.config import TaggerConfig
from nerve.model.embeddings import EmbeddingTable
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import OPTIONAL, UNKNOWN, Vocabulary
from nerve.training.config import Config, ConfigError, TrainingConfig
from nerve.training.learn.vectors import VectorError, Vectors, read


def initial(config: Config, sentences: Iterable[Sequence[str]], tags: Sequence[str]) -> tuple[Tagger, Vocabulary]:
    """The tagger of `config` before its first step, for corpora of these train sentences, and its vocabulary.

    Raises:
        ArchiveError, VectorError: The archive or the vectors to start from cannot be read.
        ConfigError: There are vectors of pairs, but the tagger has no table of pairs; the tagger is to have a
            lexicon, but none is given; or a lexicon is given, and the archive has its own.
    """
    given = config.training
    # Its weights are all that is needed: the program in it is not run.
    archive = load(bundled.resolve(given.init), weights_only=True) if given.init else None
    shape = config.tagger
    if archive is not None:
        shape = replace(archive.metadata.config, dropout=shape.dropout, word_dropout=shape.word_dropout)
    vocabulary = Vocabulary.build(sentences, given.min_count, with_pairs=shape.pair_size > 0)
    lexicon = _lexicon(given, shape, of_archive=archive is not None)
    if lexicon is not None:
        shape = replace(shape, lexicon_size=lexicon.size)
    if shape.lexicon_size:
        vocabulary = replace(vocabulary, lexicon=())
    if archive is not None:
        tagger, vocabulary = _of_archive(archive, shape, vocabulary, tags)
    else:
        tagger, vocabulary = _of_vectors(given, shape, vocabulary, tags)
    if lexicon is not None:
        table = tagger.words.tables()["lexicon"]
        with torch.no_grad():
            table.learned.weight[UNKNOWN] = 0.0  # no word
        vocabulary = replace(vocabulary, lexicon=_load_vectors(table, (), lexicon))
    return tagger, vocabulary


def _lexicon(given: TrainingConfig, shape: TaggerConfig, *, of_archive: bool) -> Vectors | None:
    """The rows of the lexicon that is given, if one is, as the vocabulary has them: one for each vector.

    Those that are one token for certain are left out, and those with a space, which no token has.
    """
    if not given.lexicon:
        if shape.lexicon_size and not of_archive:
            raise ConfigError(f"lexicon_size is {shape.lexicon_size}, but no lexicon is given")
        return None
    if of_archive and shape.lexicon_size:
        raise ConfigError("init and lexicon exclude each other: the archive has its own lexicon")
    found = read(Path(given.lexicon), (), limit=sys.maxsize)
    vector_of = torch.unique(found.matrix, dim=0, return_inverse=True)[1].tolist()
    rows: dict[int, list[str]] = {}
    for word, row in zip(found.words, vector_of, strict=True):
        if len(word) > 1 and " " not in word:
            rows.setdefault(row, []).append(word)
    if not rows:
        raise VectorError(f"{given.lexicon}: no word has two characters or more")
    return Vectors(tuple(map(" ".join, rows.values())), found.of(words[0] for words in rows.values()))


def _of_vectors(
    given: TrainingConfig, shape: TaggerConfig, vocabulary: Vocabulary, tags: Sequence[str]
) -> tuple[Tagger, Vocabulary]:
    """Of word vectors and of vectors of pairs, or at random where there are none."""
    words = read(Path(given.vectors), vocabulary.words, given.vectors_limit) if given.vectors else None
    pairs = None
    if given.pair_vectors:
        if vocabulary.pairs is None:
            raise ConfigError("pair_vectors need a tagger with pairs, but pair_size is 0")
        pairs = read(Path(given.pair_vectors), vocabulary.pairs, given.vectors_limit)
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
    """The archive's weights, without those of tags that are not in `tags`; new tags start at random.

    So do the weights of what a lexicon says that the archive has not.
    """
    tagger = Tagger(shape, vocabulary, tags)
    theirs = archive.weights
    paths = {module: path for path, module in tagger.named_modules()}
    for name, table in tagger.words.tables().items():
        if name in OPTIONAL and getattr(archive.vocabulary, name) is None:
            continue
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
            elif name.startswith("encoder.") and weight.shape != theirs[name].shape:
                new = tagger.words.lexicon_columns()
                weight[:, [n for n in range(weight.shape[1]) if n not in new]] = theirs[name]
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
