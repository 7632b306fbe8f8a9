"""Kills a training at random moments, export included, until it has ended; prints whether it left the same weights.

    python -m bench.faults.kill --kills 30

The corpus is generated, so that a training takes seconds. Exit status 1 if the weights differ or anything is left.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.faults.sigterm import exit_on_sigterm, started
from nerve.model.archive import load

CORPUS = "\n\n".join(
    f"{name}\tB-PER\nvisited\tO\n{place}\tB-LOC\n.\tO"
    for name in ("Anna", "Boris", "Clara", "Dmitri", "Elena", "Frank")
    for place in ("Paris", "Lagos", "Oslo", "Lima", "Quito", "Bonn")
)
SMALL = (
    *("--hidden-size", "16", "--word-size", "16", "--affix-size", "8", "--character-size", "8"),
    *("--character-filters", "8", "--batch-size", "4", "--epochs", "6", "--epoch-steps", "1", "--device", "cpu"),
)


@exit_on_sigterm()
def main(arguments: Sequence[str]) -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.kill", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole", "mine.pt"), Path(folder, "killed", "mine.pt")
        Path(folder, "corpus.conll").write_text(CORPUS + "\n", encoding="utf-8")
        begun = time.monotonic()
        with training(whole) as process:
            process.wait()
        seconds, kills, wrong = time.monotonic() - begun, 0, 0
        while kills < options.kills:
            # The last moments are those of the export, and a resumed training reaches it sooner.
            with training(killed) as process:
                try:
                    process.wait(moments.uniform(0.4, 1.0) * seconds)
                except subprocess.TimeoutExpired:
                    kills += 1
                    continue
            wrong += not as_the_other(killed, whole)
            for file in killed.parent.iterdir():
                file.unlink()
        with training(killed) as process:
            process.wait()
        wrong += not as_the_other(killed, whole)
    print(f"{kills} kills; {wrong} trainings ended with other weights or left something over")
    return 1 if wrong else 0


@contextmanager
def training(output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a training, or continue the one that was killed; after the block it is killed if it has not ended."""
    corpus = str(output.parents[1] / "corpus.conll")
    command = ["-m", "nerve.training.train", "--train", corpus, "--dev", corpus, "--output", str(output), *SMALL]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *command]
    with started(words, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def as_the_other(path: Path, other: Path) -> bool:
    """Whether two trainings left the same weights and the same files, temporary ones included."""
    if {file.name for file in path.parent.iterdir()} != {file.name for file in other.parent.iterdir()}:
        return False
    weights, others = load(path).weights, load(other).weights
    return weights.keys() == others.keys() and all(weights[name].equal(others[name]) for name in weights)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
