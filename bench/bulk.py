"""`nerve tag` over a corpus: speed by processes, what a crash changes, and memory by the size of the input.

    python -m bench.bulk novels.txt --lines 100000
    python -m bench.bulk novels.txt --lines 10000 --megabytes 1000

The text is written as JSON lines of a line each into a temporary folder. Everything runs as a user runs it, in
processes of its own, and on Ray where that is installed. The exit status is 1 if parts that have to be equal differ.
The speeds are kept in results/bulk.json, which `bench.sizing` reads.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from nerve.bulk.ray import Tagger
from nerve.model.tokenizer import tokenize

RESULTS = Path(__file__).parent / "results" / "bulk.json"
POLL_SECONDS = 0.1
# Fields beside a short text, so that many bytes are few tokens: memory depends on bytes read, not on time spent.
OTHER_FIELD_BYTES = 4_000


@dataclass(frozen=True)
class Ended:
    """What a command took."""

    seconds: float
    cpu_seconds: float
    """of it and its processes"""
    peak_bytes: int
    """of its largest process"""


class Timed(Tagger):
    """A tagger on Ray that returns, in place of rows, the CPU time that its process has taken since it was loaded."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._begun = time.process_time()

    def __call__(self, batch: Any) -> Any:
        """Tag a table, and drop the result."""
        super().__call__(batch)
        return type(batch).from_pylist([{"seconds": time.process_time() - self._begun}])


def main() -> int:
    """Measure, and print a table. Returns the exit status."""
    chosen = parse(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        equal = [*_speed(chosen, Path(folder))]
        _memory(chosen, Path(folder))
    return 0 if all(equal) else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="a text file")
    parser.add_argument("--lines", type=int, default=100_000, help="lines of it (default: %(default)s)")
    parser.add_argument("--model", default="en", help="default: %(default)s")
    parser.add_argument("--part-bytes", type=int, default=1 << 20, help="default: %(default)s")
    parser.add_argument("--megabytes", type=int, default=256, help="input for memory (default: %(default)s)")
    return parser.parse_args(arguments)


