"""How far back a gradient reaches: the hidden state of a token against the words that stand before it.

Of an encoder with one direction, whose state at token t has read the words up to t, the derivative of that state
with respect to the representation of the word k tokens before it is a matrix, H by E. Its norm (Frobenius) says how
much of that word's influence is left, and how much of an error at t reaches it in training.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nerve.model.batch import collate
from nerve.model.tagger import Tagger
from nerve.model.vocabulary import WordIds

FAR = 50
"""The largest distance, in tokens."""


def reach(tagger: Tagger, sentences: Sequence[Sequence[WordIds]]) -> Tensor:
    """The norm of d state(t) / d word(t - k) for k from 0 to FAR, at token t = FAR of each sentence: (S, FAR + 1).

    The tagger is taken as it is when it tags, without dropout.

    Raises:
        ValueError: the tagger reads both directions, so that a state depends on words behind it too, or a sentence
            has fewer than FAR + 1 tokens.
    """
    if any(layer.backward_rnn is not None for layer in tagger.encoder.layers):
        raise ValueError("the tagger reads both directions; its states have no words that they come after")
    training = tagger.training
    try:
        return torch.stack([_norms(tagger.eval(), words) for words in sentences])
    finally:
        tagger.train(training)


def quartiles(norms: Tensor) -> dict[str, list[float]]:
    """The lower quartile, the median and the upper quartile over the sentences, for each distance."""
    shares = {"lower": 0.25, "median": 0.5, "upper": 0.75}
    return {name: [float(f"{value:.4g}") for value in norms.quantile(share, 0)] for name, share in shares.items()}


def _norms(tagger: Tagger, words: Sequence[WordIds]) -> Tensor:
    if len(words) <= FAR:
        raise ValueError(f"a sentence has {len(words)} tokens; it takes {FAR + 1}")
    batch = collate([words[: FAR + 1]])
    with torch.no_grad():
        known = tagger.words(batch.features, batch.characters)
        embedded = torch.nn.functional.embedding(batch.tokens, known)  # (1, L, E)
        units = tagger.encoder(embedded, batch.lengths).shape[2]
    # One copy of the sentence for each unit of the state: row n of the matrix is the gradient of unit n in copy n, so
    # that one backward pass gives the whole of it.
    copies = embedded.repeat(units, 1, 1).requires_grad_()  # (H, L, E)
    states = tagger.encoder(copies, batch.lengths.repeat(units))[:, -1]  # (H, H)
    (gradient,) = torch.autograd.grad(states.diagonal().sum(), copies)
    return gradient.square().sum((0, 2)).sqrt().flip(0)
