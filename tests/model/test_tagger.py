"""The network: the same answer from every form of it, and what each of its parts promises."""

import io
import operator
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nerve.model.batch import collate
from nerve.model.config import TaggerConfig
from nerve.model.tagger import Encoder, VariationalDropout, WordEncoder
from nerve.model.tags import spans_of
from nerve.model.vocabulary import FEATURES, PADDING, UNKNOWN

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
    return [vocabulary.ids(words) for words in SENTENCES]


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
    assert len({tag for row in found for tag in row}) > 2
    assert sum(map(len, map(spans_of, found))) > 3
    scripted = torch.jit.script(tagger)
    for form in (tagger, scripted, saved_and_loaded(scripted)):
        for arrangement in (alone, batched, reversed_pairs):
            assert_same_answers(form, arrangement, expected, ids)


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, "vocabulary"),
        ({"pair_size": 3}, "paired_vocabulary"),
        ({"pair_size": 3, "lexicon_size": 2}, "lexicon_vocabulary"),
    ],
)
def test_a_tagger_of_pairs_and_one_with_frozen_rows_too_gives_the_same_answer_from_every_form(
    settings, kind, quantized, make_tagger, request
):
    known = request.getfixturevalue(kind)
    plain = answers(make_tagger(**settings), [known.ids(words) for words in SENTENCES], alone)
    tagger, known = with_frozen_rows(make_tagger(**settings), known)
    ids = [known.ids(words) for words in SENTENCES]
    if quantized:
        tagger.words.quantize()
    expected = answers(tagger, ids, alone)
    assert any(not one[1].equal(other[1]) for one, other in zip(expected, plain, strict=True)), "they are looked at"
    scripted = torch.jit.script(tagger)
    for form in (tagger, scripted, saved_and_loaded(scripted)):
        assert_same_answers(form, batched, expected, ids)


def with_frozen_rows(tagger, vocabulary):
    """The tagger and its vocabulary with more words, and with more pairs and words of the lexicon if it has those:
    with frozen rows, all of them."""
    tables = {"words": ("zorbas", "sverdlovsk", "、")}
    if vocabulary.pairs is not None:
        tables["pairs"] = ("yorkvillefor", "inzorbas")
    if vocabulary.lexicon is not None:
        tables["lexicon"] = ("forulan-ude", "ofnewyork")
    torch.manual_seed(6)
    for name, strings in tables.items():
        table = tagger.words.tables()[name]
        size = table.learned.weight.shape[1]
        none = torch.tensor([], dtype=torch.long)
        table.load_vectors(none, torch.empty(0, size), 3 * torch.randn(len(strings), size))
    return tagger, replace(vocabulary, **{name: (*vocabulary.table(name), *more) for name, more in tables.items()})


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
        batch = collate([vocabulary.ids(words)])
        with torch.inference_mode():
            return tagger.words(batch.features, batch.characters)[batch.tokens[0]]

    return represent


def test_unseen_words_differ_by_their_spelling(represent, vocabulary):
    words = ["Munchner", "Nunchmer", "Manchner", "munchner", "Munchnerin"]
    assert {word.features[0] for word in vocabulary.ids(words)} == {UNKNOWN}
    for n, (one, other) in enumerate(product(represent(*words), repeat=2)):
        assert one.equal(other) == (n % (len(words) + 1) == 0), "each equals itself alone"


def test_a_words_representation_does_not_depend_on_the_words_beside_it(represent):
    for word in ("a", "München", "Unseen"):
        beside = represent(word, "Merkel", "an-unseen-word-of-many-characters")[0]
        torch.testing.assert_close(beside, represent(word)[0], rtol=0, atol=1e-6)


