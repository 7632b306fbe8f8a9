"""The network: the same answer from every form of it, and what each of its parts promises."""

import io
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from model.batch import collate
from model.config import TaggerConfig
from model.tagger import Encoder, VariationalDropout, WordEncoder
from model.tags import spans_of
from model.vocabulary import UNKNOWN

CELLS = ["rnn", "gru", "lstm"]
SENTENCES = [
    text.split()
    for text in (
        "Angela Merkel visited the city of New York on Monday .",
        "München",
        "In 1999 Zorbas , Qwynn-Zz and the Merkels left Yorkville for Ulan-Ude and went on to Sverdlovsk by rail .",
        "the the the",
        "Monday",
        "北京 、 https://example.org/a/very/long/address?that=no&word=has 😀",
        "New York , New York",
    )
]


@pytest.fixture
def ids(vocabulary):
    return [[vocabulary.ids(word) for word in words] for words in SENTENCES]


# -- the same answer from every form -------------------------------------------------------------------------------


def alone(ids):
    return [[n] for n in range(len(ids))]


def batched(ids):
    return [list(range(len(ids)))]


def reversed_pairs(ids):
    order = list(range(len(ids)))[::-1]
    return [order[n : n + 2] for n in range(0, len(order), 2)]


def answers(form, ids, arrangement):
    """The tags and confidences that a form of a tagger gives each sentence, when batched as arranged. Twice, for
    TorchScript runs another program the second time."""
    found = {}
    for chosen in arrangement(ids) * 2:
        batch = collate([ids[n] for n in chosen])
        with torch.inference_mode():
            tag_ids, confidence = form(batch.features, batch.characters, batch.tokens, batch.lengths)
        for n, row, confidences in zip(chosen, tag_ids.tolist(), confidence, strict=True):
            assert not any(row[len(ids[n]) :]), "padding has tag 0"
            found[n] = (row[: len(ids[n])], confidences[: len(ids[n])])
    return [found[n] for n in range(len(ids))]


def assert_same_answers(form, arrangement, expected, ids):
    for (tag_ids, confidence), (expected_ids, expected_confidence) in zip(
        answers(form, ids, arrangement), expected, strict=True
    ):
        assert tag_ids == expected_ids
        torch.testing.assert_close(confidence, expected_confidence, rtol=0, atol=1e-5)


def saved_and_loaded(scripted):
    file = io.BytesIO()
    torch.jit.save(scripted, file)
    file.seek(0)
    return torch.jit.load(file)


@pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"), [*product(CELLS, [1, 2], [True, False]), ("lstm", 3, True)]
)
def test_eager_scripted_and_loaded_alone_and_batched_give_the_same_answer(
    cell, layers, bidirectional, make_tagger, tags, ids
):
    tagger = make_tagger(cell=cell, layers=layers, bidirectional=bidirectional)
    expected = answers(tagger, ids, alone)
    found = [[tags[tag] for tag in row] for row, _ in expected]
    assert len({tag for row in found for tag in row}) > 2 and sum(map(len, map(spans_of, found))) > 3
    scripted = torch.jit.script(tagger)
    for form in (tagger, scripted, saved_and_loaded(scripted)):
        for arrangement in (alone, batched, reversed_pairs):
            assert_same_answers(form, arrangement, expected, ids)


def test_a_halved_tagger_too_gives_the_same_answer_from_every_form(make_tagger, ids):
    tagger = make_tagger()
    tagger.words.halve()
    expected = answers(tagger, ids, alone)
    scripted = torch.jit.script(tagger)
    for form in (tagger, scripted, saved_and_loaded(scripted)):
        assert_same_answers(form, batched, expected, ids)


@pytest.mark.parametrize("cell", CELLS)
def test_emissions_do_not_depend_on_batch_mates_or_padding(cell, make_tagger, ids):
    tagger = make_tagger(cell=cell, layers=2)
    long = [ids[2] * 10]

    def emissions(sentences):
        batch = collate(sentences)
        with torch.inference_mode():
            return tagger.emissions(batch.features, batch.characters, batch.tokens, batch.lengths)

    for n, row in enumerate(emissions(ids + long)[:-1]):
        torch.testing.assert_close(row[: len(ids[n])], emissions([ids[n]])[0], rtol=0, atol=1e-5)


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def represent(make_tagger, vocabulary):
    """The representations (U, E) of words that are looked up together."""
    tagger = make_tagger()

    def represent(*words):
        batch = collate([[vocabulary.ids(word) for word in words]])
        with torch.inference_mode():
            return tagger.words(batch.features, batch.characters)[batch.tokens[0]]

    return represent


