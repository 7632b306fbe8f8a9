"""Where a training begins: the weights before its first step, and which strings they stand for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nerve.model import archive, bundled
from nerve.model.archive import Archive, ArchiveError
from nerve.model.config import TaggerConfig
from nerve.model.contents import read_contents
from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import FEATURES, UNKNOWN, Vocabulary
from nerve.training.config import Config, ConfigError, CorpusConfig, TrainingConfig
from nerve.training.data.batches import shuffled
from nerve.training.learn.initialisation import initial
from nerve.training.learn.vectors import VectorError
from nerve.training.measure import scores
from tests.support.toy_corpus import LABELS, TINY, archive_of, corpus, metadata, tiny_tagger, tiny_trainer

SENTENCES = (("Anna", "left", "Paris", "."), ("Boris", "left", "."))
TAGS = tags_of(LABELS)


def begin(
    tagger: TaggerConfig = TINY,
    tags: Sequence[str] = TAGS,
    sentences: Sequence[Sequence[str]] = SENTENCES,
    **training: Any,
) -> tuple[Tagger, Vocabulary]:
    torch.manual_seed(2)
    return initial(Config((CorpusConfig("gmb"),), TrainingConfig(**training), tagger), sentences, tags)


def row(tagger: Tagger, vocabulary: Vocabulary, string: str, table: str = "words") -> Tensor:
    """The embedding of a string, by its id."""
    place = vocabulary.table(table).index(string) + UNKNOWN + 1
    found: Tensor = tagger.words.tables()[table](torch.tensor(place)).detach()
    return found


# -- at random -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair_size", [0, 4])
def test_without_more_it_is_the_tagger_asked_for_with_the_vocabulary_of_the_corpora(pair_size: int) -> None:
    tagger, vocabulary = begin(replace(TINY, pair_size=pair_size))
    assert tagger.config == replace(TINY, pair_size=pair_size)
    assert vocabulary == Vocabulary.build(SENTENCES, with_pairs=pair_size > 0)
    assert all(table.frozen is None for table in tagger.words.tables().values())


def test_what_is_rarer_than_min_count_is_not_known() -> None:
    assert begin(min_count=2)[1].words == (".", "left")


# -- at vectors ------------------------------------------------------------------------------------------------------


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_words_of_the_corpora_begin_at_their_vectors_and_those_of_the_file_alone_follow(tmp_path: Path) -> None:
    file = write(tmp_path / "v.txt", "the 1 2 3\nParis 4 5 6\nof 7 8 9\nleft 1 1 1\n")
    tagger, vocabulary = begin(vectors=file)
    own = Vocabulary.build(SENTENCES).words
    assert vocabulary.words == (*own, "the", "of")
    assert replace(vocabulary, words=own) == Vocabulary.build(SENTENCES)
    assert tagger.config == replace(TINY, word_size=3)
    expected = {"the": [1, 2, 3], "paris": [4, 5, 6], "of": [7, 8, 9], "left": [1, 1, 1]}
    assert {word: row(tagger, vocabulary, word).tolist() for word in expected} == expected


def test_words_of_the_corpora_that_have_no_vector_begin_as_they_would_without(tmp_path: Path) -> None:
    shape = replace(TINY, word_size=3)
    random, vocabulary = begin(shape)
    tagger, wider = begin(shape, vectors=write(tmp_path / "v.txt", "Paris 4 5 6\n"))
    assert wider == vocabulary
    for word in vocabulary.words:
        assert row(tagger, vocabulary, word).equal(row(random, vocabulary, word)) is (word != "paris")


def test_the_limit_is_on_lines_and_words_of_the_corpora_are_taken_past_it(tmp_path: Path) -> None:
    file = write(tmp_path / "v.txt", "the 1 2\nof 3 4\nand 5 6\nParis 7 8\n")
    tagger, vocabulary = begin(vectors=file, vectors_limit=2)
    assert vocabulary.words == (*Vocabulary.build(SENTENCES).words, "the", "of")
    assert row(tagger, vocabulary, "paris").tolist() == [7, 8]


def test_pairs_too_begin_at_vectors(tmp_path: Path) -> None:
    words = write(tmp_path / "w.txt", "the 1 2\n")
    pairs = write(tmp_path / "p.txt", "ofthe 1 2 3\nparis. 4 5 6\n")
    tagger, vocabulary = begin(replace(TINY, pair_size=9), vectors=words, pair_vectors=pairs)
    own = Vocabulary.build(SENTENCES, with_pairs=True)
    assert (vocabulary.words, vocabulary.pairs) == ((*own.words, "the"), (*own.table("pairs"), "ofthe"))
    assert tagger.config == replace(TINY, word_size=2, pair_size=3)
    assert row(tagger, vocabulary, "paris.", "pairs").tolist() == [4, 5, 6]
    assert row(tagger, vocabulary, "ofthe", "pairs").tolist() == [1, 2, 3]


def test_vectors_of_pairs_are_refused_where_pairs_are_not_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pair_vectors need a tagger with pairs, but pair_size is 0"):
        begin(pair_vectors=write(tmp_path / "p.txt", "ofthe 1 2 3\n"))


def test_a_lexicon_is_looked_up_as_it_is_and_not_trained(tmp_path: Path) -> None:
    file = write(tmp_path / "l.txt", "Parisleft 1 2 3\na 7 8 9\nＮｅｗYork 4 5 6\n")
    tagger, vocabulary = begin(lexicon=file)
    assert vocabulary == replace(Vocabulary.build(SENTENCES), lexicon=("parisleft", "newyork")), "`a` is one token"
    assert tagger.config == replace(TINY, lexicon_size=3)
    assert row(tagger, vocabulary, "parisleft", "lexicon").tolist() == [1, 2, 3]
    assert row(tagger, vocabulary, "newyork", "lexicon").tolist() == [4, 5, 6]
    table = tagger.words.tables()["lexicon"]
    assert not table.learned.weight.any(), "no word begins at 0"
    assert table.learned.weight.shape == (UNKNOWN + 1, 3)


def test_words_of_a_lexicon_with_one_vector_share_a_row(tmp_path: Path) -> None:
    file = write(tmp_path / "l.txt", "ab 1 2\nx 1 2\nef 3 4\ncd 1 2\ng\u3000h 1 2\nij 3 4\nkl 4 3\n")
    tagger, vocabulary = begin(lexicon=file)
    assert vocabulary.lexicon == ("ab cd", "ef ij", "kl"), "no token has a space"
    rows = (row(tagger, vocabulary, words, "lexicon").tolist() for words in vocabulary.lexicon)
    assert list(rows) == [[1, 2], [3, 4], [4, 3]]


@pytest.mark.parametrize("limit", [1, 100])
def test_the_limit_of_vectors_is_not_that_of_a_lexicon(limit: int, tmp_path: Path) -> None:
    file = write(tmp_path / "l.txt", "ab 1 1\ncd 2 2\nef 3 3\n")
    assert begin(lexicon=file, vectors_limit=limit)[1].lexicon == ("ab", "cd", "ef")


def test_a_lexicon_without_words_of_two_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match=r"l\.txt: no word has two characters or more"):
        begin(lexicon=write(tmp_path / "l.txt", "a 1\nb 2\n"))


def test_a_tagger_that_is_to_have_a_lexicon_is_refused_without_one() -> None:
    with pytest.raises(ConfigError, match="lexicon_size is 4, but no lexicon is given"):
        begin(replace(TINY, lexicon_size=4))


@pytest.mark.parametrize("key", ["vectors", "pair_vectors", "lexicon"])
def test_vectors_that_are_not_there_are_refused_by_name(key: str, tmp_path: Path) -> None:
    with pytest.raises(VectorError, match=r"absent\.txt: .*No such file"):
        begin(replace(TINY, pair_size=2), **{key: str(tmp_path / "absent.txt")})


# -- at an archive ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive of a tagger that has learned a little, looks at pairs, and knows two further words."""
    torch.manual_seed(1)
    tagger, vocabulary, examples = tiny_tagger(pair_size=4)
    trainer = tiny_trainer(tagger)
    for seed in range(3):
        for batch in shuffled(examples, 4, seed):
            trainer.step(batch)
    none, size = torch.tensor([], dtype=torch.long), TINY.word_size
    tagger.words.tables()["words"].load_vectors(none, torch.empty(0, size), torch.randn(2, size))
    known = replace(vocabulary, words=(*vocabulary.words, "zorbas", "qwynn"))
    return saved(tmp_path_factory.mktemp("old") / "old.pt", tagger, known)