def _speed(chosen: argparse.Namespace, folder: Path) -> Iterator[bool]:
    """Print the table of speed; whether each way wrote the parts that the first one did."""
    with chosen.text.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in islice(file, chosen.lines)]
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(lines)))
    tokens = sum(len(tokenize(line)) for line in lines)
    tag = [sys.executable, "-m", "nerve.cli", "tag", str(corpus), "--model", chosen.model]
    tag += ["--part-bytes", str(chosen.part_bytes), "--output"]
    line = folder / "line.txt"
    line.write_text("Ada Lovelace wrote to London.\n")
    start = _run([sys.executable, "-m", "nerve.cli", "tag", str(line), "--model", chosen.model])
    load = os.getloadavg()[0]
    print(f"{len(lines):,} lines, {tokens:,} tokens, load average {load:.1f}")
    print(f"a process that tags one line takes {start.seconds:.1f} s, {start.cpu_seconds:.1f} s of CPU\n")
    print("| | seconds | tokens/s | CPU, s | CPU without starts, us a token | peak, MB | equal parts |")
    print("|---|---:|---:|---:|---:|---:|---|")

    figures: dict[str, dict[str, float]] = {}

    def row(name: str, ended: Ended, output: Path, starts: int, share: float = 1.0) -> bool:
        equal = _digests(output) == _digests(folder / "one")
        speed = share * tokens / ended.seconds
        cpu = 1e6 * (ended.cpu_seconds - starts * start.cpu_seconds) / (share * tokens)
        print(f"| {name} | {ended.seconds:.1f} | {speed:,.0f} | {ended.cpu_seconds:.1f} | {cpu:.1f} ", end="")
        print(f"| {ended.peak_bytes / 1e6:.0f} | {'yes' if equal else 'NO'} |", flush=True)
        figures[name] = {"tokens/s": speed, "CPU without starts, us a token": cpu, "peak bytes": ended.peak_bytes}
        return equal

    yield row("1 process", _run([*tag, str(folder / "one"), "--jobs", "1"]), folder / "one", 1)
    yield row("2 processes", _run([*tag, str(folder / "two"), "--jobs", "2"]), folder / "two", 2)
    about = {"load average": load, "tokens": tokens, "words": sum(len(line.split()) for line in lines)}
    of_count = {name.partition(" ")[0]: row for name, row in figures.items()}
    RESULTS.write_text(json.dumps({**about, "processes": of_count}, indent=1) + "\n", encoding="utf-8")
    shards = [[*tag, str(folder / "shards"), "--jobs", "1", "--shard", shard] for shard in ("1/2", "2/2")]
    yield row("2 shards at once", _run(*shards), folder / "shards", 2)
    killed = [*tag, str(folder / "killed"), "--jobs", "2"]
    stood = _kill_in_the_middle(killed, folder / "killed", len(_digests(folder / "one")) // 2)
    left = 1 - stood / len(_digests(folder / "one"))
    yield row(f"the rest, after SIGKILL at {stood} parts", _run(killed), folder / "killed", 2, left)
    if importlib.util.find_spec("ray"):
        loads = _on_ray([*tag[:4], str(line), *tag[5:], str(folder / "ray line"), "--jobs", "1", "--engine", "ray"])
        for count in (1, 2):
            output = folder / f"ray {count}"
            begun = time.perf_counter()
            cpu_seconds = _on_ray([*tag, str(output), "--jobs", str(count), "--engine", "ray"])
            ended = Ended(time.perf_counter() - begun, cpu_seconds - count * loads, 0)
            yield row(f"{count} actors of Ray, without loads", ended, output, 0)
        seconds = _ray_data(lines, chosen.model, folder)
        print(f"\nRay Data, 1 actor after its load: {1e6 * seconds / tokens:.1f} us of CPU a token", flush=True)


def _on_ray(command: Sequence[str]) -> float:
    """Run a command with `--engine ray`: the CPU seconds of its actors, which are no children of it.

    Raises:
        RuntimeError: the command fails.
    """
    before, spent = _actors(), dict[int, float]()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            spent |= _actors()
            time.sleep(POLL_SECONDS)
    if process.returncode:
        raise RuntimeError(f"a command ended with {process.returncode}")
    return sum(seconds for number, seconds in spent.items() if number not in before)


def _actors() -> dict[int, float]:
    """The CPU seconds so far of each process that is an actor of ours, as Ray names them."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if (folder / "cmdline").read_bytes().startswith(b"ray::_Worker"):
                times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
                found[int(folder.name)] = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return found


def _ray_data(lines: Sequence[str], model: str, folder: Path) -> float:
    """The CPU seconds that an actor of Ray Data takes for all lines, without its start."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import ray  # type: ignore[import-not-found, unused-ignore]

    pq.write_table(pa.table({"text": lines}), folder / "lines.parquet")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    times = ray.data.read_parquet(str(folder / "lines.parquet")).map_batches(
        Timed,
        fn_constructor_args=(model,),
        compute=ray.data.ActorPoolStrategy(size=1),
        num_cpus=1,
        batch_size=1024,
        batch_format="pyarrow",
    )
    spent = max(row["seconds"] for row in times.iter_rows())
    ray.shutdown()
    return float(spent)


def _memory(chosen: argparse.Namespace, folder: Path) -> None:
    """Print the peak memory of a small and of a large input, in JSON lines and in Parquet with one row group."""
    print("\n| input, MB | peak to a folder, MB | peak to standard output, MB | peak from Parquet to Parquet, MB |")
    print("|---:|---:|---:|---:|")
    for megabytes in (chosen.megabytes // 16, chosen.megabytes):
        source = folder / f"{megabytes}.jsonl"
        texts = cycle(["Ada Lovelace wrote to London.", "They met in Paris.", "No names here."])
        with source.open("w") as file:
            for text in islice(texts, megabytes * 1_000_000 // OTHER_FIELD_BYTES):
                file.write(json.dumps({"other": "x" * OTHER_FIELD_BYTES, "text": text}) + "\n")
        tag = [sys.executable, "-m", "nerve.cli", "tag", str(source), "--model", chosen.model]
        to_folder = _run([*tag, "--output", str(folder / f"{megabytes}"), "--jobs", "1"])
        to_stdout = _run(tag)
        table = _as_parquet(source)
        tag[4] = str(table)
        to_parquet = _run([*tag, "--to", "parquet", "--output", str(folder / f"{megabytes}-parquet"), "--jobs", "1"])
        peaks = (ended.peak_bytes / 1e6 for ended in (to_folder, to_stdout, to_parquet))
        print(f"| {megabytes} | {' | '.join(f'{peak:.0f}' for peak in peaks)} |", flush=True)
        source.unlink()
        table.unlink()


def _as_parquet(source: Path) -> Path:
    """Write JSON lines as Parquet with one row group, in a process of its own, which takes memory for all of it."""
    program = "import sys, pyarrow.json as j, pyarrow.parquet as p; "
    program += "t = j.read_json(sys.argv[1]); "
    program += "p.write_table(t, sys.argv[2], compression='none', use_dictionary=False, row_group_size=len(t))"
    path = source.with_suffix(".parquet")
    _run([sys.executable, "-c", program, str(source), str(path)])
    return path


def _run(*commands: Sequence[str]) -> Ended:
    """Run commands at once, and wait for all. Raises RuntimeError if one fails."""
    begun = time.perf_counter()
    cpu, peak = 0.0, 0
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"a command ended with {process.returncode}")
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss * 1024)
    return Ended(time.perf_counter() - begun, cpu, peak)


def _kill_in_the_middle(command: Sequence[str], output: Path, parts: int) -> int:
    """Kill a command with its processes when so many parts are there: how many there were."""
    with subprocess.Popen(command, start_new_session=True) as process:
        while process.poll() is None and len(_digests(output)) < parts:
            time.sleep(POLL_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    return len(_digests(output))


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("part-*")}


if __name__ == "__main__":
    sys.exit(main())
