"""Tagging on one thread, from raw text to entities: how fast it is, and where the time goes.

    python -m bench.tagger

Sentences of the CoNLL-2003 test set as raw text, the bundled English model, batches of similar length. Prints the
tables of docs/performance.md and writes results/tagger.json.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bench.options import tagging_parser
from bench.timing import seconds
from nerve.model import tokenizer
from nerve.model.annotation import Entity, Tokens
from nerve.model.archive import Archive, load
from nerve.model.batch import collate
from nerve.model.packed_linear import PackedLinear, packing_works
from nerve.model.recognizer import Recognizer, Tagging, Window
from nerve.model.word_table import CAPACITY
from nerve.training.data import datasets
from nerve.training.data.detokenize import to_document

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "tagger.json"
SIZES = (1, 8, 32, 128)
"""Texts in a batch."""
PROFILE = ("tokenizer", "windows", "word table", "recurrence", "CRF", "spans and offsets")
"""The steps that are timed alone."""


class Prepared(NamedTuple):
    """A batch with the input of every step, so that each step can be timed alone."""

    texts: Sequence[str]
    sentences: list[Tokens]
    windows: list[Window]
    words: list[list[str]]
    taggings: list[Tagging]
    lengths: Tensor
    embedded: Tensor
    rows: Tensor
    emissions: Tensor


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the results."""
    options = parse(arguments)
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    archive = load(options.model)
    recognizer, plain = Recognizer(archive), Recognizer(replace(archive, fast=None))
    texts = raw_texts(options.data_dir, options.sentences)
    with torch.inference_mode():
        results: dict[str, Any] = {"torch": torch.__version__, "model": archive.name, "sentences": len(texts)}
        results["bound"] = bound(archive)
        results["tokens/s"] = [measured(size, texts, recognizer, plain, options.rounds) for size in SIZES]
        results["one sentence, ms"] = latency(recognizer, texts)
    report(results)
    if not options.no_results:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    return tagging_parser("bench.tagger", "Time tagging on one thread.", rounds=5).parse_args(arguments)


def raw_texts(data_dir: Path | None, count: int) -> list[str]:
    """Sentences of the test set as a person would write them."""
    return [to_document([(one.tokens, ())])[0] for one in datasets.load("conll2003", "test", data_dir)[:count]]


def bound(archive: Archive) -> dict[str, float]:
    """The rate of a product of matrices, in GFLOP/s, and the encoder's operations for a token."""
    config = archive.metadata.config
    rows, inner, columns = 512, 4 * config.hidden_size, 4 * config.hidden_size
    left, right = torch.randn(rows, inner), torch.randn(inner, columns)
    products: dict[str, Callable[[], object]] = {"sgemm": lambda: left @ right}
    if packing_works():
        products["packed"] = partial(PackedLinear(right.t()), left)
    taken = seconds(products, rounds=50)
    rates = {f"{name}, GFLOP/s": 2e-9 * rows * inner * columns / time for name, time in taken.items()}
    weights = sum(v.numel() for name, v in archive.weights.items() if name.startswith("encoder") and "weight" in name)
    return {**rates, "encoder, MFLOP/token": 2e-6 * weights}


def measured(
    size: int, texts: Sequence[str], recognizer: Recognizer, plain: Recognizer, rounds: int
) -> dict[str, float]:
    """Tokens per second of tagging as a whole, of the encoder alone, and of each step."""
    archive, fast = recognizer.archive, recognizer.archive.fast
    assert fast is not None
    tagger: Any = archive.tagger
    tagger_of_rows: Any = fast.tagger
    ordered = sorted(texts, key=len, reverse=True)
    every = 4 if size == 1 else 1  # a quarter of the sentences is enough where each is a batch
    batches = [prepared(recognizer, ordered[n : n + size]) for n in range(0, len(ordered), size * every)]
    table, _ = fast.words.look_up(batches[0].words)
    steps: dict[str, Callable[[Prepared], object]] = {
        "whole way": lambda batch: entities(recognizer, batch.texts),
        "as archived": lambda batch: entities(plain, batch.texts),
        "encoder alone": lambda batch: tagger.encoder(batch.embedded, batch.lengths),
        "tokenizer": lambda batch: list(map(tokenizer.sentences, batch.texts)),
        "windows": lambda batch: recognizer.windows_of(batch.sentences),
        "word table": lambda batch: fast.words.look_up(batch.words),
        "recurrence": lambda batch: tagger_of_rows.first(table, batch.rows),
        "CRF": lambda batch: decoded(tagger_of_rows, batch),
        "spans and offsets": lambda batch: recognizer.entities(batch.texts[0], batch.windows, batch.taggings),
    }
    taken = seconds({name: partial(_each, step, batches) for name, step in steps.items()}, rounds)
    tokens = sum(int(batch.lengths.sum()) for batch in batches)
    return {"batch": size} | {name: tokens / time for name, time in taken.items()}