def saved(path: Path, tagger: Tagger, vocabulary: Vocabulary) -> Archive:
    """The archive of this tagger, as `load` gives it; its name is its path."""
    tagger.words.quantize()
    archive.save(path, tagger.eval(), vocabulary, metadata(name=str(path), config=tagger.config))
    return archive.load(path)


def paths(old: Archive) -> dict[str, str]:
    """Where in the tagger each of the vocabulary's tables is looked up."""
    tables = [*FEATURES, *(["pairs"] if old.vocabulary.pairs else [])]
    return {table: f"words.columns.{n}" for n, table in enumerate(tables)} | {"characters": "words.characters"}


@pytest.mark.parametrize("table", [*FEATURES, "pairs", "characters"])
def test_strings_that_the_archive_knows_keep_their_embeddings(table: str, old: Archive) -> None:
    tagger, vocabulary = begin(init=old.name)
    theirs, strings = old.embeddings(paths(old)[table], table), old.vocabulary.table(table)
    own = Vocabulary.build(SENTENCES, with_pairs=True).table(table)
    assert set(own) & set(strings)
    assert vocabulary.table(table) == (*own, *[string for string in strings if string not in own])
    for string, embedding in zip(strings, theirs[UNKNOWN + 1 :], strict=True):
        assert row(tagger, vocabulary, string, table).equal(embedding)
    assert tagger.words.tables()[table].learned.weight[UNKNOWN].equal(theirs[UNKNOWN])


