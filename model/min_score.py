"""`min_score`: the score that an entity needs to be kept, the same for all labels or another for some of them.

The service, `nerve.load` and `nerve tag` take it.
"""

from collections.abc import Iterable, Mapping

from nerve.model.annotation import MIN_SCORE

MinScore = float | Mapping[str, float]
"""A number from 0 to 1, or such numbers by label; the other labels have the default."""


def by_label(min_score: MinScore, labels: Iterable[str], default: float = MIN_SCORE) -> dict[str, float]:
    """The score that an entity of each of these labels needs."""
    if isinstance(min_score, Mapping):
        return {label: min_score.get(label, default) for label in labels}
    return dict.fromkeys(labels, min_score)
