"""The plain way that training is timed against computes the same loss."""

import pytest
import torch

from bench.train import Plain
from nerve.training.data.batches import shuffled
from tests.support.toy_corpus import tiny_tagger


def test_the_plain_loss_is_the_taggers() -> None:
    tagger, _, examples = tiny_tagger(dropout=0.0, word_dropout=0.0)
    with torch.no_grad():
        for parameter in tagger.crf.parameters():
            parameter.normal_()
    batch = next(iter(shuffled(examples, 7, seed=1)))
    with torch.no_grad():
        expected = -float(tagger.train().log_likelihood(batch.inputs, batch.allowed).mean())
    assert Plain(tagger, 0.001).step(batch) == pytest.approx(expected, rel=1e-5)
