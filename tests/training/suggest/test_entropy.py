"""The entropy of tag sequences, against the definition: the sum over every one of them."""

import math
from collections.abc import Iterable
from itertools import accumulate, pairwise, product

import pytest
import torch
from torch import Tensor

from nerve.model.crf import CRF, Scores
from nerve.model.tags import tags_of
from nerve.training.suggest.entropy import token_entropies

TAGS = tags_of(("LOC", "PER"))


@pytest.fixture(scope="module")
def scores() -> Scores:
    torch.manual_seed(5)
    crf = CRF(TAGS)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
        return Scores(*(values.detach().double() for values in crf.scores()))


def probabilities(emissions: Tensor, scores: Scores) -> dict[tuple[int, ...], float]:
    """Every tag sequence of emissions (L, T) with its probability, each scored by itself."""
    values = {}
    for path in product(range(len(TAGS)), repeat=len(emissions)):
        score = scores.start[path[0]] + scores.end[path[-1]] + sum(emissions[t, tag] for t, tag in enumerate(path))
        values[path] = float(score + sum(scores.transitions[one, other] for one, other in pairwise(path)))
    shares = torch.tensor([*values.values()], dtype=torch.float64).softmax(0)
    return dict(zip(values, shares.tolist(), strict=True))


def entropy(shares: Iterable[float]) -> float:
    return -sum(share * math.log(share) for share in shares if share > 0)


@pytest.mark.parametrize("scale", [0.0, 1.0, 6.0, 40.0])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_the_shares_of_the_tokens_sum_to_the_entropy_over_all_tag_sequences(
    scores: Scores, length: int, scale: float
) -> None:
    torch.manual_seed(length)
    # A longer sentence beside it, so that there is padding.
    emissions = scale * torch.randn(2, 5, len(TAGS), dtype=torch.float64)
    shares = token_entropies(emissions, scores, torch.tensor([length, 5]))
    assert float(shares[0].sum()) == pytest.approx(
        entropy(probabilities(emissions[0, :length], scores).values()), abs=1e-9
    )
    assert float(shares[1].sum()) == pytest.approx(entropy(probabilities(emissions[1], scores).values()), abs=1e-9)
    assert shares[0, length:].tolist() == [0.0] * (5 - length)


def test_where_all_valid_sequences_are_alike_the_entropy_is_the_logarithm_of_their_number() -> None:
    plain = Scores(*(values.detach() for values in CRF(TAGS).scores()))
    shares = token_entropies(torch.zeros(1, 3, len(TAGS)), plain, torch.tensor([3]))
    # After O or at the start: O, B-LOC, B-PER; inside a name its I- as well.
    counts = {0: (1, 0)}  # tokens read -> sequences that end outside, and inside a name
    for step in range(1, 4):
        outside, inside = counts[step - 1]
        counts[step] = (outside + inside, 2 * (outside + inside) + inside)
    assert float(shares.sum()) == pytest.approx(math.log(sum(counts[3])))


def test_emissions_that_leave_no_doubt_have_no_entropy(scores: Scores) -> None:
    emissions = torch.full((1, 6, len(TAGS)), -100.0)
    emissions[0, :, 0] = 100.0
    assert token_entropies(emissions, scores, torch.tensor([6])).tolist() == [pytest.approx([0.0] * 6, abs=1e-12)]


def test_a_share_is_never_negative(scores: Scores) -> None:
    torch.manual_seed(1)
    shares = token_entropies(30 * torch.randn(8, 50, len(TAGS)), scores, torch.tensor([50] * 8))
    assert bool((shares >= 0).all())
    assert bool(shares.isfinite().all())


def test_the_first_tokens_of_a_sentence_have_the_entropy_of_their_own_tags(scores: Scores) -> None:
    """By the chain rule the shares up to a token are the entropy of the tags up to it, whatever follows."""
    torch.manual_seed(2)
    emissions = torch.randn(1, 4, len(TAGS), dtype=torch.float64)
    shares = token_entropies(emissions, scores, torch.tensor([4]))[0].tolist()
    for end, expected in enumerate(accumulate(shares), start=1):
        prefixes: dict[tuple[int, ...], float] = {}
        for path, probability in probabilities(emissions[0], scores).items():
            prefixes[path[:end]] = prefixes.get(path[:end], 0.0) + probability
        assert expected == pytest.approx(entropy(prefixes.values()), abs=1e-9)
