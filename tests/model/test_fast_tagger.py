"""The fast form of a tagger: the same answers, whatever the network, the batch and the words seen before."""

import random
from dataclasses import replace
from itertools import product

import pytest
import torch

from nerve.model.archive import Archive, FastForm
from nerve.model.batch import BATCH_TOKENS, GPU_BATCH_TOKENS
from nerve.model.config import TaggerConfig
from nerve.model.fast_tagger import PACKED_FROM, FastTagger, supports
from nerve.model.word_table import GPU_CAPACITY, WordTable

CELLS = ("rnn", "gru", "lstm")
NETWORKS = [
    *(
        {"cell": cell, "layers": layers, "bidirectional": bidirectional}
        for cell, layers, bidirectional in product(CELLS, (1, 2), (True, False))
    ),
    {"layers": 3},
    {"hidden_size": 1},
]
ARRANGEMENTS = {
    "packed": {"packed": True},
    "plain": {"packed": False},
    "for a GPU": {"packed": False, "gpu": True},
}
COUNTS = [1, 2, PACKED_FROM - 1, PACKED_FROM, 9]
WORDS = ["Angela", "Merkel", "visited", "New", "York", "on", "Monday", ",", ".", "Reykjavik", "ÆØÅ", "2006", "x" * 40]


def sentences(count, seed=0):
    """Sentences of 1 to 12 words, known and unknown."""
    draw = random.Random(seed)
    return [draw.choices(WORDS, k=draw.randint(1, 12)) for _ in range(count)]


@pytest.fixture
def fast_and_plain(vocabulary, paired_vocabulary, metadata, tags):
    """A tagger's archive with its fast form and without; `bounds` are those of its word table."""

    def make(tagger, *, scripted=True, packed=True, gpu=False, **bounds):
        strings = paired_vocabulary if tagger.config.pair_size else vocabulary
        form = FastTagger(tagger.config, tagger.state_dict(), tags, packed=packed, gpu=gpu).eval()
        words = WordTable(strings.ids, tagger.words, form.project, **bounds)
        fast = FastForm(words, torch.jit.script(form) if scripted else form)
        return Archive(tagger, strings, metadata, "cpu", fast=fast), Archive(tagger, strings, metadata, "cpu")

    return make


def assert_same_answers(one, other, batch, tolerance=1e-5):
    (tags, scores), (expected_tags, expected_scores) = one.run(batch), other.run(batch)
    assert torch.equal(tags, expected_tags)
    torch.testing.assert_close(scores, expected_scores, atol=tolerance, rtol=0)


@pytest.fixture
def with_biases(make_tagger):
    """Builds a small tagger whose biases are not 0, as they are before training: that would hide a wrong one."""

    def make(**settings):
        tagger = make_tagger(**settings)
        with torch.no_grad():
            for name, weight in tagger.encoder.named_parameters():
                if "bias" in name:
                    weight.normal_()
        return tagger

    return make


@pytest.mark.parametrize("arrangement", ARRANGEMENTS.values(), ids=ARRANGEMENTS.keys())
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_fast_form_gives_the_taggers_answers(network, arrangement, with_biases, fast_and_plain):
    fast, plain = fast_and_plain(with_biases(**network), **arrangement)
    for count in COUNTS:
        assert_same_answers(fast, plain, sentences(count))


@pytest.mark.parametrize("cell", CELLS)
def test_it_gives_them_without_torchscript_too(cell, with_biases, fast_and_plain):
    fast, plain = fast_and_plain(with_biases(cell=cell), scripted=False)
    for count in COUNTS:
        assert_same_answers(fast, plain, sentences(count))


def test_packed_and_plain_products_give_the_same_answers(make_tagger, fast_and_plain):
    packed, plain = (fast_and_plain(make_tagger(layers=2), packed=packed)[0] for packed in (True, False))
    for count in COUNTS:
        assert_same_answers(packed, plain, sentences(count), tolerance=1e-6)


def test_a_batch_after_others_gets_the_same_answer(make_tagger, fast_and_plain):
    fast, plain = fast_and_plain(make_tagger())
    for seed in range(5):
        assert_same_answers(fast, plain, sentences(4, seed))


def test_a_word_keeps_its_answer_when_the_table_was_emptied(make_tagger, fast_and_plain):
    fast, plain = fast_and_plain(make_tagger(), capacity=12)
    emptied = 0
    for seed in range(20):
        before = len(fast.fast.words)
        assert_same_answers(fast, plain, sentences(1, seed))
        emptied += len(fast.fast.words) < before
    assert emptied > 0


def test_a_batch_of_more_words_than_the_table_holds_is_answered(make_tagger, fast_and_plain):
    fast, plain = fast_and_plain(make_tagger(), capacity=13)
    assert_same_answers(fast, plain, sentences(8))
    assert len(fast.fast.words) == 0


@pytest.mark.parametrize("network", [{"cell": cell, "layers": 2} for cell in CELLS], ids=str)
def test_arranged_for_a_gpu_it_computes_on_the_device_of_its_weights_alone(network, make_tagger, tags):
    """torch refuses to mix this device, which has shapes and no numbers, with the CPU."""
    tagger = make_tagger(**network)
    form = FastTagger(tagger.config, tagger.state_dict(), tags, packed=False, gpu=True).eval().to("meta")
    table = form.project(torch.empty(20, tagger.words.output_size, device="meta"))
    rows = torch.empty(9, dtype=torch.int64, device="meta")
    for lengths in ([9], [2, 3, 4]):
        with torch.inference_mode():
            tag_ids, confidence = form(table, rows, torch.tensor(lengths))
        assert tag_ids.shape == confidence.shape == (len(lengths), max(lengths))
        assert tag_ids.device.type == confidence.device.type == "meta"


def test_a_batch_for_a_gpu_is_larger_and_its_words_fit_into_the_table_there(make_tagger, fast_and_plain):
    archive, _ = fast_and_plain(make_tagger())
    on_gpu = replace(archive, device="cuda")
    assert archive.batch_tokens == BATCH_TOKENS < on_gpu.batch_tokens == GPU_BATCH_TOKENS <= GPU_CAPACITY


def test_taggers_that_look_at_single_words_have_a_fast_form():
    assert all(supports(TaggerConfig(cell=cell)) for cell in CELLS)
    assert not supports(TaggerConfig(pair_size=1))
    assert not supports(TaggerConfig(lexicon_size=1))
