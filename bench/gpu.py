"""The bundled English model on a GPU against the CPU: tags compared, then throughput and latency.

    python -m bench.gpu                        # where torch finds a GPU
    python -m bench.gpu --device cpu           # what can be shown without one: tags, and how fast a process feeds

Tags: all of CoNLL-2003's test set, in sorted batches of 64 K padded tokens, by the form that is arranged for a GPU.
Feeding: what a process does of a text before the model, raw text to rows of the word table. Bulk: raw text in, spans
out, in several processes that share the GPU, with a thread each; `--text FILE` takes the lines of a file instead of
the test set over and over. Batches: from ids to tags and confidences on the CPU, copies included, by batch size in
the order of the corpus, as in docs/performance.md.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Any

import torch

from bench.options import MODEL
from nerve.bulk.models import rest_garbage_collector
from nerve.model.archive import Archive, fast_form, load
from nerve.model.batch import GPU_BATCH_TOKENS, by_length
from nerve.model.recognizer import Recognizer, Window
from nerve.model.tokenizer import sentences as sentences_of
from nerve.training.data import datasets

SIZES = (1, 8, 32, 128, 512, 2048)
"""Sentences in a batch."""

TOKENS = 100_000
"""Tokens at most that are tagged for one figure of the batches."""

CHUNK = 50_000
"""Texts that a process sorts into batches at once: about a million tokens where a text is a sentence."""

RESULTS = Path(__file__).parent / "results" / "gpu.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and on a GPU write the results."""
    options = parse(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("bench.gpu: torch finds no GPU here; --device cpu shows what can be shown without", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    texts = [" ".join(one.tokens) for one in datasets.load("conll2003", "test", options.data_dir)]
    cpu = load(options.model)
    other = load(options.model, "cuda") if options.device == "cuda" else arranged_for_gpu(cpu)
    results: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu, arranged for a GPU",
        "cpus": os.cpu_count(),
        "load average": os.getloadavg()[0],
        "torch": torch.__version__,
        "model": _model(cpu),
    }
    print(f"{results['device']}, load average {results['load average']:.1f}\n")
    windows = [window for text in texts for window in Recognizer(cpu).windows(text)]
    results |= compared(cpu, other, windows)
    if options.text:
        texts = options.text.read_text(encoding="utf-8").splitlines()
    many = list(islice(cycle(texts), options.texts))
    results["feeding, tokens/s"] = fed(other, many[:CHUNK])
    print(f"feeding: {results['feeding, tokens/s']:,.0f} tokens/s of a process' CPU time\n")
    results["bulk, tokens/s by processes"] = {n: bulk(options, many, n) for n in options.processes}
    print("| processes | raw text to spans, tokens/s |\n|---:|---:|")
    for count, speed in results["bulk, tokens/s by processes"].items():
        print(f"| {count} | {speed:,.0f} |")
    if options.device == "cuda":
        results["rows"] = list(batches({"cpu": Recognizer(cpu), "cuda": Recognizer(other)}, windows))
        RESULTS.write_text(json.dumps({"gpu": results["device"], **results}, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description="Tagging on a GPU against the CPU.")
    add = parser.add_argument
    add("--model", type=Path, default=MODEL, metavar="FILE.pt")
    add("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE and fetch nothing")
    add("--device", choices=("cuda", "cpu"), default="cuda", help="default: %(default)s")
    add("--text", type=Path, metavar="FILE", help="its lines are the texts for feeding and bulk")
    add("--texts", type=int, default=100_000, metavar="N", help="texts of each process (default: %(default)s)")
    add("--processes", type=int, nargs="+", default=[1, 4, 8], metavar="N", help="that share the GPU")
    return parser.parse_args(arguments)


def arranged_for_gpu(archive: Archive) -> Archive:
    """The archive of a CPU with its fast form arranged for a GPU, but on the CPU."""
    return replace(archive, fast=fast_form(archive.tagger, archive.vocabulary, archive.metadata, "cpu", gpu=True))


def compared(cpu: Archive, other: Archive, windows: Sequence[Window]) -> dict[str, float]:
    """How many sentences two archives tag differently, and how much the confidences of the rest differ."""
    differ, largest = 0, 0.0
    for batch in by_length([len(window) for window in windows], GPU_BATCH_TOKENS):
        words = [windows[n].words for n in batch]
        small = [cpu.run(words[n : n + 64]) for n in range(0, len(words), 64)]
        tags, confidences = (tensor.cpu() for tensor in other.run(words))
        for n, row in enumerate(words):
            (own_tags, own), at = small[n // 64], n % 64
            if not torch.equal(own_tags[at, : len(row)], tags[n, : len(row)]):
                differ += 1
            else:
                largest = max(largest, float((own[at, : len(row)] - confidences[n, : len(row)]).abs().max()))
    print(f"{differ} of {len(windows):,} sentences are tagged differently; confidences differ by up to {largest:.1e}")
    return {
        "sentences": len(windows),
        "tagged_differently": differ,
        "largest_difference_of_confidences": largest,
    }


def fed(archive: Archive, texts: Sequence[str]) -> float:
    """Tokens a second of CPU time, from raw text to rows of the word table, when most words have been seen."""
    assert archive.fast is not None
    recognizer, table = Recognizer(archive), archive.fast.words
    rest_garbage_collector()
    tokens, taken = 0, 0.0
    with torch.inference_mode():
        for counts in (False, True):
            for n in range(0, len(texts), 1000):
                begun = time.process_time()
                windows = [window for text in texts[n : n + 1000] for window in recognizer.windows(text)]
                table.look_up([window.words for window in windows])
                taken += (time.process_time() - begun) * counts
                tokens += sum(map(len, windows)) * counts
    return tokens / taken


def bulk(options: argparse.Namespace, texts: Sequence[str], processes: int) -> float:
    """Tokens a second of several processes, each of which tags the texts."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(processes, mp_context=context) as pool:
        together = manager.Barrier(processes)
        runs = [pool.submit(_tag, options.model, options.device, texts, together) for _ in range(processes)]
        begins, ends = zip(*(run.result() for run in runs), strict=True)
    tokens = sum(len(sentence) for text in texts for sentence in sentences_of(text))
    seconds: float = max(ends) - min(begins)
    return processes * tokens / seconds


def _tag(model: Path, device: str, texts: Sequence[str], together: Barrier) -> tuple[float, float]:
    """Tag the texts in this process, when all others are ready to: when it began and ended."""
    torch.set_num_threads(1)
    recognizer = Recognizer(load(model, device))
    recognizer.recognize(texts[:1000])  # warm
    rest_garbage_collector()
    together.wait()
    begun = time.monotonic()
    for n in range(0, len(texts), CHUNK):
        recognizer.recognize(texts[n : n + CHUNK])
    return begun, time.monotonic()


def batches(taggers: dict[str, Recognizer], windows: Sequence[Window]) -> Iterator[dict[str, float]]:
    """Print speed and latency by the size of a batch, a row for each."""
    print("\n| sentences in a batch | CPU, 1 thread: tokens/s | p50 ms | GPU: tokens/s | p50 ms |")
    print("|---:|---:|---:|---:|---:|")
    for size in SIZES:
        row: dict[str, float] = {"sentences": size}
        for name, tagger in taggers.items():
            row[f"{name}_tokens_per_second"], row[f"{name}_p50_ms"] = _speed(tagger, windows, size)
        figures = [f"{row[f'{name}_tokens_per_second']:,.0f} | {row[f'{name}_p50_ms']:.2f}" for name in taggers]
        print(f"| {size} | {' | '.join(figures)} |", flush=True)
        yield row


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


def _model(archive: Archive) -> str:
    return f"{archive.name} ({archive.metadata.config.cell}, {archive.metadata.config.hidden_size} units)"


if __name__ == "__main__":
    sys.exit(main())
