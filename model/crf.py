"""The linear-chain conditional random field: how tag sequences are scored, trained and decoded.

A tag sequence y of a sentence with emissions e (one row of T scores a token) has the score

    score(y) = start[y_0] + sum_t e[t, y_t] + sum_t transitions[y_t-1, y_t] + end[y_last]

and the probability exp(score(y)) / Z (Lafferty, McCallum and Pereira 2001). Transitions that the tagging scheme
forbids score minus infinity, so an invalid sequence has probability 0: it is neither learned nor decoded.

All sums come from one forward-backward pass in probability space, rescaled at every token (Rabiner 1989, section
V.A) and in float64. It is as exact as the recursion in log space, and each step is one small matrix product. Its
limit is float64's: a tag that the rest of a sentence needs must not have become e^700 times less probable than
another one before. Emissions of up to 200 either way stay within it, with full and with partial annotation.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nerve.model.tags import OUTSIDE, may_follow, split


class Scores(NamedTuple):
    """The CRF's parameters with forbidden transitions at minus infinity."""

    start: Tensor
    """(T)"""
    transitions: Tensor
    """(T, T) from, to"""
    end: Tensor
    """(T)"""


class Chain(NamedTuple):
    """A forward-backward pass over B sentences; float64. `alpha * beta` are the tag marginals.

    Past a sentence's end alpha and beta repeat their last value, `scaled` is 0 and `scale` is 1.
    """

    alpha: Tensor
    """(B, L, T) probability of the tag at t, given the emissions up to t"""
    beta: Tensor
    """(B, L, T) factor by which the emissions after t multiply it"""
    scaled: Tensor
    """(B, L, T) exp(emission) divided by `scale`"""
    log_partition: Tensor
    """(B) log Z"""


