"""The fast form of a tagger: the same answers, whatever the network, the batch and what has been seen before."""

import random

import pytest
import torch

from nerve.model import inference
from nerve.model.archive import Archive, Fast
from nerve.model.config import TaggerConfig
from nerve.model.inference import PACKED_FROM, Inference, WordTable, supports

NETWORKS = [
    {},
    {"bidirectional": False},
    {"layers": 3},
    {"layers": 2, "bidirectional": False},
    {"hidden_size": 1},
    {"pair_size": 5},
]
COUNTS = [1, 2, PACKED_FROM - 1, PACKED_FROM, 9]


def sentences(count, seed=0):
    """Sentences of 1 to 12 words, known and unknown."""
    draw = random.Random(seed)
    words = [
        "Angela",
        "Merkel",
        "visited",
        "New",
        "York",
        "on",
        "Monday",
        ",",
        ".",
        "Reykjavik",
        "ÆØÅ",
        "2006",
        "x" * 40,
    ]
    return [draw.choices(words, k=draw.randint(1, 12)) for _ in range(count)]


@pytest.fixture
def fast_and_plain(vocabulary, paired_vocabulary, metadata, tags):
    """A tagger's archive with its fast form and without."""

    def make(tagger, scripted=True):
        known = paired_vocabulary if tagger.config.pair_size else vocabulary
        form = Inference(tagger.config, tagger.state_dict(), tags).eval()
        table = WordTable(tagger.words, form.project)
        fast = Fast(table, torch.jit.script(form) if scripted else form)
        return Archive(tagger, known, metadata, "cpu", fast=fast), Archive(tagger, known, metadata, "cpu")

    return make


def assert_same_answers(one, other, batch):
    ids = [one.vocabulary.ids(words) for words in batch]
    (tags, scores), (expected_tags, expected_scores) = one.run(ids), other.run(ids)
    assert torch.equal(tags, expected_tags)
    torch.testing.assert_close(scores, expected_scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("scripted", [True, False])
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_fast_form_gives_the_taggers_answers(network, count, scripted, make_tagger, fast_and_plain):
    fast, plain = fast_and_plain(make_tagger(**network), scripted)
    assert_same_answers(fast, plain, sentences(count))


def test_without_onednn_too(make_tagger, fast_and_plain, monkeypatch):
    monkeypatch.setattr(torch._C, "_has_mkldnn", False)
    fast, plain = fast_and_plain(make_tagger())
    assert fast.fast.inference.first.packed == fast.fast.inference.project.packed == []
    assert_same_answers(fast, plain, sentences(2 * PACKED_FROM))


def test_a_batch_after_others_is_answered_alike(make_tagger, fast_and_plain):
    fast, plain = fast_and_plain(make_tagger())
    for seed in range(5):
        assert_same_answers(fast, plain, sentences(4, seed))


def test_a_word_is_represented_when_it_is_first_seen_and_never_again(make_tagger, vocabulary, tags):
    tagger = make_tagger()
    represented = []

    def represent(features, characters):
        represented.append(len(features))
        return tagger.words(features, characters)

    table = WordTable(represent, Inference(tagger.config, tagger.state_dict(), tags).project)
    with torch.inference_mode():
        table.look_up([vocabulary.ids(["Angela", "visited", "Angela"])])
        table.look_up([vocabulary.ids(["visited", "York"]), vocabulary.ids(["Angela"])])
        table.look_up([vocabulary.ids(["York", "visited"])])
    assert represented == [2, 1]


def test_new_words_are_represented_a_slice_at_a_time(make_tagger, fast_and_plain, monkeypatch):
    monkeypatch.setattr(inference, "SLICE_WORDS", 2)
    fast, plain = fast_and_plain(make_tagger())
    represent, represented = fast.fast.table._represent, []

    def counted(features, characters):
        represented.append(len(features))
        return represent(features, characters)

    fast.fast.table._represent = counted
    assert_same_answers(fast, plain, sentences(8))
    assert len(represented) > 1
    assert max(represented) == 2


def test_the_table_is_bounded_and_a_word_keeps_its_answer_when_it_was_emptied(
    make_tagger, fast_and_plain, monkeypatch
):
    monkeypatch.setattr(inference, "TABLE_WORDS", 13)
    monkeypatch.setattr("nerve.model.archive.TABLE_WORDS", 13)
    fast, plain = fast_and_plain(make_tagger())
    for seed in range(20):
        assert_same_answers(fast, plain, sentences(1, seed))
        assert len(fast.fast.table._rows) <= len(fast.fast.table._table) == 13


def test_a_batch_of_more_words_than_the_table_holds_is_answered(make_tagger, fast_and_plain, monkeypatch):
    monkeypatch.setattr(inference, "TABLE_WORDS", 13)
    monkeypatch.setattr("nerve.model.archive.TABLE_WORDS", 13)
    fast, plain = fast_and_plain(make_tagger())
    assert_same_answers(fast, plain, sentences(8))


def test_lstms_that_look_at_single_words_have_a_fast_form_on_the_cpu():
    assert supports(TaggerConfig(), "cpu")
    assert not supports(TaggerConfig(), "cuda")
    assert not supports(TaggerConfig(cell="gru"), "cpu")
    assert not supports(TaggerConfig(pair_size=1), "cpu")


def test_a_look_up_that_was_interrupted_leaves_no_word_without_its_vector(make_tagger, vocabulary):
    tagger, interruptions = make_tagger(), [KeyboardInterrupt]

    def represent(features, characters):
        if interruptions:
            raise interruptions.pop()
        return tagger.words(features, characters)

    table = WordTable(represent, lambda vectors: vectors)
    words = [vocabulary.ids(sentence) for sentence in sentences(3)]
    with pytest.raises(KeyboardInterrupt):
        table.look_up(words)
    expected, expected_rows = WordTable(tagger.words, lambda vectors: vectors).look_up(words)
    found, rows = table.look_up(words)
    torch.testing.assert_close(found[rows], expected[expected_rows])
