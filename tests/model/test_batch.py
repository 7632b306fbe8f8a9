"""Sentences of ids as padded tensors."""

import pytest
import torch

from nerve.model.batch import by_length, collate
from nerve.model.vocabulary import WordIds

THE = WordIds((2, 3, 4, 5), (6, 7, 8))
CAT = WordIds((3, 3, 3, 3), (9,))
SAT = WordIds((4, 4, 4, 4), (9, 6))


def test_sentences_are_padded_to_the_longest():
    batch = collate([[THE, CAT, SAT], [CAT]])
    assert batch.tokens.tolist() == [[0, 1, 2], [1, 0, 0]]
    assert batch.lengths.tolist() == [3, 1]


def test_a_word_that_occurs_often_is_in_a_batch_once():
    batch = collate([[CAT, CAT, THE], [THE, CAT]])
    assert batch.features.tolist() == [list(CAT.features), list(THE.features)]
    assert batch.tokens.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_characters_are_padded_to_the_longest_word():
    assert collate([[CAT, THE]]).characters.tolist() == [[9, 0, 0], [6, 7, 8]]


def test_all_tensors_hold_64_bit_integers():
    batch = collate([[CAT]])
    assert {t.dtype for t in (batch.features, batch.characters, batch.tokens, batch.lengths)} == {torch.int64}


def test_moving_a_batch_keeps_its_lengths_on_the_cpu():
    moved = collate([[CAT, THE]]).to("meta")
    assert [t.device.type for t in (moved.features, moved.characters, moved.tokens)] == ["meta"] * 3
    assert moved.lengths.device.type == "cpu"


def test_rounding_adds_words_that_nothing_refers_to_and_padding_to_characters():
    batch = collate([[WordIds((n, 2, 2, 2), (n, 9)) for n in range(2, 7)]])
    rounded = batch.rounded()
    assert rounded.features.tolist() == [*batch.features.tolist(), batch.features[-1].tolist()]
    assert rounded.characters.tolist() == [[n, 9, 0, 0, 0, 0, 0, 0] for n in (2, 3, 4, 5, 6, 6)]
    assert rounded.tokens is batch.tokens
    assert rounded.lengths is batch.lengths


def test_rounded_batches_have_few_shapes_and_none_grows_by_half():
    shapes = set()
    for count in range(1, 513):
        words = [WordIds((n, 2, 2, 2), (9,) * (count % 24 + 1)) for n in range(count)]
        shapes.add(collate([words]).rounded().characters.shape)
        assert count <= len(collate([words]).rounded().features) < 1.5 * count
    assert len(shapes) <= 18 * 3


@pytest.mark.parametrize("sentences", [[], [[]], [[CAT], []]])
def test_no_sentence_and_an_empty_sentence_are_refused(sentences):
    with pytest.raises(ValueError, match="at least one sentence, and every sentence at least one token"):
        collate(sentences)


@pytest.mark.parametrize(
    ("lengths", "padded_tokens", "batches"),
    [
        ([], 10, []),
        ([3], 10, [[0]]),
        ([2, 5, 3], 10, [[1, 2], [0]]),
        ([2, 5, 3], 15, [[1, 2, 0]]),
        ([20, 1], 10, [[0], [1]]),
        ([1, 1, 1], 2, [[0, 1], [2]]),
        ([4, 4, 4], 8, [[0, 1], [2]]),
    ],
)
def test_batches_go_by_falling_length_and_count_their_padding(lengths, padded_tokens, batches):
    assert by_length(lengths, padded_tokens) == batches


def test_every_sentence_is_in_one_batch_and_no_batch_exceeds_its_bound():
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 60, (500,), generator=generator).tolist()
    batches = by_length(lengths, 256)
    assert sorted(n for batch in batches for n in batch) == list(range(500))
    assert all(max(lengths[n] for n in batch) * len(batch) <= 256 for batch in batches)
