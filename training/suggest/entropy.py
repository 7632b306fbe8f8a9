"""How uncertain a tagger is of a sentence: the entropy of its tag sequence, summed over all sequences.

    H(Y | x) = - sum over all valid tag sequences y of  P(y | x) log P(y | x)

This is the sequence entropy of Settles and Craven (2008, section 3.1), who approximate it by the N best sequences. A
linear chain needs no approximation (Mann and McCallum 2007): the tags are a Markov chain, so by the chain rule

    H(Y | x) = H(Y_1 | x) + sum over t > 1 of  H(Y_t | Y_t-1, x)

and each token has a share of its own.
"""

import torch
from torch import Tensor

from nerve.model.crf import Scores, forward_backward


def token_entropies(emissions: Tensor, scores: Scores, lengths: Tensor) -> Tensor:
    """The share of each token in the entropy of its sentence's tag sequence.

    Args:
        emissions: (B, L, T).
        scores: The parameters of the CRF.
        lengths: (B).

    Returns:
        (B, L) float64, in nats; 0 where padded. The sum over a sentence is the entropy of its tag sequence.
    """
    chain = forward_backward(emissions, scores, lengths)
    marginals = chain.alpha * chain.beta  # (B, L, T)
    first = -torch.xlogy(marginals[:, :1], marginals[:, :1]).sum(2)
    # P(Y_t = j | Y_t-1 = i) = factors[i, j] * weights[t, j] / their sum over j
    factors = scores.transitions.to(torch.float64).exp()
    weights = (chain.scaled * chain.beta)[:, 1:]  # (B, L - 1, T), 0 where padded
    total = weights @ factors.t()
    mean_log = weights @ torch.xlogy(factors, factors).t() + torch.xlogy(weights, weights) @ factors.t()
    conditional = torch.where(total > 0, total.log() - mean_log / total, 0.0)
    others = (marginals[:, :-1] * conditional).sum(2)
    inside = torch.arange(emissions.shape[1], device=emissions.device) < lengths.to(emissions.device).unsqueeze(1)
    return torch.where(inside, torch.cat([first, others], 1), 0.0).clamp_min(0.0)
