"""Decoding one sentence alone against decoding a batch, which test_crf.py holds against the definition."""

import pytest
import torch

from nerve.model.crf import CRF
from nerve.model.single import SingleDecoder

TAGS = ("I-LOC", "B-PER", "O", "B-LOC", "I-PER")


@pytest.fixture(scope="module", params=[1, 2, 7, 60], ids="{} tokens".format)
def length(request):
    return request.param


@pytest.fixture(scope="module", params=["eager", "scripted"])
def decoders(request):
    """A CRF, and the same for one sentence."""
    torch.manual_seed(0)
    crf = CRF(TAGS)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    single = SingleDecoder(crf).eval()
    return crf, torch.jit.script(single) if request.param == "scripted" else single


def both(decoders, emissions):
    """What the batch's decoder says, and what the sentence's does."""
    crf, single = decoders
    with torch.inference_mode():
        return crf.decode(emissions, torch.tensor([emissions.shape[1]])), single(emissions)


def emissions_of(length, sure, seed):
    """Random ones; with `sure` far above 1, there is one sequence that has nearly all of the probability."""
    torch.manual_seed(seed)
    emissions = torch.randn(1, length, len(TAGS))
    emissions[:, :, TAGS.index("O")] += sure
    emissions[:, : length // 3, TAGS.index("B-PER")] += 2 * sure
    return emissions


@pytest.mark.parametrize("sure", [0, 1, 3, 20, 200], ids="{} sure".format)
def test_the_tags_are_those_of_a_batch(decoders, length, sure):
    for seed in range(10):
        (expected, _), (found, _) = both(decoders, emissions_of(length, sure, seed))
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("sure", [0, 1, 3, 20, 200], ids="{} sure".format)
def test_the_confidences_are_those_of_a_batch(decoders, length, sure):
    for seed in range(10):
        (_, expected), (_, found) = both(decoders, emissions_of(length, sure, seed))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
