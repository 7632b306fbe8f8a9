"""Each claim of docs/cells.md is on the page and holds for the committed results."""

from collections.abc import Callable
from itertools import product
from math import log
from statistics import fmean, stdev

import pytest

from bench.cells import page
from bench.cells.plan import CELLS, CLIP, LAYERS, PLAN, RATES
from bench.cells.results import Results, f1
from tests.support.documents import ROOT

RESULTS = Results(ROOT / "bench" / "results" / "cells.jsonl")
WORDS = " ".join((ROOT / "docs" / "cells.md").read_text(encoding="utf-8").split())

MEAN = {
    (cell, two, layers): fmean(f1(RESULTS.of(cell, two, layers)))
    for cell, two, layers in product(CELLS, (False, True), LAYERS)
}
SECOND_DIRECTION = [MEAN[cell, True, layers] - MEAN[cell, False, layers] for cell, layers in product(CELLS, LAYERS)]
BOTH_WAYS = {cell: MEAN[cell, True, 1] for cell in CELLS}
CHOICE_OF_CELL = [max(some) - min(some) for some in ([MEAN[cell, True, n] for cell in CELLS] for n in LAYERS)]
SECOND_LAYER = [MEAN[cell, two, 2] - MEAN[cell, two, 1] for cell, two in product(CELLS, (False, True))]
THIRD_LAYER = [MEAN[cell, two, 3] - MEAN[cell, two, 2] for cell, two in product(CELLS, (False, True))]
SCATTER = max(stdev(f1(RESULTS.of(cell, True))) for cell in CELLS)


def clipped(rate: float) -> dict[str, float]:
    """The F1 that clipping gains."""
    return {
        cell: fmean(f1(RESULTS.of(cell, True, 1, CLIP, rate))) - fmean(f1(RESULTS.of(cell, True, 1, 0.0, rate)))
        for cell in CELLS
    }


def left(cell: str, distance: int, state: str = "trained") -> float:
    """The share of the gradient that is left at a distance."""
    median = RESULTS.reach(cell, state)["median"]
    return median[distance] / median[0]


def gains(kind: str, context: str) -> list[float]:
    """The recall of names that the second direction gains, by cell."""
    return [
        page.recall(RESULTS, cell, True, kind, context) - page.recall(RESULTS, cell, False, kind, context)
        for cell in CELLS
    ]


def speed(what: str, cell: str, two: bool = True, layers: int = 1) -> float:
    timed: float = RESULTS["speeds"]["tokens_per_cpu_second"][f"{cell}-{1 + two}d-{layers}l"][what]
    return timed


def taken(what: str) -> list[float]:
    """The share of the speed that the second direction costs."""
    return [
        1 - speed(what, cell, True, layers) / speed(what, cell, False, layers)
        for cell, layers in product(CELLS, LAYERS)
    ]


def percent(shares: list[float]) -> tuple[int, int]:
    return round(100 * min(shares)), round(100 * max(shares))


