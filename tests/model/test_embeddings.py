"""The embeddings of a table: learned rows, frozen rows after them, and what export makes of both."""

import pytest
import torch

from nerve.model import embeddings
from nerve.model.embeddings import EmbeddingTable, FrozenRows, PackedRows
from nerve.model.vocabulary import FEATURES, PADDING, UNKNOWN


@pytest.fixture
def table():
    """Embeddings of 16 strings, 4 wide, and of 3 more by frozen rows."""
    torch.manual_seed(7)
    table = EmbeddingTable(16, 4).eval()
    assert len(table.learned.weight) == 18
    table.load_vectors(
        torch.tensor([5, 3]), torch.tensor([[5.0] * 4, [3.0] * 4]), torch.arange(12.0).reshape(3, 4) / 7
    )
    return table


@pytest.mark.parametrize("shape", [(21,), (7, 3), (1, 21, 1)])
def test_each_id_has_its_row_and_the_frozen_ones_follow_the_learned_ones(shape, table):
    found = table(torch.arange(21).reshape(shape))
    assert found.shape == (*shape, 4)
    assert found.reshape(21, 4).equal(torch.cat([table.learned.weight, table.frozen.vectors]))


def test_loaded_vectors_take_the_place_of_those_rows_only(table):
    torch.manual_seed(7)
    before = EmbeddingTable(16, 4).learned.weight
    changed = (table.learned.weight != before).any(1)
    assert changed.nonzero().flatten().tolist() == [3, 5]
    assert table.learned.weight[5].tolist() == [5.0] * 4
    assert table.learned.weight[3].tolist() == [3.0] * 4


def test_the_gradient_reaches_the_rows_that_were_looked_up_and_never_padding(table):
    assert not table.learned.weight[PADDING].any()
    table(torch.tensor([[PADDING, 2, 20], [5, 19, UNKNOWN]])).sum().backward()  # two of them frozen
    assert table.learned.weight.grad.any(1).nonzero().flatten().tolist() == [UNKNOWN, 2, 5]


def test_frozen_rows_are_no_weights(table):
    assert [name for name, _ in table.named_parameters()] == ["learned.weight"]
    assert list(table.state_dict()) == ["learned.weight"]


@pytest.mark.parametrize("size", [1, 4, 5])
def test_quantizing_keeps_learned_rows_in_half_precision_and_frozen_rows_in_4_bits_a_number(size):
    table = EmbeddingTable(16, size)
    torch.manual_seed(8)
    frozen = torch.cat([torch.randn(500, size) * 3, torch.zeros(1, size), 1000 * torch.ones(1, size)])
    table.load_vectors(torch.tensor([2]), torch.ones(1, size), frozen)
    ids = torch.arange(18 + len(frozen))
    before = table(ids).detach()
    table.quantize()
    after = table(ids)
    assert after.dtype == torch.float32
    assert after[:18].equal(before[:18].half().float())
    largest = frozen.abs().amax(1, keepdim=True)
    assert ((after[18:] - frozen).abs() <= largest / 15 + largest / 1000 + 1e-6).all()
    assert (table.learned.weight.dtype, table.learned.weight.requires_grad) == (torch.float16, False)
    assert isinstance(table.frozen, PackedRows)
    assert (table.frozen.codes.dtype, table.frozen.codes.shape) == (torch.uint8, (len(frozen), -(-size // 2)))


@pytest.mark.parametrize("others", [0, 7])
def test_rows_after_the_most_frequent_are_packed_before_the_frozen_ones(others, monkeypatch):
    monkeypatch.setattr(embeddings, "PRECISE", 10)
    table = EmbeddingTable(16, 4)
    table.load_vectors(torch.tensor([12]), torch.ones(1, 4), torch.randn(others, 4))
    ids = torch.arange(18 + others)
    before = table(ids).detach()
    table.quantize()
    assert isinstance(table.frozen, PackedRows)
    assert (len(table.learned.weight), len(table.frozen.codes)) == (10, 8 + others)
    assert table(ids)[:10].equal(before[:10].half().float())
    assert table(ids)[10:].equal(PackedRows(before[10:])(torch.arange(8 + others)))


@pytest.mark.parametrize("size", [1, 4, 5])
def test_rows_that_were_packed_and_unpacked_are_packed_alike(size):
    torch.manual_seed(8)
    packed = PackedRows(torch.randn(200, size))
    again = PackedRows(packed(torch.arange(200)))
    assert again.codes.equal(packed.codes)
    assert again.scales.equal(packed.scales)


def test_quantizing_twice_changes_nothing_more(table):
    table.quantize()
    once = table(torch.arange(21))
    table.quantize()
    assert table(torch.arange(21)).equal(once)


def test_without_vectors_of_other_strings_there_are_no_frozen_rows():
    table = EmbeddingTable(16, 4)
    assert table.frozen is None
    table.load_vectors(torch.tensor([5]), torch.ones(1, 4), torch.empty(0, 4))
    assert table.frozen is None
    table.load_vectors(torch.tensor([5]), torch.ones(1, 4), torch.ones(1, 4))
    assert isinstance(table.frozen, FrozenRows)


@pytest.mark.parametrize("size", [1, 4, 5])
def test_quantizing_without_frozen_rows_rounds_the_learned_ones(size):
    table = EmbeddingTable(16, size)
    before = table.learned.weight.detach().clone()
    table.quantize()
    assert table(torch.arange(18).reshape(2, 9)).equal(before.half().float().reshape(2, 9, size))


BOTH = {"pair_size": 3, "lexicon_size": 2}


def test_a_word_encoder_has_embeddings_for_each_table_and_quantizes_them_all(make_tagger):
    for settings, more in (({}, []), ({"pair_size": 3}, ["pairs"]), (BOTH, ["pairs", "lexicon"])):
        words = make_tagger(**settings).words
        names = [*FEATURES, *more, "characters"]
        assert list(words.tables()) == names
        words.quantize()
        halved = {name for name, one in words.named_parameters() if one.dtype == torch.float16}
        first = [n for n, table in enumerate(words.columns) if table not in list(words.columns)[:n]]
        assert halved == {f"columns.{n}.learned.weight" for n in first} | {"characters.learned.weight"}
