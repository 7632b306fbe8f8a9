"""Partial annotation as a table, and how a corpus's labels become ours."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nerve.model.annotation import Sentence, Span
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary
from nerve.training.config import ConfigError, CorpusConfig
from nerve.training.data import corpora, datasets
from nerve.training.data.annotated import Annotated
from nerve.training.data.corpora import allowed_tags, cut
from nerve.training.data.formats import FormatError
from tests.support.toy_corpus import LABELS, corpus

TAGS = tags_of(("PER", "DATE"))


def allowed(
    length: int,
    annotates: tuple[str, ...],
    spans: tuple[Span, ...] = (),
    unknown: tuple[Span, ...] = (),
    tags: tuple[str, ...] = TAGS,
) -> list[str]:
    """For each token the tags that may be right, in one string."""
    sentence = Annotated(tuple("abcdefgh"[:length]), spans, unknown)
    known = allowed_tags(sentence, annotates, tags)
    assert known.shape == (length, len(tags))
    assert known.dtype == torch.bool
    return [" ".join(tag for tag, may in zip(tags, row, strict=True) if may) for row in known.tolist()]


@pytest.mark.parametrize(
    ("annotates", "spans", "unknown", "expected"),
    [
        # fully annotated: one tag a token
        (("PER", "DATE"), (), (), ["O", "O", "O"]),
        (("PER", "DATE"), (Span(0, 2, "PER"),), (), ["B-PER", "I-PER", "O"]),
        (("PER", "DATE"), (Span(0, 1, "PER"), Span(1, 3, "DATE")), (), ["B-PER", "B-DATE", "I-DATE"]),
        # O where DATE is not annotated leaves a date possible, a name that is marked does not
        (("PER",), (), (), ["O B-DATE I-DATE"] * 3),
        (("PER",), (Span(0, 2, "PER"),), (), ["B-PER", "I-PER", "O B-DATE I-DATE"]),
        # a label that is marked, if not throughout, is learned where it is marked and not denied elsewhere; the name
        # ends where it is marked to end
        (("PER",), (Span(1, 2, "DATE"),), (), ["O B-DATE I-DATE", "B-DATE", "O B-DATE"]),
        (("PER",), (Span(0, 1, "DATE"), Span(1, 3, "DATE")), (), ["B-DATE", "B-DATE", "I-DATE"]),
        # nothing annotated: nothing known
        ((), (), (), ["O B-PER I-PER B-DATE I-DATE"] * 3),
        # a span of which nobody knows what of ours it is leaves all
        (("PER", "DATE"), (), (Span(1, 2, "?"),), ["O", "O B-PER I-PER B-DATE I-DATE", "O"]),
        (
            ("PER", "DATE"),
            (Span(0, 1, "PER"),),
            (Span(1, 3, "?"),),
            ["B-PER", "O B-PER B-DATE I-DATE", " ".join(TAGS)],
        ),
        # a label that is not learned does not come in
        (("PER", "DATE", "ORG"), (), (), ["O", "O", "O"]),
    ],
)
def test_what_a_token_may_be(
    annotates: tuple[str, ...], spans: tuple[Span, ...], unknown: tuple[Span, ...], expected: list[str]
) -> None:
    assert allowed(3, annotates, spans, unknown) == expected


@pytest.fixture
def files(tmp_path: Path) -> CorpusConfig:
    """A corpus with a person, a place, a product and an event."""
    (tmp_path / "own.conll").write_text("Ann B-per\nsaw O\nRome B-geo\n\nan O\niPod B-product\n", encoding="utf-8")
    (tmp_path / "dev.conll").write_text("the O\nOpen B-eve\n. O\n", encoding="utf-8")
    return CorpusConfig(train=str(tmp_path / "own.conll"), dev=str(tmp_path / "dev.conll"))


def mapped(files: CorpusConfig, **mapping: str) -> CorpusConfig:
    return CorpusConfig(train=files.train, dev=files.dev, map=mapping)


def test_labels_are_mapped_to_ours_to_nothing_and_to_unknown(files: CorpusConfig) -> None:
    found = corpora.load(mapped(files, per="PER", geo="O", product="?", eve="O"), ("PER", "LOC"), None)
    assert found.splits == {
        "train": (
            Annotated(("Ann", "saw", "Rome"), (Span(0, 1, "PER"),), ()),
            Annotated(("an", "iPod"), (), (Span(1, 2, "?"),)),
        ),
        "dev": (Annotated(("the", "Open", "."), (), ()),),
    }
    assert (found.name, found.annotates, found.labels) == ("own", ("PER",), ("PER",))


def test_a_label_mapped_to_nothing_teaches_that_it_is_nothing(files: CorpusConfig) -> None:
    found = corpora.load(mapped(files, per="PER", geo="O", product="?", eve="O"), ("PER",), None)
    tags = tags_of(("PER",))
    assert allowed_tags(found.splits["train"][0], found.annotates, tags).sum(1).tolist() == [1, 1, 1]


def test_without_labels_asked_for_a_corpus_keeps_its_own(files: CorpusConfig) -> None:
    found = corpora.load(files, (), None)
    assert found.labels == found.annotates == ("eve", "geo", "per", "product")


def test_a_label_that_is_not_annotated_throughout_is_still_a_label(files: CorpusConfig) -> None:
    found = corpora.load(CorpusConfig(train=files.train, dev=files.dev, annotates=("per", "date")), (), None)
    assert found.annotates == ("per", "date")
    assert found.labels == ("date", "eve", "geo", "per", "product")


def test_a_label_that_is_neither_ours_nor_mapped_is_refused_by_name(files: CorpusConfig) -> None:
    with pytest.raises(ConfigError, match=r"^own: label product is none of PER, LOC: map it$"):
        corpora.load(mapped(files, per="PER", geo="LOC", eve="O"), ("PER", "LOC"), None)


def test_a_label_mapped_to_none_of_ours_is_refused_by_name(files: CorpusConfig) -> None:
    with pytest.raises(ConfigError, match=r"^own: label EVENT is none of PER"):
        corpora.load(mapped(files, per="PER", geo="O", product="O", eve="EVENT"), ("PER",), None)


def test_words_that_are_no_names_lose_their_tag_only_when_they_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "own.conll").write_text("@ B-PER\n@ B-PER\nAnn I-PER\n", encoding="utf-8")
    file = str(tmp_path / "own.conll")
    found = corpora.load(CorpusConfig(train=file, dev=file, no_names=("@",)), (), None)
    assert found.splits["train"][0].spans == (Span(1, 3, "PER"),)


def test_after_some_words_nobody_has_said_whether_a_name_follows(tmp_path: Path) -> None:
    (tmp_path / "own.conll").write_text(
        "@ O\nann B-PER\nlee I-PER\nmet O\n@ B-PER\nbo I-PER\n, O\n@ O\nhome O\n@ O\n", encoding="utf-8"
    )
    file = str(tmp_path / "own.conll")
    found = corpora.load(CorpusConfig(train=file, dev=file, unknown_after=("@",)), (), None)
    (sentence,) = found.splits["train"]
    assert sentence.spans == (Span(4, 6, "PER"),), "a name that begins at the word itself stays"
    assert set(sentence.unknown) == {Span(1, 3, "?"), Span(8, 9, "?")}


def test_only_the_splits_asked_for_are_read(files: CorpusConfig) -> None:
    found = corpora.load(CorpusConfig(train="absent", dev=files.dev), (), None, splits=("dev",))
    assert list(found.splits) == ["dev"]


def test_a_malformed_file_is_refused_with_its_line(files: CorpusConfig) -> None:
    Path(files.dev).write_text("the O\nOpen I-eve\n", encoding="utf-8")
    Path(files.train).write_text("Ann B-per\n\nan I-geo\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"own\.conll:3: "):
        corpora.load(files, (), None)


def test_a_dataset_comes_with_its_splits_and_its_licence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def load(name: str, split: str, folder: Path) -> list[Sentence]:
        asked.append((name, split, folder))
        return [Sentence(("Ann",), ("B-PER",))]

    monkeypatch.setattr(datasets, "load", load)
    found = corpora.load(CorpusConfig("broad_twitter"), (), tmp_path)
    assert asked == [("broad_twitter", "train", tmp_path), ("broad_twitter", "dev", tmp_path)]
    assert (found.name, found.licence, found.scored) == ("broad_twitter", "CC BY 4.0", ("dev",))
    assert found.summary == "train 1 sentences with 1 names, dev 1 sentences with 1 names"


@pytest.mark.parametrize(("given", "stated"), [("CC0", "CC0"), ("", "of the files' owner")])
def test_files_of_ones_own_have_the_licence_that_the_configuration_states(
    files: CorpusConfig, given: str, stated: str
) -> None:
    assert corpora.load(replace(files, licence=given), (), None).licence == stated


def test_a_restricted_corpus_judges_only_these_labels() -> None:
    assert corpus().restricted(("PER", "DATE")).annotates == ("PER",)


def test_dev_in_train_leaves_no_dev() -> None:
    source = corpus(6)
    found = source.with_dev_in_train()
    assert found.splits == {"train": source.splits["train"] + source.splits["dev"], "test": source.splits["test"]}


def test_examples_hold_ids_and_what_is_known() -> None:
    source, tags = corpus(6), tags_of(LABELS)
    vocabulary = Vocabulary.build([["Anna"]])
    found = corpora.examples(source.splits["train"], LABELS, vocabulary, tags)
    assert len(found) == 6
    for example, sentence in zip(found, source.splits["train"], strict=True):
        assert example.words == vocabulary.ids(sentence.tokens)
        assert torch.equal(example.allowed, allowed_tags(sentence, LABELS, tags))


def test_cut_as_the_tokenizer_cuts_the_spans_stay_on_their_words() -> None:
    sentence = Annotated(
        ("@anna", "left", "(Rome)", "now"), (Span(0, 1, "PER"), Span(2, 3, "LOC")), (Span(3, 4, "?"),)
    )
    assert cut(sentence) == Annotated(
        ("@", "anna", "left", "(", "Rome", ")", "now"), (Span(0, 2, "PER"), Span(3, 6, "LOC")), (Span(6, 7, "?"),)
    )


def test_own_tokens_add_a_second_form_of_those_sentences_only_that_it_cuts(tmp_path: Path) -> None:
    (tmp_path / "own.conll").write_text("@anna B-PER\nleft O\n\nAnna B-PER\nleft O\n", encoding="utf-8")
    file = str(tmp_path / "own.conll")
    source = corpora.load(CorpusConfig(train=file, dev=file), (), None)
    for own_tokens, lengths in ((False, [2, 2]), (True, [2, 2, 3])):
        found = corpora.training_sentences(source, own_tokens=own_tokens, recased_share=0.0, seed=1)
        assert [len(sentence.tokens) for sentence in found] == lengths


def test_recased_adds_that_share_of_the_sentences_in_another_case() -> None:
    source = corpus(60)
    own = source.splits["train"]
    found = corpora.training_sentences(source, own_tokens=False, recased_share=0.1, seed=1)
    assert tuple(found[: len(own)]) == own
    assert len(found) == len(own) + len(own) // 10
    assert not set(found[len(own) :]) & set(own)
