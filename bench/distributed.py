"""Training on several processes: tokens a second with so many sentences for each, beside those of one process.

    python -m bench.distributed --data-dir originals

`torchrun` starts one process and then several, in turns. Each takes the first steps of a training on conll2003 with
the default network, one thread a process. Seconds are those of the clock, because processes wait for each other: with
other programs on the same cores the figures mean little, so the load average stands beside them.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.options import timing_parser
from bench.train import conll2003
from nerve.training.data.batches import shares
from nerve.training.learn.distributed import joined
from nerve.training.learn.trainer import Trainer

RESULTS = Path(__file__).parent / "results" / "distributed.json"
WARM_UP_STEPS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and keep it; return the exit status."""
    options = parse(arguments)
    if options.worker:
        work(options)
        return 0
    load = os.getloadavg()[0]
    rounds = [{count: measured(options, count) for count in (1, options.processes)} for _ in range(options.rounds)]
    speeds = {count: median(one[count] for one in rounds) for count in rounds[0]}
    print(f"{options.sentences} sentences a process, load average {load:.1f} before\n")
    print("| processes | tokens/s | |\n|---:|---:|---:|")
    for count, speed in speeds.items():
        print(f"| {count} | {speed:,.0f} | {speed / speeds[1]:.2f} x |")
    if not options.no_results:
        about = {"sentences a process": options.sentences, "load average": load, "torch": torch.__version__}
        figures: dict[str, Any] = {**about, "tokens/s by processes": speeds}
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = timing_parser("bench.distributed", "Time training on several processes.", rounds=3)
    parser.add_argument("--processes", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--sentences", type=int, default=64, help="of a process in a step (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=60, help="that are timed (default: %(default)s)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace, count: int) -> float:
    """Tokens a second of `count` processes together."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    flags = ["--sentences", str(options.sentences), "--steps", str(options.steps)]
    if options.data_dir:
        flags += ["--data-dir", str(options.data_dir)]
    command = [*torchrun, "-m", "bench.distributed", "--worker", *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return float(run.stdout)


def work(options: argparse.Namespace) -> None:
    """One of the processes that `torchrun` starts; the first prints the speed of all."""
    torch.set_num_threads(1)
    with joined("cpu") as processes:
        task = conll2003(options.data_dir)
        trainer = Trainer(task.tagger, task.settings.training, 10_000, "cpu", processes)
        batches = shares(task.examples, options.sentences * processes.count, 1, processes.rank, processes.count)
        for _ in range(WARM_UP_STEPS):
            trainer.step(next(batches))
        tokens, begun = 0, time.perf_counter()
        for _ in range(options.steps):
            share = next(batches)
            trainer.step(share)
            tokens += int(share.inputs.lengths.sum()) if share is not None else 0
        together = processes.total(tokens)
        if processes.first:
            print(together / (time.perf_counter() - begun), flush=True)


if __name__ == "__main__":
    sys.exit(main())
