"""Decoding a batch of one sentence, in about half of the time of `CRF.decode`.

With one sentence, time goes by the number of small kernels. There is no padding, so nothing is masked or gathered;
what is the same in every call is computed before; and a sentence without a name needs no forward-backward pass.
"""

import torch
from torch import Tensor, nn

from nerve.model.crf import CRF


class SingleDecoder(nn.Module):
    """A CRF's decoder for batches of one sentence. Scripts with TorchScript."""

    continues: list[list[bool]]
    outside: int

    def __init__(self, crf: CRF) -> None:
        super().__init__()
        with torch.no_grad():
            start, transitions, end = (score.to(torch.float64) for score in crf.scores())
            self.start, self.end = start, end
            self.into = transitions.t().contiguous()  # (T, T) to, from
            self.factors = transitions.exp()
            self.both = torch.stack([self.factors, self.factors.t()])
            self.edges = torch.stack([start, end]).exp().unsqueeze(1)  # (2, 1, T)
            self.leaving = self.factors.masked_fill(crf.continues, 0.0).t().contiguous()
        self.continues = crf.continues.tolist()
        self.outside = crf.outside.tolist().index(True)

    def forward(self, emissions: Tensor) -> tuple[Tensor, Tensor]:
        """As `CRF.decode`: emissions (1, L, T) -> tag_ids (1, L) int64 and confidence (1, L) float32."""
        rows = emissions[0].to(torch.float64)
        tag_ids = self._best_path(rows)
        without_names = tag_ids.count(self.outside) == len(tag_ids)
        confidence = [0.0] * len(tag_ids) if without_names else self._confidence(tag_ids, rows)
        return torch.tensor([tag_ids]), torch.tensor([confidence])

    def _best_path(self, rows: Tensor) -> list[int]:
        """As `best_path`: emissions (L, T), float64 -> L tags."""
        score = self.start + rows[0]
        best_sources: list[Tensor] = []
        for row in rows[1:].unbind():
            highest, source = (score + self.into).max(1)
            score = highest + row
            best_sources.append(source)
        path = [int((score + self.end).argmax())]
        if len(best_sources) > 0:
            sources: list[list[int]] = torch.stack(best_sources).tolist()
            for t in range(len(sources) - 1, -1, -1):
                path.append(sources[t][path[-1]])
        path.reverse()
        return path

    def _confidence(self, tag_ids: list[int], rows: Tensor) -> list[float]:
        """The confidence of each token, for these tags and emissions (L, T) in float64."""
        relative = (rows - rows.amax(1, keepdim=True)).exp()
        # As in `forward_backward`, both directions are one loop, the backward one from the sentence's end.
        steps = torch.stack([relative, relative.flip(0)], 1).unsqueeze(2).unbind()  # L x (2, 1, T)
        before = self.edges
        weighted = before * steps[0]
        befores = [before]
        sums = [weighted.sum(2, keepdim=True)]
        for step in steps[1:]:
            before = torch.bmm(weighted / sums[-1], self.both)
            weighted = before * step
            befores.append(before)
            sums.append(weighted.sum(2, keepdim=True))
        # (2, L, T) each tag's factor of all that comes before it and, in reverse order, of all that comes after it
        around = torch.cat(befores, 1)
        scaled = relative / torch.cat(sums, 1)[0]
        alpha, beta = around[0] * scaled, around[1].flip(0)
        beta = beta / (alpha * beta).sum(1, keepdim=True)
        # the factor of everything after each tag if no name continues from it
        leaves = torch.cat([(scaled * beta)[1:] @ self.leaving, beta[-1:]])

        confidence = [0.0] * len(tag_ids)
        name = 0.0  # the probability of all sequences that share the name at t, from its begin up to t
        for t in range(len(tag_ids)):
            tag = tag_ids[t]
            if tag != self.outside:
                if t > 0 and self.continues[tag_ids[t - 1]][tag]:
                    name *= float(self.factors[tag_ids[t - 1], tag] * scaled[t, tag])
                else:
                    name = float(alpha[t, tag])
                if t == len(tag_ids) - 1 or not self.continues[tag][tag_ids[t + 1]]:
                    confidence[t] = min(max(name * float(leaves[t, tag]), 0.0), 1.0)
        return confidence