def test_strings_that_the_archive_does_not_know_begin_at_random(old: Archive) -> None:
    sentences = [*SENTENCES, ("Reykjavik",)]
    tagger, vocabulary = begin(init=old.name, sentences=sentences)
    random, _ = begin(replace(TINY, pair_size=4), sentences=sentences)
    assert "reykjavik" not in old.vocabulary.words
    assert row(tagger, vocabulary, "reykjavik").equal(row(random, vocabulary, "reykjavik"))


def test_with_the_same_labels_it_tags_as_the_archive_does(old: Archive) -> None:
    source = corpus()
    sentences = [one.tokens for one in source.splits["dev"]] + [("Zorbas", "met", "Qwynn", "in", "Oslo", ".")]
    tagger, vocabulary = begin(init=old.name, sentences=[one.tokens for one in source.splits["train"][:3]])
    assert vocabulary != old.vocabulary, "the order is another"
    begun = archive_of(tagger.eval(), vocabulary)
    found, expected = begun.decode(sentences), old.decode(sentences)
    assert [tags for tags, _ in found] == [tags for tags, _ in expected]
    assert len({tag for tags, _ in found for tag in tags}) > 3
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert scores.scored_split(begun, source, "dev") == scores.scored_split(old, source, "dev")


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        (("PER", "LOC", "ORG"), ("PER", "LOC", "ORG")),  # in another order
        (("LOC", "PER"), ("LOC", "PER")),
        (("DATE", "PER", "LOC"), ("PER", "LOC")),
        (("DATE",), ()),
    ],
)
def test_labels_that_the_archive_knows_keep_their_scores_and_others_begin_anew(
    old: Archive, labels: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    tags, place = tags_of(labels), {tag: n for n, tag in enumerate(old.metadata.tags) if tag in tags_of(kept)}
    tagger, _ = begin(init=old.name, tags=tags)
    random, _ = begin(replace(TINY, pair_size=4), tags=tags)
    ours, theirs, new = tagger.state_dict(), old.weights, random.state_dict()
    for name in ("emission.weight", "emission.bias", "crf.start", "crf.end"):
        for n, tag in enumerate(tags):
            assert ours[name][n].equal(theirs[name][place[tag]] if tag in place else new[name][n]), (name, tag)
    name = "crf.transitions"
    for n, tag in enumerate(tags):
        for m, other in enumerate(tags):
            both = tag in place and other in place
            assert ours[name][n, m] == (theirs[name][place[tag], place[other]] if both else new[name][n, m])


def test_what_lies_between_strings_and_tags_is_the_archives(old: Archive) -> None:
    tagger, _ = begin(init=old.name, tags=tags_of(["DATE"]))
    between = {
        name: weight
        for name, weight in tagger.state_dict().items()
        if name.startswith(("encoder.", "words.convolution."))
    }
    assert {name.split(".")[0] for name in between} == {"words", "encoder"}
    assert all(weight.equal(old.weights[name]) for name, weight in between.items())


def test_the_archive_decides_what_the_network_is_like_and_the_configuration_what_is_dropped(old: Archive) -> None:
    asked = TaggerConfig(cell="gru", hidden_size=3, layers=2, dropout=0.25, word_dropout=0.0)
    tagger, vocabulary = begin(asked, init=old.name)
    assert tagger.config == replace(TINY, pair_size=4, dropout=0.25, word_dropout=0.0)
    assert vocabulary.pairs is not None


def test_all_of_it_can_be_trained(old: Archive) -> None:
    tagger, _ = begin(init=old.name)
    assert all(weight.dtype == torch.float32 and weight.requires_grad for weight in tagger.parameters())
    assert not any(weight.is_inference() for weight in (*tagger.parameters(), *tagger.buffers()))


def test_begun_at_and_exported_again_an_archive_is_as_it_was(old: Archive, tmp_path: Path) -> None:
    again = saved(tmp_path / "again.pt", *begin(init=old.name, sentences=()))
    assert again.vocabulary == old.vocabulary
    for table, path in paths(old).items():
        one, other = again.embeddings(path, table), old.embeddings(path, table)
        assert ((one - other).abs() <= other.abs().amax(1, keepdim=True) / 14).all(), "but for the 4 bits"


def test_a_new_lexicon_begins_at_random_and_all_else_is_the_archives(old: Archive, tmp_path: Path) -> None:
    file = write(tmp_path / "l.txt", "Annaleft 1 2\nleftparis 3 4\n")
    tagger, vocabulary = begin(init=old.name, lexicon=file)
    without, expected = begin(init=old.name)
    assert vocabulary == replace(expected, lexicon=("annaleft", "leftparis"))
    assert tagger.config == replace(TINY, pair_size=4, lexicon_size=2)
    assert row(tagger, vocabulary, "leftparis", "lexicon").tolist() == [3, 4]
    new = tagger.words.lexicon_columns()
    theirs = without.state_dict()
    for name, weight in tagger.state_dict().items():
        if name.startswith("words.") and "columns" in name:
            continue
        if "weight_ih" not in name:
            assert weight.equal(theirs[name]), name
        else:
            assert torch.cat([weight[:, : new.start], weight[:, new.stop :]], 1).equal(theirs[name])
            assert weight[:, new.start : new.stop].std() > 0.1
    for table in (*FEATURES, "pairs"):
        one, other = (some.words.tables()[table].learned.weight for some in (tagger, without))
        assert one.equal(other), table


def test_a_lexicon_of_the_archive_is_kept_and_excludes_another(tmp_path: Path) -> None:
    file = write(tmp_path / "l.txt", "Annaleft 1 2\nleftparis 3 4\n")
    with_lexicon = saved(tmp_path / "lexicon.pt", *begin(lexicon=file))
    tagger, vocabulary = begin(init=with_lexicon.name)
    assert vocabulary.lexicon == ("annaleft", "leftparis")
    table = tagger.words.tables()["lexicon"](torch.arange(4))
    assert table.equal(with_lexicon.embeddings("words.columns.4", "lexicon"))
    with pytest.raises(ConfigError, match="init and lexicon exclude each other: the archive has its own lexicon"):
        begin(init=with_lexicon.name, lexicon=file)


def test_an_archive_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"absent\.pt: no such file"):
        begin(init=str(tmp_path / "absent.pt"))


@pytest.mark.parametrize("key", ["vectors", "pair_vectors"])
def test_an_archive_and_vectors_exclude_each_other(key: str) -> None:
    with pytest.raises(ValueError, match="init and vectors exclude each other"):
        TrainingConfig(init="old.pt", **{key: "vectors.txt"})  # type: ignore[arg-type]


def test_the_archive_may_be_a_bundled_model_by_name() -> None:
    kept = read_contents(bundled.path_of("zh")).metadata.config
    tagger, _ = begin(init="zh")
    assert tagger.config == replace(kept, dropout=TINY.dropout, word_dropout=TINY.word_dropout)
