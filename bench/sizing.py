"""How many replicas, cores or GPUs a load needs, computed from what other benches measured.

    python -m bench.sizing                                        # the tables
    python -m bench.sizing --page                                 # puts them into docs/sizing.md
    python -m bench.sizing --requests 300 --words 40              # the service, for a load of your own
    python -m bench.sizing --documents 2000000 --words 400        # `nerve tag`, documents a day

It measures nothing: it reads results/http.json, tagger.json, bulk.json and gpu.json. docs/sizing.md has the formulas.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "sizing.md"
BUSY = 0.5
"""Share of its core that a replica should be busy: results/http.json has the latencies at half of the peak rate."""

WORDS = (10, 25, 100, 400)
RATES = (100, 1_000)
DOCUMENT_WORDS = 400
DOCUMENTS = (100_000, 10_000_000, 1_000_000_000)
DAY, HOUR = 86_400, 3_600


@dataclass(frozen=True, slots=True)
class Costs:
    """What a request and a token cost on one core, and what a GPU does."""

    request: float
    """seconds of CPU for a request, without its tokens"""
    token: float
    """seconds of CPU for a token of a request"""
    bulk_token: float
    """seconds of CPU for a token of `nerve tag`, from JSON lines to JSON lines"""
    tokens_a_word: float
    resident_bytes: float
    """of a process of the service, after a long load"""
    gpu: str
    gpu_tokens_a_second: float
    """raw text in, spans out, in as many processes as gave most"""
    gpu_cores: int
    """that many, with a core each"""

    def of_request(self, words: float) -> float:
        """Seconds of CPU for a request of so many words."""
        return self.request + words * self.tokens_a_word * self.token

    def replicas(self, rate: float, words: float, busy: float) -> int:
        """Replicas of one core each, for so many requests a second."""
        return math.ceil(rate * self.of_request(words) / busy)

    def cores(self, documents: float, words: float) -> int:
        """Cores of `nerve tag`, for so many documents a day."""
        return math.ceil(documents * words * self.tokens_a_word * self.bulk_token / DAY)

    def gpus(self, documents: float, words: float) -> int:
        """GPUs for so many documents a day, each with `gpu_cores` cores to feed it."""
        return math.ceil(documents * words * self.tokens_a_word / self.gpu_tokens_a_second / DAY)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or the answer for one load; return the exit status."""
    options, costs = parse(arguments), read()
    if options.page:
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), tables(costs)), encoding="utf-8")
        return 0
    if options.requests is None and options.documents is None:
        print("\n".join(tables(costs)))
        return 0
    if options.requests is not None:
        count = costs.replicas(options.requests, options.words, options.busy)
        print(f"{options.requests:,.0f} requests/s of {options.words:,.0f} words: {_replicas(costs, count)}")
    if options.documents is not None:
        tokens = options.documents * options.words * costs.tokens_a_word
        cores = costs.cores(options.documents, options.words)
        load = f"{options.documents:,.0f} documents a day of {options.words:,.0f} words"
        print(f"{load}: {tokens / 1e6:,.1f} million tokens, {cores:,} core{'' if cores == 1 else 's'}")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizing", description="Size an installation.")
    parser.add_argument("--requests", type=float, metavar="N", help="requests a second, at the busiest time")
    parser.add_argument("--documents", type=float, metavar="N", help="documents a day, for `nerve tag`")
    parser.add_argument("--words", type=float, default=25.0, metavar="N", help="of each (default: %(default)s)")
    parser.add_argument(
        "--busy", type=float, default=BUSY, metavar="SHARE", help="of a replica's core (default: %(default)s)"
    )
    parser.add_argument("--page", action="store_true", help="put the tables into docs/sizing.md")
    options = parser.parse_args(arguments)
    for name in ("requests", "documents", "words", "busy"):
        value = getattr(options, name)
        if value is not None and not 0 < value <= (1 if name == "busy" else math.inf):
            parser.error(f"--{name} is {value}; it must be above 0" + (" and at most 1" if name == "busy" else ""))
    return options


def read(folder: Path = RESULTS) -> Costs:
    """The costs, from the results in a folder."""
    http, tagger, bulk, gpu = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("http", "tagger", "bulk", "gpu")
    )
    (batched,) = (row for row in tagger["tokens/s"] if row["batch"] == 32)
    load = http["load"]
    processes, speed = max(gpu["bulk, tokens/s by processes"].items(), key=lambda item: item[1])
    return Costs(
        request=load["peak, CPU s/request"] - load["tagger alone, CPU s/request"],
        token=1 / batched["whole way"],
        bulk_token=bulk["processes"]["1"]["CPU without starts, us a token"] / 1e6,
        tokens_a_word=bulk["tokens"] / bulk["words"],
        resident_bytes=max(http["soak"]["resident bytes by requests"].values()),
        gpu=gpu["gpu"],
        gpu_tokens_a_second=speed,
        gpu_cores=int(processes),
    )


def tables(costs: Costs) -> Iterator[str]:
    """The tables of docs/sizing.md."""
    rates = " | ".join(f"replicas for {rate:,}/s" for rate in RATES)
    yield f"| words a request | CPU, ms | requests/s a replica | {rates} | core-hours a million requests |"
    yield f"|---:|---:|---:|{'---:|' * len(RATES)}---:|"
    for words in WORDS:
        seconds = costs.of_request(words)
        replicas = " | ".join(f"{costs.replicas(rate, words, BUSY):,}" for rate in RATES)
        yield f"| {words} | {seconds * 1e3:.2f} | {BUSY / seconds:,.0f} | {replicas} | {seconds * 1e6 / HOUR:.2f} |"
    yield ""
    gpu = f"{costs.gpu}, each with {costs.gpu_cores} cores"
    yield f"| documents a day, of {DOCUMENT_WORDS} words | tokens a day | cores | or {gpu} |"
    yield "|---:|---:|---:|---:|"
    for documents in DOCUMENTS:
        tokens = documents * DOCUMENT_WORDS * costs.tokens_a_word
        cores, gpus = costs.cores(documents, DOCUMENT_WORDS), costs.gpus(documents, DOCUMENT_WORDS)
        yield f"| {documents:,} | {tokens / 1e6:,.0f} million | {cores:,} | {gpus:,} |"
    yield ""
    yield "| a billion tokens | hours |"
    yield "|---|---:|"
    yield f"| `nerve tag`, cores | {1e9 * costs.bulk_token / HOUR:.1f} |"
    for words in WORDS:
        requests = 1e9 / (words * costs.tokens_a_word)
        yield f"| the service, requests of {words} words, cores | {requests * costs.of_request(words) / HOUR:.1f} |"
    yield f"| one {costs.gpu} with {costs.gpu_cores} cores | {1e9 / costs.gpu_tokens_a_second / HOUR:.1f} |"


def with_tables(page: str, tables: Iterator[str]) -> str:
    """The page with these tables in place of its own, in order."""
    new = iter("\n".join(tables).split("\n\n"))
    return re.sub(r"(?:^\|.*\n)+", lambda _: f"{next(new)}\n", page, flags=re.MULTILINE)


def _replicas(costs: Costs, count: int) -> str:
    plural = "" if count == 1 else "s"
    return f"{count:,} replica{plural} of one core, {count * costs.resident_bytes / 2**30:.1f} GiB of memory together"


if __name__ == "__main__":
    sys.exit(main())