CLAIMS: list[tuple[str, Callable[[], bool]]] = [
    (
        "At every depth, the second direction gains more than the choice of cell does among bidirectional taggers",
        lambda: min(SECOND_DIRECTION) > max(CHOICE_OF_CELL),
    ),
    (
        "the GRU is about a point ahead of the LSTM, and the LSTM about a point ahead of the RNN",
        lambda: 0.4 < BOTH_WAYS["gru"] - BOTH_WAYS["lstm"] < 1.6 and 0.4 < BOTH_WAYS["lstm"] - BOTH_WAYS["rnn"] < 1.6,
    ),
    ("No second layer gains more than a few tenths of a point", lambda: max(SECOND_LAYER) < 0.4),
    ("every third layer loses", lambda: max(THIRD_LAYER) < 0),
    ("No training diverged without it", lambda: not any(RESULTS[run.name]["diverged"] for run in PLAN)),
    ("a millionth of a millionth to the word 50 tokens back", lambda: 0.5e-12 < left("rnn", 50) < 2e-12),
    ("an LSTM about ten million times as much", lambda: 0.5e7 < left("lstm", 50) / left("rnn", 50) < 5e7),
    ("a GRU even more", lambda: left("gru", 50) > left("lstm", 50)),
    (
        "an untrained GRU passes on less than an untrained RNN",
        lambda: all(left("gru", k, "initial") < left("rnn", k, "initial") for k in (1, 10, 20, 50)),
    ),
    (
        "two seeds of the LSTM alone are 1.3 points apart",
        lambda: round(max(lstm := f1(RESULTS.of("lstm", True))) - min(lstm), 1) == 1.3,
    ),
    (
        "the largest gradient of each unclipped cell was about a hundred times its median",
        lambda: all(
            max(one["gradient_norm"]["largest"] / one["gradient_norm"]["median"] for one in unclipped) >= 95
            for unclipped in (RESULTS.of(cell, True, 1, 0.0) for cell in CELLS)
        ),
    ),
    ("is within the scatter of the best here", lambda: max(MEAN.values()) - BOTH_WAYS["lstm"] < 2 * SCATTER),
    (
        "the faster of the two gated cells",
        lambda: all(speed(what, "lstm") > speed(what, "gru") for what in ("training", "tagging")),
    ),
    (
        "costs 15 to 42 % of the speed of training and 27 to 55 % of the speed of tagging",
        lambda: percent(taken("training")) == (15, 42) and percent(taken("tagging")) == (27, 55),
    ),
    (
        "With one direction the LSTM loses most from depth",
        lambda: min(CELLS, key=lambda cell: MEAN[cell, False, 3] - MEAN[cell, False, 1]) == "lstm",
    ),
    (
        "The RNN has the largest gradients and is clipped most often",
        lambda: all(
            max(CELLS, key=lambda cell: fmean(one["gradient_norm"][what] for one in RESULTS.of(cell, True))) == "rnn"
            for what in ("median", "over_clip")
        ),
    ),
    (
        "At the usual rate clipping changes F1 by less than the seeds do",
        lambda: max(map(abs, clipped(RATES[0]).values())) < SCATTER,
    ),
    (
        "LSTM did better without clipping with both seeds",
        lambda: (
            max(f1(RESULTS.of("lstm", True, 1, CLIP, RATES[1]))) < min(f1(RESULTS.of("lstm", True, 1, 0.0, RATES[1])))
        ),
    ),
    (
        "The GRU starts with its gate near z = 0.5, which keeps half, and vanishes fastest",
        lambda: min(CELLS, key=lambda cell: left(cell, 20, "initial")) == "gru",
    ),
    (
        "its gradient reaches farthest",
        lambda: max(CELLS, key=lambda cell: left(cell, 20, "initial")) == "lstm",
    ),
    (
        "The RNN's line becomes much steeper and stays straight",
        lambda: (
            left("rnn", 20) < 0.001 * left("rnn", 20, "initial")
            and 0.5 < log(left("rnn", 50) / left("rnn", 30)) / log(left("rnn", 30) / left("rnn", 10)) < 1.5
        ),
    ),
    (
        "the LSTM sooner than before training, and then their lines flatten",
        lambda: (
            left("lstm", 5) < left("lstm", 5, "initial")
            and all(left(cell, 40) / left(cell, 20) > left(cell, 20) / left(cell, 1) for cell in ("gru", "lstm"))
        ),
    ),
    (
        "Up to ten words back the trained cells differ by less than a factor of five",
        lambda: all(max(some) < 5 * min(some) for some in ([left(cell, k) for cell in CELLS] for k in range(1, 11))),
    ),
    (
        "At 20 tokens a trained LSTM has more than ten times as much left as the RNN, at 50 more than a million"
        " times",
        lambda: left("lstm", 20) > 10 * left("rnn", 20) and left("lstm", 50) > 1e6 * left("rnn", 50),
    ),
    ("The trained GRU's curve rises towards k = 50", lambda: left("gru", 50) > 2 * left("gru", 40)),
    (
        "Unknown names whose cue comes after them gain 13 to 19 points, those with words on both sides 2 to 5",
        lambda: (
            min(gains("unknown", "after")) >= 13
            and max(gains("unknown", "after")) <= 19.5
            and min(gains("unknown", "both")) >= 2
            and max(gains("unknown", "both")) <= 5
        ),
    ),
    ("names with all context before them lose recall", lambda: max(gains("unknown", "before")) < 0),
    (
        "Known names gain less",
        lambda: all(max(gains("known", one)) < min(gains("unknown", one)) for one in ("after", "both", "little")),
    ),
    (
        "Names with *little* context gain as much as any",
        lambda: fmean(gains("unknown", "little")) >= fmean(gains("unknown", "after")),
    ),
    ("the 47 sentences of dev and test", lambda: RESULTS.of("gru", False)[0]["reach"]["sentences"] == 47),
]


@pytest.mark.parametrize(("words", "holds"), CLAIMS, ids=[words for words, _ in CLAIMS])
def test_a_claim_is_on_the_page_and_holds_for_the_results(words: str, holds: Callable[[], bool]) -> None:
    assert words in WORDS
    assert holds()