def decoded(fast: Any, batch: Prepared) -> object:
    """The answer for a batch's emissions, as `FastTagger.forward` decodes them."""
    if len(batch.lengths) == 1:
        return fast.single(batch.emissions)
    return fast.crf.decode(batch.emissions, batch.lengths)


def _each(step: Callable[[Prepared], object], batches: Sequence[Prepared]) -> None:
    for batch in batches:
        step(batch)


def entities(recognizer: Recognizer, texts: Sequence[str]) -> list[list[Entity]]:
    """One batch from raw text to entities."""
    of_texts = [recognizer.windows(text) for text in texts]
    taggings = iter(recognizer.tag([window for windows in of_texts for window in windows]))
    return [
        recognizer.entities(text, windows, [next(taggings) for _ in windows])
        for text, windows in zip(texts, of_texts, strict=True)
    ]


def prepared(recognizer: Recognizer, texts: Sequence[str]) -> Prepared:
    """The batch of these texts."""
    tagger: Any = recognizer.archive.tagger
    found = [sentence for text in texts for sentence in tokenizer.sentences(text)]
    windows = recognizer.windows_of(found)
    words = [window.words for window in windows]
    batch = collate([recognizer.archive.vocabulary.ids(of_sentence) for of_sentence in words])
    vectors = tagger.words(batch.features, batch.characters)
    embedded = nn.functional.embedding(batch.tokens, vectors)
    emissions = tagger.emissions(batch.features, batch.characters, batch.tokens, batch.lengths)
    directions = 2 if recognizer.archive.metadata.config.bidirectional else 1
    rows = torch.randint(0, CAPACITY, (batch.tokens.shape[1], directions, len(words)))
    return Prepared(texts, found, windows, words, recognizer.tag(windows), batch.lengths, embedded, rows, emissions)


def latency(recognizer: Recognizer, texts: Sequence[str]) -> dict[str, float]:
    """The latency of one sentence in milliseconds, of the thread's CPU time and of the clock's time."""
    clocks = {"thread": time.thread_time, "clock": time.perf_counter}
    found: dict[str, float] = {}
    for name, clock in clocks.items():
        taken = []
        for text in texts:
            begun = clock()
            entities(recognizer, [text])
            taken.append(1e3 * (clock() - begun))
        cuts = quantiles(taken, n=100)
        found |= {f"{name} p50": cuts[49], f"{name} p99": cuts[98]}
    return found


def report(results: Mapping[str, Any]) -> None:
    """Print the tables of docs/performance.md."""
    rows = results["tokens/s"]
    print("| texts in a batch | whole way, tokens/s | of the encoder alone | encoder alone | as archived |")
    print("|---:|---:|---:|---:|---:|")
    for row in rows:
        whole, encoder = row["whole way"], row["encoder alone"]
        figures = f"{whole:,.0f} | {whole / encoder:.0%} | {encoder:,.0f} | {row['as archived']:,.0f}"
        print(f"| {row['batch']} | {figures} |")
    print(f"\n| microseconds a token | {' | '.join(str(row['batch']) for row in rows)} |")
    print("|---|" + "---:|" * len(rows))
    for name in ("whole way", *PROFILE):
        print(f"| {name} | {' | '.join(f'{1e6 / row[name]:.2f}' for row in rows)} |")
    rest = [1e6 / row["whole way"] - sum(1e6 / row[name] for name in PROFILE) for row in rows]
    print(f"| the rest | {' | '.join(f'{value:.2f}' for value in rest)} |\n")
    for key in ("bound", "one sentence, ms"):
        print("; ".join(f"{name}: {value:.2f}" for name, value in results[key].items()))


if __name__ == "__main__":
    sys.exit(main())
