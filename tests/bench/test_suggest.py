"""The table of docs/active-learning.md and its curve, from results."""

import json

from bench import suggest
from bench.suggest import RANDOM, STEP, SUGGESTED


def row(strategy: str, seed: int, sentences: int, f1: float) -> suggest.Row:
    counts = {"sentences": sentences, "tokens": 40 * sentences, "names": 6 * sentences}
    return {"strategy": strategy, "seed": seed, **counts, "f1": f1}


ROWS = [
    *(row(RANDOM, seed, STEP, 60.0 + seed) for seed in (1, 2)),
    *(row(RANDOM, seed, 2 * STEP, 70.0) for seed in (1, 2)),
    row(SUGGESTED, 1, 2 * STEP, 72.0),
]


def test_the_table_has_the_means_and_the_spread_of_each_strategy() -> None:
    assert list(suggest.table(ROWS))[2:] == [
        f"| random | {STEP} | 2,000 | 300 | 61.50 ± 0.71 |",
        f"| random | {2 * STEP} | 4,000 | 600 | 70.00 ± 0.00 |",
        f"| suggested | {2 * STEP} | 4,000 | 600 | 72.00 |",
        "",
        "Means over 2 seeds.",
    ]


def test_every_strategy_begins_with_the_same_models() -> None:
    (axes,) = suggest.curve(ROWS).axes
    begins = [line.get_ydata()[0] for line in axes.lines if len(line.get_xdata()) > 1 and line.get_marker() == "o"]
    assert set(begins) == {61.5}


def test_the_page_has_the_table_of_the_results() -> None:
    page = (suggest.PICTURE.parent / "active-learning.md").read_text(encoding="utf-8")
    rows = json.loads(suggest.RESULTS.read_text(encoding="utf-8"))
    assert "\n".join(suggest.table(rows)) in page