def test_unseen_words_differ_by_their_spelling(represent, vocabulary):
    words = ["Munchner", "Nunchmer", "Manchner", "munchner", "Munchnerin"]
    assert {vocabulary.ids(word).features[0] for word in words} == {UNKNOWN}
    for n, (one, other) in enumerate(product(represent(*words), repeat=2)):
        assert one.equal(other) == (n % (len(words) + 1) == 0), "each equals itself alone"


def test_a_words_representation_does_not_depend_on_the_words_beside_it(represent):
    for word in ("a", "München", "Unseen"):
        beside = represent(word, "Merkel", "an-unseen-word-of-many-characters")[0]
        torch.testing.assert_close(beside, represent(word)[0], rtol=0, atol=1e-6)


def test_halving_keeps_the_embeddings_of_whole_words_in_half_precision(make_tagger, vocabulary):
    words = make_tagger().words
    batch = collate([[vocabulary.ids(word) for word in ("Merkel", "Zorbas", "of")]])
    with torch.inference_mode():
        before = words(batch.features, batch.characters)
        words.halve()
        after = words(batch.features, batch.characters)
    assert {name for name, one in words.named_parameters() if one.dtype == torch.float16} == {"tables.0.weight"}
    assert after.dtype == torch.float32
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-4)


def test_adopted_vectors_are_those_of_the_known_words_in_order(make_tagger, vocabulary):
    words = make_tagger().words
    others = words.tables[0].weight[: UNKNOWN + 1].clone()
    vectors = torch.randn(len(vocabulary.words), words.tables[0].weight.shape[1])
    words.adopt(vectors)
    for word in ("of", "Merkel"):
        row = words.tables[0].weight[vocabulary.ids(word).features[0]]
        assert row.equal(vectors[vocabulary.words.index(word.lower())])
    assert words.tables[0].weight[: UNKNOWN + 1].equal(others)


def word_encoder(vocabulary, word_dropout):
    torch.manual_seed(2)
    return WordEncoder(TaggerConfig(dropout=0.0, word_dropout=word_dropout), vocabulary)


def test_word_dropout_shows_words_as_unknown_and_keeps_their_spelling(vocabulary):
    encoder = word_encoder(vocabulary, 0.5).train()
    ids = vocabulary.ids("Merkel")
    batch = collate([[ids]])
    features = batch.features.expand(1000, -1)
    encoded = encoder(features, batch.characters.expand(1000, -1))
    width = encoder.tables[0].weight.shape[1]
    hidden = (encoded[:, :width] == encoder.tables[0].weight[UNKNOWN]).all(1)
    shown = (encoded[:, :width] == encoder.tables[0].weight[ids.features[0]]).all(1)
    assert (hidden ^ shown).all()
    assert 400 < hidden.sum() < 600
    torch.testing.assert_close(encoded[:, width:], encoded[:1, width:].expand(1000, -1), rtol=0, atol=1e-6)


def test_word_dropout_is_for_training_only(vocabulary):
    batch = collate([[vocabulary.ids("Merkel")]])
    with_dropout, without = (word_encoder(vocabulary, share).eval() for share in (0.95, 0.0))
    for _ in range(5):
        assert with_dropout(batch.features, batch.characters).equal(without(batch.features, batch.characters))


# -- the encoder -----------------------------------------------------------------------------------------------------


def packed(encoder, config, input_size):
    """torch's own recurrent layers over packed sequences, with the weights of `encoder`."""
    cell = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[config.cell]
    recurrence = cell(
        input_size, config.hidden_size, config.layers, batch_first=True, bidirectional=config.bidirectional
    ).to(next(encoder.parameters()).dtype)
    weights = {}
    for n, layer in enumerate(encoder.layers):
        for suffix, direction in (("", layer.onward), ("_reverse", layer.mirrored)):
            if direction is not None:
                named = direction.named_parameters()
                weights |= {name.replace("_l0", f"_l{n}") + suffix: weight for name, weight in named}
    recurrence.load_state_dict(weights)

    def forward(embedded, lengths):
        output, _ = recurrence(pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False))
        return pad_packed_sequence(output, batch_first=True)[0]

    return forward


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize(("cell", "layers", "bidirectional"), [*product(CELLS, [1, 3], [True, False])])
def test_the_padded_recurrence_equals_packed_sequences(cell, layers, bidirectional, dtype, tolerance):
    torch.manual_seed(3)
    config = TaggerConfig(cell=cell, layers=layers, bidirectional=bidirectional, hidden_size=9)
    encoder = Encoder(config, 7).to(dtype).eval()
    for name, parameter in encoder.named_parameters():
        if "bias" in name:
            nn.init.normal_(parameter)  # they start at 0, which would hide a wrong one
    lengths = torch.tensor([3, 11, 1, 8])
    embedded = torch.randn(4, 11, 7, dtype=dtype)
    with torch.inference_mode():
        ours, theirs = encoder(embedded, lengths), packed(encoder, config, 7)(embedded, lengths)
    for one, other, length in zip(ours, theirs, lengths.tolist(), strict=True):
        torch.testing.assert_close(one[:length], other[:length], rtol=0, atol=tolerance)