class CRF(nn.Module):
    """Transition scores over a fixed, ordered set of tags."""

    forbidden: Tensor
    continues: Tensor
    forbidden_start: Tensor
    outside: Tensor

    def __init__(self, tags: Sequence[str]) -> None:
        super().__init__()
        count = len(tags)
        self.transitions = nn.Parameter(torch.zeros(count, count))
        self.start = nn.Parameter(torch.zeros(count))
        self.end = nn.Parameter(torch.zeros(count))
        self.register_buffer("forbidden", _table(tags, lambda a, b: not may_follow(a, b)), persistent=False)
        self.register_buffer("continues", _table(tags, _continues), persistent=False)
        self.register_buffer(
            "forbidden_start", torch.tensor([not may_follow(OUTSIDE, tag) for tag in tags]), persistent=False
        )
        self.register_buffer("outside", torch.tensor([tag == OUTSIDE for tag in tags]), persistent=False)

    def scores(self) -> Scores:
        """The parameters, with minus infinity for what the scheme forbids."""
        infinity = float("inf")
        return Scores(
            self.start.masked_fill(self.forbidden_start, -infinity),
            self.transitions.masked_fill(self.forbidden, -infinity),
            self.end,
        )

    def log_likelihood(self, emissions: Tensor, allowed: Tensor, lengths: Tensor) -> Tensor:
        """The log of the total probability of all tag sequences that an annotation allows.

        Args:
            emissions: (B, L, T).
            allowed: (B, L, T) bool, the tags that each token may carry. With one tag a token this is the usual
                log-likelihood of a gold sequence. With several it is that of a partial annotation (Tsuboi et al.
                2008): the `O` of a corpus that does not annotate dates allows O, B-DATE and I-DATE.
            lengths: (B).

        Returns:
            (B).

        Raises:
            ValueError: some sentence admits no valid tag sequence at all, or its emissions are not finite.
        """
        # Both sums in one pass over 2B chains: the numerator is a partition function too, over the allowed tags.
        constrained = emissions.masked_fill(~allowed, -float("inf"))
        both = torch.cat([constrained, emissions]), *self.scores(), torch.cat([lengths, lengths])
        log_partition: Tensor = _LogPartition.apply(*both)  # type: ignore[no-untyped-call]
        numerator, denominator = log_partition.chunk(2)
        if not bool(torch.isfinite(numerator).all()):
            raise ValueError("a sentence admits no valid tag sequence, or its emissions are not finite")
        return numerator - denominator

    def decode(self, emissions: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The best tag sequence of each sentence, and the probability of each entity in it.

        Returns:
            tag_ids: (B, L) int64 of the most probable sequence; 0 where padded.
            confidence: (B, L) float32. At the last token of each entity of that sequence: the probability, over all
                tag sequences, that a name of this label begins and ends at exactly these tokens. Elsewhere 0.
        """
        tag_ids, confidence, _ = self.decode_with_marginals(emissions, lengths)
        return tag_ids, confidence

    def decode_with_marginals(self, emissions: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `decode` returns, and (B, L, T) float64 the probability of each tag at each token."""
        scores = self.scores()
        tag_ids = best_path(emissions, scores, lengths)
        chain = forward_backward(emissions, scores, lengths)
        confidence = self._span_confidence(tag_ids, chain, scores, lengths)
        return tag_ids, confidence, chain.alpha * chain.beta

    def _span_confidence(self, tag_ids: Tensor, chain: Chain, scores: Scores, lengths: Tensor) -> Tensor:
        # P(a name of label X is exactly tokens i to j) = alpha_i(B-X) * (the path's factors from i+1 to j)
        # * (the sum over every tag after j that does not continue the name).
        length = tag_ids.shape[1]
        factors = scores.transitions.to(torch.float64).exp()
        step = torch.arange(length, device=tag_ids.device)  # (L)
        last = (lengths.to(tag_ids.device) - 1).unsqueeze(1)  # (B, 1)
        inside = (step <= last) & ~self.outside[tag_ids]  # (B, L) tokens of entities
        continued = torch.zeros_like(inside)
        continued[:, 1:] = self.continues[tag_ids[:, :-1], tag_ids[:, 1:]] & inside[:, 1:]
        begins = inside & ~continued
        ends = inside & ~torch.cat([continued[:, 1:], torch.zeros_like(inside[:, :1])], dim=1)

        # (B, L, T) factor of everything after t if no name continues from it; at the last token that is beta
        leaves = chain.beta.clone()
        following = (chain.scaled * chain.beta)[:, 1:]
        leaves[:, :-1] = following @ factors.masked_fill(self.continues, 0.0).t()
        leaves = torch.where((step == last).unsqueeze(2), chain.beta, leaves)

        own = tag_ids.unsqueeze(2)
        path = chain.scaled.gather(2, own).squeeze(2).clamp_min(1e-300).log()  # (B, L)
        path[:, 1:] += torch.where(
            continued[:, 1:], scores.transitions[tag_ids[:, :-1], tag_ids[:, 1:]].to(torch.float64), 0.0
        )
        path = torch.where(continued, path, 0.0).cumsum(1)
        start = torch.where(begins, step, 0).cummax(1)[0]  # (B, L) where the entity at t began
        enters = chain.alpha.gather(2, own).squeeze(2).gather(1, start)
        probability = (enters * (path - path.gather(1, start)).exp() * leaves.gather(2, own).squeeze(2)).clamp(
            0.0, 1.0
        )
        return torch.where(ends, probability, 0.0).to(torch.float32)


def forward_backward(emissions: Tensor, scores: Scores, lengths: Tensor) -> Chain:
    """The sums over all tag sequences, for emissions (B, L, T) and lengths (B).

    Both directions are one loop, four kernels a token: the backward one runs over reversed sentences with transposed
    transitions. Padding comes last in both, so that it reaches no token.
    """
    inside, back = _positions(lengths, emissions)
    emissions = emissions.to(torch.float64).masked_fill(~inside.unsqueeze(2), 0.0)
    factors = scores.transitions.to(torch.float64).exp()
    end = scores.end.to(torch.float64).exp()
    back = back.unsqueeze(2).expand_as(emissions)

    highest = emissions.amax(2, keepdim=True)  # (B, L, 1)
    relative = (emissions - highest).exp()
    steps = torch.stack([relative, relative.gather(1, back)]).unbind(2)  # L x (2, B, T)
    both = torch.stack([factors, factors.t()])
    weighted = torch.stack([scores.start.to(torch.float64).exp(), end]).unsqueeze(1) * steps[0]
    weights = [weighted]
    for t in range(1, len(steps)):
        weighted = torch.bmm(weighted / weighted.sum(2, keepdim=True), both) * steps[t]
        weights.append(weighted)
    weighted = torch.stack(weights, 2)  # (2, B, L, T)
    scales = weighted.sum(3, keepdim=True)
    normal = weighted / scales

    alpha, scale = normal[0], scales[0]
    last = (inside.sum(1, keepdim=True) - 1).unsqueeze(2)  # (B, 1, 1)
    # The factor of what comes after t for each tag at t, up to its scale: the marginals have to sum to 1.
    beta = end.expand_as(alpha).clone()
    beta[:, :-1] = torch.where(inside[:, 1:].unsqueeze(2), normal[1].gather(1, back)[:, 1:] @ both[1], end)
    beta /= (alpha * beta).sum(2, keepdim=True)
    final = (alpha.gather(1, last.expand(-1, -1, alpha.shape[2])).squeeze(1) * end).sum(1)  # (B)
    log_partition = torch.where(inside, (scale.log() + highest).squeeze(2), 0.0).sum(1) + final.log()
    return Chain(alpha, beta, torch.where(inside.unsqueeze(2), relative / scale, 0.0), log_partition)


def best_path(emissions: Tensor, scores: Scores, lengths: Tensor) -> Tensor:
    """The highest-scoring tag sequence of each sentence (Viterbi 1967): (B, L) int64, 0 where padded.

    In float64, which takes no longer. In float32, rounding a sum over 400 tokens sometimes chose between two paths.
    """
    inside, _ = _positions(lengths, emissions)
    transitions = scores.transitions.to(torch.float64)
    rows = emissions.to(torch.float64).unbind(1)

    score = scores.start + rows[0]  # (B, T)
    reached = [score]
    best_sources: list[Tensor] = []  # for each t > 0, (B, T) the best tag before each tag
    for t in range(1, len(rows)):
        best, source = (score.unsqueeze(2) + transitions).max(1)
        score = best + rows[t]
        reached.append(score)
        best_sources.append(source)

    last = (inside.sum(1) - 1)[:, None, None].expand(-1, 1, score.shape[1])
    tag = (torch.stack(reached, 1).gather(1, last).squeeze(1) + scores.end).argmax(1, keepdim=True)  # (B, 1)
    path = [tag]
    if len(best_sources) > 0:
        # In the padding each tag comes from itself.
        stay = torch.arange(score.shape[1], device=score.device)
        sources = torch.where(inside[:, 1:].unsqueeze(2), torch.stack(best_sources, 1), stay).unbind(1)
        for t in range(len(sources) - 1, -1, -1):
            tag = sources[t].gather(1, tag)
            path.append(tag)
        path.reverse()
    return torch.cat(path, dim=1).masked_fill(~inside, 0)


def _positions(lengths: Tensor, emissions: Tensor) -> tuple[Tensor, Tensor]:
    """Which tokens of a batch are real, and where each stands when its sentence is read from its end.

    Args:
        lengths: (B).
        emissions: (B, L, T).

    Returns:
        inside (B, L) bool, and back (B, L) int64, in which padding keeps its place.
    """
    step = torch.arange(emissions.shape[1], device=emissions.device)
    back = lengths.to(emissions.device).unsqueeze(1) - 1 - step
    inside = back >= 0
    return inside, torch.where(inside, back, step)


class _LogPartition(torch.autograd.Function):
    """The logarithm of Z with its gradient, so that autograd need not remember every step of the recursion.

    The gradient needs no second pass: it is the expected number of times that each score is used (Sutton and
    McCallum 2012, section 5.1).
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transitions: Tensor,
        end: Tensor,
        lengths: Tensor,
    ) -> Tensor:
        chain = forward_backward(emissions, Scores(start, transitions, end), lengths)
        ctx.save_for_backward(chain.alpha, chain.beta, chain.scaled, transitions, lengths)
        return chain.log_partition.to(emissions.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        alpha, beta, scaled, transitions, lengths = ctx.saved_tensors
        dtype = transitions.dtype
        weight = gradient.to(torch.float64)
        inside = torch.arange(alpha.shape[1], device=alpha.device) < lengths.to(alpha.device).unsqueeze(1)
        marginals = torch.where(inside.unsqueeze(2), alpha * beta, 0.0) * weight[:, None, None]  # (B, L, T)
        last = marginals.gather(1, (lengths.to(alpha.device) - 1)[:, None, None].expand(-1, 1, alpha.shape[2]))
        pairs = torch.einsum("bli,blj->ij", alpha[:, :-1] * weight[:, None, None], (scaled * beta)[:, 1:])
        return (
            marginals.to(dtype),
            marginals[:, 0].sum(0).to(dtype),
            (pairs * transitions.to(torch.float64).exp()).to(dtype),
            last.sum((0, 1)).to(dtype),
            None,
        )


def _table(tags: Sequence[str], holds: Callable[[str, str], bool]) -> Tensor:
    return torch.tensor([[holds(a, b) for b in tags] for a in tags])


def _continues(previous: str, tag: str) -> bool:
    """Whether `tag`, right after `previous`, continues the same name."""
    return split(tag)[0] == "I" and may_follow(previous, tag)
