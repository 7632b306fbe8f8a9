"""How far a gradient reaches, against its definition: the whole matrix of derivatives, at each distance."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.cells.gradients import FAR, quartiles, reach
from nerve.model.batch import collate
from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary, WordIds
from tests.support.toy_corpus import LABELS, TINY, corpus

WORDS = [word for one in corpus(60).splits["train"] for word in one.tokens]
VOCABULARY = Vocabulary.build([WORDS])


def tagger(**settings: Any) -> Tagger:
    torch.manual_seed(1)
    config = replace(TINY, **{"bidirectional": False, **settings})
    return Tagger(config, VOCABULARY, tags_of(LABELS))


def sentence(length: int, start: int = 0) -> tuple[WordIds, ...]:
    return VOCABULARY.ids(WORDS[start : start + length])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_norm_is_that_of_the_matrix_of_derivatives_at_its_distance(cell: str, layers: int) -> None:
    one = tagger(cell=cell, layers=layers).eval()
    words = sentence(FAR + 1)
    batch = collate([words])
    embedded = one.words(batch.features, batch.characters).detach()[batch.tokens[0]]

    def state(embedded: torch.Tensor) -> torch.Tensor:
        encoded: torch.Tensor = one.encoder(embedded[None], torch.tensor([FAR + 1]))[0, -1]
        return encoded

    derivatives = torch.autograd.functional.jacobian(state, embedded)  # (H, L, E)
    expected = [torch.linalg.matrix_norm(derivatives[:, FAR - k]) for k in range(FAR + 1)]
    torch.testing.assert_close(reach(one, [words])[0], torch.stack(expected), rtol=1e-4, atol=0)


def test_what_follows_the_token_changes_nothing() -> None:
    one = tagger()
    long = sentence(FAR + 30)
    assert reach(one, [long]).equal(reach(one, [long[: FAR + 1]]))


def test_without_a_way_from_state_to_state_only_the_word_itself_is_reached() -> None:
    one = tagger(cell="rnn")
    torch.nn.init.zeros_(one.encoder.layers[0].forward_rnn.weight_hh_l0)
    (norms,) = reach(one, [sentence(FAR + 1)])
    assert norms[0] > 0
    assert not norms[1:].any()


def test_it_is_measured_without_dropout_and_the_tagger_stays_in_training() -> None:
    one = tagger(dropout=0.9, word_dropout=0.9).train()
    some = [sentence(FAR + 1), sentence(FAR + 1, start=7)]
    assert reach(one, some).equal(reach(one, some))
    assert one.training


def test_a_tagger_of_both_directions_is_refused() -> None:
    with pytest.raises(ValueError, match="the tagger reads both directions"):
        reach(tagger(bidirectional=True), [sentence(FAR + 1)])


def test_a_short_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="a sentence has 50 tokens; it takes 51"):
        reach(tagger(), [sentence(FAR)])


def test_the_quartiles_are_those_over_the_sentences() -> None:
    norms = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0], [5.0, 123456.0]])
    assert quartiles(norms) == {"lower": [2.0, 20.0], "median": [3.0, 30.0], "upper": [4.0, 40.0]}
