"""Requests a second, latency, overload, memory and start of the service, beside what bounds them.

    python -m bench.http --data-dir originals
    python -m bench.http --data-dir originals --overload
    python -m bench.http --data-dir originals --soak 200000
    python -m bench.http --data-dir originals --workers 2

The real server (`python -m nerve.service`) has one core, the load another. The load is sentences of CoNLL-2003's
test set with 18 to 35 tokens, about 25, one in a request. wrk fills 64 connections; all other load is of a constant
rate, and latency counts from the time at which a request was due. Prints tables and writes results/http.json, in
which each of the four has its part; docs/performance.md says what the figures mean.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.faults.sigterm import started
from bench.load import Answer, LoadError, closed_loop, open_loop, percentile
from nerve.training.data import datasets
from nerve.training.data.detokenize import join

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "http.json"
CONNECTIONS = 64
TOKENS = range(18, 36)
OVERLOAD_SECONDS = 60
# Far below the default of 30 s, at which an overloaded server holds tens of thousands of connections.
OVERLOAD_DEADLINE = 2.0
DOCUMENT_CHARACTERS = 1_000_000
SOAK_SECONDS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit status."""
    options = parse(arguments)
    os.sched_setaffinity(0, {options.load_core})
    try:
        sentences = [
            join(sentence.tokens)[0]
            for sentence in datasets.load("conll2003", "test", options.data_dir)
            if len(sentence.tokens) in TOKENS
        ]
        with tempfile.TemporaryDirectory() as folder:
            bodies = Path(folder, "bodies")
            bodies.write_text("".join(json.dumps({"text": text}) + "\n" for text in sentences), encoding="utf-8")
            if options.soak:
                part, figures = "soak", soak(options, bodies)
            elif options.workers:
                part, figures = "workers", workers(options, bodies)
            elif options.overload:
                part, figures = "overload", overload(options, bodies, sentences)
            else:
                part, figures = "load", load(options, bodies)
    except (LoadError, datasets.DatasetError) as error:
        print(f"bench.http: {error}", file=sys.stderr)
        return 1
    report(part, figures)
    known = json.loads(options.output.read_text(encoding="utf-8")) if options.output.exists() else {}
    known[part] = {"date": time.strftime("%Y-%m-%d"), "model": options.model.name, **figures}
    options.output.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.http", description="Measure the service.")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    parser.add_argument("--model", type=Path, metavar="PATH", default=HERE.parent / "models" / "en.pt")
    parser.add_argument("--core", type=int, default=1, metavar="N", help="the server's core")
    parser.add_argument("--load-core", type=int, default=0, metavar="N", help="the core of the load")
    parser.add_argument("--seconds", type=int, default=10, metavar="N", help="length of each measurement")
    parser.add_argument("--overload", action="store_true", help="three times the peak rate, and long documents")
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="so many requests of ever new words")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="so many processes on both cores")
    parser.add_argument("--output", type=Path, metavar="PATH", default=RESULTS)
    return parser.parse_args(arguments)


# -- the four measurements -------------------------------------------------------------------------------------------


def load(options: argparse.Namespace, bodies: Path) -> dict[str, Any]:
    """Peak rate beside its bound, latency alone and at half of the peak rate, start."""
    lines = bodies.read_bytes().splitlines()
    core, seconds = options.core, options.seconds
    with server([sys.executable, "-m", "bench.empty", "{port}"], core) as (url, pid, _):
        busy = _cpu_seconds(pid)
        constant = closed_loop(url, bodies, CONNECTIONS, seconds, options.load_core)
        empty, empty_cpu = constant.rate, (_cpu_seconds(pid) - busy) / constant.requests
    tagger, tagger_cpu = json.loads(_output([sys.executable, "-c", TAGGER, str(options.model), str(bodies)], core))
    with service(options) as (url, pid, ready):
        closed_loop(url, bodies, CONNECTIONS, 2, options.load_core)
        busy = _cpu_seconds(pid)
        peak = closed_loop(url, bodies, CONNECTIONS, seconds, options.load_core)
        busy = _cpu_seconds(pid) - busy
        alone = closed_loop(url, bodies, 1, seconds, options.load_core)
        half = asyncio.run(open_loop(url, lines, peak.rate / 2, seconds)).latencies()
        resident = _resident(pid)
    bound = 1 / (1 / empty + 1 / tagger)
    return {
        "peak, requests/s": peak.rate,
        "peak, p50 s": peak.p50,
        "peak, p99 s": peak.p99,
        "peak, CPU s/request": busy / peak.requests,
        "empty endpoint, CPU s/request": empty_cpu,
        "tagger alone, CPU s/request": tagger_cpu,
        "bound / peak, of CPU": (empty_cpu + tagger_cpu) * peak.requests / busy,
        "peak, broken": peak.broken + peak.refused,
        "empty endpoint, requests/s": empty,
        "tagger alone, sentences/s": tagger,
        "bound, requests/s": bound,
        "peak / bound": peak.rate / bound,
        "alone, p50 s": alone.p50,
        "alone, p99 s": alone.p99,
        "half of the peak rate, p50 s": percentile(half, 50),
        "half of the peak rate, p99 s": percentile(half, 99),
        "half of the peak rate, p99 / p50": percentile(half, 99) / percentile(half, 50),
        "resident bytes": resident,
        "exec to ready s": ready,
        **{
            f"of that, {step} s": value
            for step, value in json.loads(
                _output([sys.executable, "-m", "bench.start", str(options.model)], core)
            ).items()
        },
    }


