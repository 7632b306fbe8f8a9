"""The results of a comparison: a file of JSON lines, one for each run and one for the speeds of all."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.cells.plan import CLIP, RATES, SEEDS, Run
from nerve.model.config import Cell

Result = dict[str, Any]


class Results:
    """The results in a file, by name. A missing file holds none; `add` writes it again.

    Raises:
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._named: dict[str, Result] = {line["name"]: line for line in map(json.loads, lines)}

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def __getitem__(self, name: str) -> Result:
        return self._named[name]

    def add(self, name: str, result: Result) -> None:
        """Keep a result.

        Raises:
            OSError: The file cannot be written.
        """
        self._named[name] = {"name": name, **result}
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            lines = (json.dumps(one, ensure_ascii=False) + "\n" for _, one in sorted(self._named.items()))
            temporary.write_text("".join(lines), encoding="utf-8")
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def of(
        self, cell: Cell, bidirectional: bool, layers: int = 1, clip: float = CLIP, rate: float = RATES[0]
    ) -> list[Result]:
        """The results of such runs, one for each seed."""
        return [self[Run(cell, bidirectional, layers, seed, clip, rate).name] for seed in SEEDS]

    def reach(self, cell: Cell, state: str) -> dict[str, list[float]]:
        """How far the gradient of a tagger with one direction and one layer reaches, `initial` or `trained`.

        Quartiles at each distance, the geometric mean over the seeds.
        """
        runs = [result["reach"][state] for result in self.of(cell, False)]
        return {
            name: [math.exp(fmean(map(math.log, at))) for at in zip(*(run[name] for run in runs), strict=True)]
            for name in ("lower", "median", "upper")
        }


def f1(results: Sequence[Result], split: str = "test") -> list[float]:
    """F1 of those that did not diverge."""
    return [result["scores"][split]["f1"] for result in results if result["scores"]]