def test_a_words_representation_does_not_depend_on_the_words_beside_it_after_training_either(make_tagger, vocabulary):
    """Padding is never learned."""
    words = make_tagger(word_dropout=0.0).words.train()
    beside, single = (collate([vocabulary.ids(some)]) for some in (["of", "München"], ["of"]))
    optimiser = torch.optim.SGD(words.parameters(), lr=1.0)
    words(beside.features, beside.characters).square().sum().backward()
    optimiser.step()
    with torch.inference_mode():
        together = words(beside.features, beside.characters)[0]
        torch.testing.assert_close(together, words(single.features, single.characters)[0], rtol=0, atol=1e-6)
    assert all(not table.learned.weight[PADDING].any() for table in words.tables().values())


def test_a_word_with_other_neighbours_has_another_representation_only_where_pairs_are_looked_at(
    make_tagger, vocabulary, paired_vocabulary
):
    for tagger, known in ((make_tagger(), vocabulary), (make_tagger(pair_size=3), paired_vocabulary)):
        with torch.inference_mode():
            one, other = (
                tagger.words(batch.features, batch.characters)[batch.tokens[0, 1]]
                for batch in (collate([known.ids(words)]) for words in (["New", "York", "on"], ["of", "York", "in"]))
            )
        assert one.equal(other) is (known is vocabulary)
        assert one.shape == (tagger.words.output_size,)
        same = 2 * tagger.config.pair_size
        assert (one != other).sum() == same, "its pairs' numbers alone"


def test_the_words_of_the_lexicon_around_a_word_change_its_representation_alone(make_tagger, lexicon_vocabulary):
    tagger = make_tagger(pair_size=3, lexicon_size=2)
    without = replace(lexicon_vocabulary, lexicon=("none", "of", "these"))
    sentence = ["in", "the", "city", "of", "New", "York", "."]
    with torch.inference_mode():
        one, other = (
            tagger.words(batch.features, batch.characters)[batch.tokens[0]]
            for batch in (collate([known.ids(sentence)]) for known in (lexicon_vocabulary, without))
        )
    columns = tagger.words.lexicon_columns()
    assert len(columns) == 3 * 2
    changed = one != other
    assert changed.any(1).tolist() == [False, False, True, True, True, True, False]
    assert not changed[:, : columns.start].any()
    assert not changed[:, columns.stop :].any()
    new = one[4, columns.start : columns.stop]
    rows = tagger.words.tables()["lexicon"].learned.weight
    begins, ends, none = rows[UNKNOWN + 1], rows[UNKNOWN + 2], rows[UNKNOWN]
    assert new.equal(torch.cat([begins, ends, none])), "`newyork` begins and `cityofnew` ends there"


def test_both_pairs_of_a_word_are_looked_up_in_one_table(make_tagger, paired_vocabulary):
    tagger = make_tagger(pair_size=3)
    batch = collate([paired_vocabulary.ids(["New", "York"])])
    with torch.inference_mode():
        new, york = tagger.words(batch.features, batch.characters)
    at = 8 + 3 * (len(FEATURES) - 1)  # after word, affixes and shape
    assert new[at + 3 : at + 6].equal(york[at : at + 3])
    assert new[at + 3 : at + 6].equal(tagger.words.tables()["pairs"].learned.weight[batch.features[0, -1]])


def word_encoder(vocabulary, word_dropout):
    torch.manual_seed(2)
    return WordEncoder(TaggerConfig(dropout=0.0, word_dropout=word_dropout), vocabulary)


def test_word_dropout_shows_words_as_unknown_and_keeps_their_spelling(vocabulary):
    encoder = word_encoder(vocabulary, 0.5).train()
    batch = collate([vocabulary.ids(["Merkel"])])
    encoded = encoder(batch.features.expand(1000, -1), batch.characters.expand(1000, -1))
    whole = encoder.tables()["words"].learned.weight
    width = whole.shape[1]
    hidden = (encoded[:, :width] == whole[UNKNOWN]).all(1)
    shown = (encoded[:, :width] == whole[batch.features[0, 0]]).all(1)
    assert (hidden ^ shown).all()
    assert 400 < hidden.sum() < 600
    torch.testing.assert_close(encoded[:, width:], encoded[:1, width:].expand(1000, -1), rtol=0, atol=1e-6)