# The texts' sentences in batches of as many as there are connections, in the server's own process settings.
TAGGER = """
import json, sys, time
from pathlib import Path
from nerve.model import archive
from nerve.model.recognizer import Recognizer
from nerve.service.engine.engine import limit_threads
limit_threads()
recognizer = Recognizer(archive.load(Path(sys.argv[1]), "cpu"))
texts = [json.loads(line)["text"] for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()]
fastest = least = float("inf")
for _ in range(5):
    begun, worked = time.perf_counter(), time.process_time()
    for start in range(0, len(texts), 64):
        recognizer.recognize(texts[start : start + 64])
    fastest = min(fastest, time.perf_counter() - begun)
    least = min(least, time.process_time() - worked)
print(json.dumps([len(texts) / fastest, least / len(texts)]))
"""


def overload(options: argparse.Namespace, bodies: Path, sentences: Sequence[str]) -> dict[str, Any]:
    """Three times the peak rate, and back; then long documents beside sentences."""
    lines = bodies.read_bytes().splitlines()
    with service(options, f"--deadline-seconds={OVERLOAD_DEADLINE}") as (url, pid, _):
        expected = [_spans(_asked(url, line)) for line in lines]
        closed_loop(url, bodies, CONNECTIONS, 2, options.load_core)
        peak = closed_loop(url, bodies, CONNECTIONS, options.seconds, options.load_core).rate
        before = _resident(pid)
        seen = asyncio.run(open_loop(url, lines, 3 * peak, OVERLOAD_SECONDS))
        after = _resident(pid)
        ended = max(seen.scheduled)
        accepted = seen.latencies()
        refused = [answer for answer in seen.answers if answer.status == 503]
        wrong = sum(not _right(answer, expected) for answer in seen.answers)
        good = sum(answer.status == 200 and answer.at <= ended for answer in seen.answers)
        last = max(answer.at for answer in seen.answers)
        figures: dict[str, Any] = {
            "peak, requests/s": peak,
            "offered, requests/s": 3 * peak,
            "goodput, requests/s": good / ended,
            "goodput / peak": good / ended / peak,
            "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
            "answers neither right nor 503 with Retry-After": wrong,
            "accepted, p50 s": percentile(accepted, 50),
            "accepted, p99 s": percentile(accepted, 99),
            "refused, p99 s": percentile(sorted(answer.latency for answer in refused), 99),
            "deadline s": OVERLOAD_DEADLINE,
            "last answer after the end s": last - ended,
            "resident bytes before": before,
            "resident bytes after": after,
        }
        time.sleep(max(0.0, 2.0 - (last - ended)))
        quiet = asyncio.run(open_loop(url, lines, peak / 4, 3)).latencies()
        figures["2 s after the end, p99 s"] = percentile(quiet, 99)
    with service(options) as (url, pid, _):
        closed_loop(url, bodies, CONNECTIONS, 2, options.load_core)
        rate = peak / 4
        without = asyncio.run(open_loop(url, lines, rate, options.seconds)).latencies()
        document = json.dumps({"text": _document(sentences)}).encode()
        among, documents = asyncio.run(_with_documents(url, lines, document, rate, options.seconds))
        figures |= {
            "sentences at a quarter of the peak rate, p99 s": percentile(without, 99),
            "the same beside documents of 1 MB, p99 s": percentile(among, 99),
            "ratio of the two": percentile(among, 99) / percentile(without, 99),
            "documents, s each": documents,
        }
    return figures


async def _with_documents(
    url: str, lines: Sequence[bytes], document: bytes, rate: float, seconds: float
) -> tuple[list[float], list[float]]:
    """Latencies of sentences at a constant rate, while one document after another is asked for; and theirs."""
    taken: list[float] = []
    sentences = asyncio.create_task(open_loop(url, lines, rate, seconds))
    while not sentences.done():
        answered = asyncio.create_task(open_loop(url, [document], 1.0, 1.0))
        await asyncio.wait([answered, sentences], return_when=asyncio.FIRST_COMPLETED)
        taken += (await answered).latencies()
    return (await sentences).latencies(), taken