@pytest.mark.parametrize(("bidirectional", "reaches"), [(True, True), (False, False)])
def test_only_an_encoder_of_both_directions_sees_what_comes_later(bidirectional, reaches):
    encoder = Encoder(TaggerConfig(bidirectional=bidirectional, hidden_size=5), 4).eval()
    embedded = torch.randn(1, 6, 4)
    changed = embedded.clone()
    changed[0, 5] += 1
    lengths = torch.tensor([6])
    with torch.inference_mode():
        assert encoder(embedded, lengths)[0, 0].equal(encoder(changed, lengths)[0, 0]) is not reaches


def test_an_lstm_starts_by_remembering():
    layer = Encoder(TaggerConfig(cell="lstm", hidden_size=5), 4).layers[0].onward
    forget = slice(5, 10)  # torch's order of the gates is input, forget, cell, output
    assert (layer.bias_ih_l0[forget] + layer.bias_hh_l0[forget] == 1).all()


# -- training --------------------------------------------------------------------------------------------------------


def test_dropout_drops_the_same_units_at_every_token_and_others_in_each_sentence():
    torch.manual_seed(4)
    dropped = VariationalDropout(0.5).train()(torch.ones(50, 7, 40))
    assert dropped.equal(dropped[:, :1].expand(-1, 7, -1))
    assert len({tuple(row.tolist()) for row in dropped[:, 0]}) == 50


def test_dropout_scales_what_it_keeps_so_that_the_mean_stays():
    torch.manual_seed(4)
    dropped = VariationalDropout(0.25).train()(torch.ones(100, 1, 100))
    torch.testing.assert_close(dropped.unique(), torch.tensor([0.0, 1 / 0.75]))
    assert dropped.mean() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("share", "training"), [(0.5, False), (0.0, True)])
def test_dropout_changes_nothing_outside_training_or_with_a_share_of_zero(share, training):
    values = torch.randn(2, 3, 4)
    assert VariationalDropout(share).train(training)(values).equal(values)


@pytest.mark.parametrize(("cell", "bidirectional"), [*product(CELLS, [True, False])])
def test_the_gradient_reaches_every_parameter(cell, bidirectional, make_tagger, tags, ids):
    tagger = make_tagger(cell=cell, layers=2, bidirectional=bidirectional).train()
    batch = collate(ids)
    known = torch.ones(*batch.tokens.shape, len(tags), dtype=torch.bool)
    known[:, 0] = torch.tensor([tag == "B-PER" for tag in tags])
    (-tagger.log_likelihood(batch, known).mean()).backward()
    unreached = {
        name for name, one in tagger.named_parameters() if one.grad is None or not one.grad.isfinite().all()
    } | {name for name, one in tagger.named_parameters() if not one.grad.any()}
    assert unreached == set()


def test_a_few_steps_learn_a_few_sentences(make_tagger, tags, ids):
    torch.manual_seed(5)
    tagger = make_tagger(cell="gru", hidden_size=16, dropout=0.0, word_dropout=0.0).train()
    batch = collate(ids[:2])
    gold = [["B-PER", "I-PER", *["O"] * 4, "B-LOC", "I-LOC", "O", "O", "O"], ["B-LOC"]]
    known = torch.ones(2, 11, len(tags), dtype=torch.bool)
    for row, names in zip(known, gold, strict=True):
        row[: len(names)] = torch.tensor([[tag == name for tag in tags] for name in names])
    optimizer = torch.optim.Adam(tagger.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = -tagger.log_likelihood(batch, known).mean()
        loss.backward()
        optimizer.step()
    found = answers(tagger.eval(), ids[:2], batched)
    assert [[tags[tag] for tag in row] for row, _ in found] == gold
    assert all(confidence[confidence > 0].min() > 0.8 for _, confidence in found)
