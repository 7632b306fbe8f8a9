"""The bundled English model on a GPU against the CPU: throughput and latency by batch size, tags compared.

    python -m bench.gpu

Sentences of the CoNLL-2003 test set, from ids to tags and confidences on the CPU, copies included.
docs/performance.md has the figures.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch

from nerve.model.archive import Archive, load
from nerve.model.recognizer import Recognizer, Tagging, Window
from nerve.training.data import datasets

SIZES = (1, 8, 32, 128, 512, 2048)
"""Sentences in a batch."""

TOKENS = 100_000
"""Tokens at most that are tagged for one figure."""

RESULTS = Path(__file__).parent / "results" / "gpu.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the results."""
    options = parse(arguments)
    if not torch.cuda.is_available():
        print("bench.gpu: torch finds no GPU here", file=sys.stderr)
        return 1
    sentences = [" ".join(one.tokens) for one in datasets.load("conll2003", "test", options.data_dir)]
    taggers = {name: Recognizer(load(options.model, name)) for name in ("cpu", "cuda")}
    windows = [window for text in sentences for window in taggers["cpu"].windows(text)]
    rows = []
    print("| sentences in a batch | CPU, 1 thread: tokens/s | p50 ms | GPU: tokens/s | p50 ms |")
    print("|---:|---:|---:|---:|---:|")
    torch.set_num_threads(1)
    for size in SIZES:
        row: dict[str, float] = {"sentences": size}
        for name, tagger in taggers.items():
            row[f"{name}_tokens_per_second"], row[f"{name}_p50_ms"] = _speed(tagger, windows, size)
        rows.append(row)
        figures = [f"{row[f'{name}_tokens_per_second']:,.0f} | {row[f'{name}_p50_ms']:.2f}" for name in taggers]
        print(f"| {size} | {' | '.join(figures)} |", flush=True)
    cpu, cuda = (_all(tagger, windows) for tagger in taggers.values())
    differ = sum(one.tag_ids != other.tag_ids for one, other in zip(cpu, cuda, strict=True))
    largest = max(
        abs(a - b)
        for one, other in zip(cpu, cuda, strict=True)
        if one.tag_ids == other.tag_ids
        for a, b in zip(one.confidences, other.confidences, strict=True)
    )
    print(
        f"\n{differ} of {len(windows):,} sentences are tagged differently; confidences differ by up to {largest:.1e}"
    )
    result = {
        "gpu": torch.cuda.get_device_name(),
        "cpu_threads": 1,
        "cpus": os.cpu_count(),
        "torch": torch.__version__,
        "model": _model(taggers["cpu"].archive),
        "rows": rows,
        "sentences": len(windows),
        "tagged_differently": differ,
        "largest_difference_of_confidences": largest,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description="Tagging on a GPU against the CPU.")
    add = parser.add_argument
    add("--model", type=Path, default=Path("models/en.pt"), metavar="FILE.pt")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE and fetch nothing")
    return parser.parse_args(arguments)


def _speed(tagger: Recognizer, windows: Sequence[Window], size: int) -> tuple[float, float]:
    """Tokens a second, and the median milliseconds of a batch, in batches of `size`, in the order of the corpus."""
    batches = [windows[n : n + size] for n in range(0, len(windows) - size + 1, size)] or [windows]
    for batch in batches[:20]:
        tagger.tag(batch)  # warm
    took, tokens = [], 0
    for batch in batches:
        begun = time.perf_counter()
        tagger.tag(batch)
        took.append(time.perf_counter() - begun)
        tokens += sum(map(len, batch))
        if tokens > TOKENS or sum(took) > 5:
            break
    return tokens / sum(took), median(took) * 1000


def _all(tagger: Recognizer, windows: Sequence[Window]) -> list[Tagging]:
    return [tagging for n in range(0, len(windows), 64) for tagging in tagger.tag(windows[n : n + 64])]


def _model(archive: Archive) -> str:
    return f"{archive.name} ({archive.metadata.config.cell}, {archive.metadata.config.hidden_size} units)"


if __name__ == "__main__":
    sys.exit(main())