def soak(options: argparse.Namespace, bodies: Path) -> dict[str, Any]:
    """Measure resident memory over many requests, none of which shares a word with another.

    The load is a closed loop, because requests that wait under overload take memory, too: that is another question.
    """
    rng = random.Random(1)
    with service(options) as (url, pid, _):
        rate = closed_loop(url, bodies, CONNECTIONS, 3, options.load_core).rate
        resident = {0: _resident(pid)}
        while (count := max(resident)) < options.soak:
            # New words take longer than known ones: these are not used up before the time is.
            fresh = (json.dumps({"text": _new_words(rng)}) + "\n" for _ in range(int(rate * SOAK_SECONDS)))
            bodies.write_text("".join(fresh), encoding="utf-8")
            seen = closed_loop(url, bodies, CONNECTIONS, SOAK_SECONDS, options.load_core)
            count += seen.requests
            resident[count] = _resident(pid)
            failed = seen.refused + seen.broken
            print(f"{count:>9,} requests: {resident[count] / 2**20:,.0f} MiB, {failed} without an answer", flush=True)
    return {"resident bytes by requests": {str(count): size for count, size in resident.items()}}


def workers(options: argparse.Namespace, bodies: Path) -> dict[str, Any]:
    """Measure the peak rate of one process on the server's core, and of several on both cores.

    The load takes its part of the second core. Each process has the same number of connections.
    """
    rates = {}
    for count, cores in ((1, str(options.core)), (options.workers, f"{options.core},{options.load_core}")):
        with service(options, f"--workers={count}", cores=cores) as (url, _, _):
            # The first one is ready before the others, and would get all connections.
            while f"nerve_workers {count}.0\n" not in _read(url.replace("/v1/entities", "/metrics")):
                time.sleep(0.02)
            closed_loop(url, bodies, count * CONNECTIONS, 3, options.load_core)
            rates[count] = closed_loop(url, bodies, count * CONNECTIONS, options.seconds, options.load_core).rate
    return {
        "requests/s by processes": rates,
        "ratio": rates[options.workers] / rates[1],
    }


# -- the server ------------------------------------------------------------------------------------------------------


@contextmanager
def service(options: argparse.Namespace, *flags: str, cores: str = "") -> Iterator[tuple[str, int, float]]:
    """Start the service; give its address, its process id and the seconds it took to be ready."""
    words = [sys.executable, "-m", "nerve.service", "--port", "{port}", "--model", str(options.model), *flags]
    with server(words, cores or options.core) as started:
        yield started


@contextmanager
def server(words: Sequence[str], cores: int | str) -> Iterator[tuple[str, int, float]]:
    """Where it answers, its process id, and the seconds from exec to ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [word.format(port=port) for word in words]
    words = ["taskset", "-c", str(cores), *words]
    url = f"http://127.0.0.1:{port}"
    begun = time.perf_counter()
    with started(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=HERE.parent) as process:
        while not _ready(url):
            if process.poll() is not None or time.perf_counter() - begun > 120:
                raise LoadError(f"the server did not start: {' '.join(words)}")
            time.sleep(0.02)
        yield f"{url}/v1/entities", process.pid, time.perf_counter() - begun


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read(), "utf-8")


def _asked(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def _output(words: Sequence[str], core: int) -> str:
    run = subprocess.run(
        ["taskset", "-c", str(core), *words], capture_output=True, text=True, check=False, cwd=HERE.parent
    )
    if run.returncode:
        raise LoadError(f"{' '.join(words[:3])} failed: {run.stderr.strip()[-500:]}")
    return run.stdout


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


# -- texts -----------------------------------------------------------------------------------------------------------


def _document(sentences: Sequence[str]) -> str:
    text = " ".join(sentences)
    return (text * (DOCUMENT_CHARACTERS // len(text) + 1))[:DOCUMENT_CHARACTERS]


def _new_words(rng: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(rng.choices(letters, k=rng.randint(4, 9))).capitalize() for _ in range(25))


def _spans(answer: bytes) -> list[tuple[int, int, str]]:
    return [(entity["start"], entity["end"], entity["label"]) for entity in json.loads(answer)["ents"]]


def _right(answer: Answer, expected: Sequence[list[tuple[int, int, str]]]) -> bool:
    if answer.status == 200:
        return _spans(answer.body) == expected[answer.number % len(expected)]
    return answer.status == 503 and answer.retry_after


def report(part: str, figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"| {part} | |\n|---|---:|")
    for name, value in figures.items():
        if name.endswith(" s") and isinstance(value, float):
            print(f"| {name.removesuffix(' s')} | {value * 1000:,.1f} ms |")
        elif name.endswith("s/request"):
            print(f"| {name} | {value * 1e6:,.0f} µs |")
        elif "bytes" in name and isinstance(value, int):
            print(f"| {name.replace('bytes', 'memory')} | {value / 2**20:,.0f} MiB |")
        else:
            print(f"| {name} | {value:,.2f} |" if isinstance(value, float) else f"| {name} | {value} |")


if __name__ == "__main__":
    sys.exit(main())