def test_word_dropout_is_for_training_only(vocabulary):
    batch = collate([vocabulary.ids(["Merkel"])])
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
        for suffix, direction in (("", layer.forward_rnn), ("_reverse", layer.backward_rnn)):
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


def test_an_lstm_begins_with_open_forget_gates():
    layer = Encoder(TaggerConfig(cell="lstm", hidden_size=5), 4).layers[0].forward_rnn
    forget = slice(5, 10)  # torch's order of the gates is input, forget, cell, output
    assert (layer.bias_ih_l0[forget] + layer.bias_hh_l0[forget] == 1).all()


# -- temperature -----------------------------------------------------------------------------------------------------


def test_a_temperature_divides_emissions_and_transitions(make_tagger, ids):
    tagger, scaled = make_tagger(), make_tagger()
    scaled.scale_by_temperature(2.5)
    batch = collate(ids)
    with torch.inference_mode():
        before, after = (
            one.emissions(batch.features, batch.characters, batch.tokens, batch.lengths) for one in (tagger, scaled)
        )
    torch.testing.assert_close(after, before / 2.5)
    for one, other in zip(scaled.crf.scores(), tagger.crf.scores(), strict=True):
        torch.testing.assert_close(one, other / 2.5)  # minus infinity stays that


@pytest.mark.parametrize(
    ("temperature", "compares"),
    [(0.5, operator.gt), (0.9, operator.gt), (1.0, operator.eq), (1.1, operator.lt), (3.0, operator.lt)],
)
def test_a_temperature_changes_no_tag_and_above_1_makes_scores_lower(temperature, compares, make_tagger, tags, ids):
    tagger = make_tagger()
    before, sure_before = answers(tagger, ids, batched), log_probabilities(tagger, tags, ids)
    tagger.scale_by_temperature(temperature)
    after, sure_after = answers(tagger, ids, batched), log_probabilities(tagger, tags, ids)
    assert [row for row, _ in after] == [row for row, _ in before]
    assert all(map(compares, sure_after, sure_before))
    assert compares(*(float(torch.cat([row for _, row in some]).sum()) for some in (after, before)))


def log_probabilities(tagger, tags, ids):
    """How probable the best tags of each sentence are."""
    found = []
    for sentence, (row, _) in zip(ids, answers(tagger, ids, alone), strict=True):
        with torch.inference_mode():
            known = torch.tensor([[[tag == n for n in range(len(tags))] for tag in row]])
            found.append(tagger.log_likelihood(collate([sentence]), known).item())
    return found


def test_two_temperatures_are_their_product(make_tagger, ids):
    once, twice = make_tagger(), make_tagger()
    once.scale_by_temperature(3.0)
    twice.scale_by_temperature(2.0)
    twice.scale_by_temperature(1.5)
    assert_same_answers(twice, batched, answers(once, ids, batched), ids)


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
    optimiser = torch.optim.Adam(tagger.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        loss = -tagger.log_likelihood(batch, known).mean()
        loss.backward()
        optimiser.step()
    found = answers(tagger.eval(), ids[:2], batched)
    assert [[tags[tag] for tag in row] for row, _ in found] == gold
    assert all(confidence[confidence > 0].min() > 0.8 for _, confidence in found)


def test_a_step_of_training_leaves_padding_zero(make_tagger, vocabulary):
    tagger = make_tagger().train()
    batch = collate([vocabulary.ids(("Munich", "of"))])  # of two characters and of six: four are padding
    tagger.words(batch.features, batch.characters).square().sum().backward()
    padding = tagger.words.characters.learned.weight.grad[0]
    assert tagger.words.characters.learned.weight.grad[1:].any()
    assert not padding.any()
