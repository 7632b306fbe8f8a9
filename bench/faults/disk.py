"""Trains on a disk that is full, and again when there is room; prints what the training says and leaves.

    python -m bench.faults.disk

First the disk is a folder in which no file may have more than so many bytes (RLIMIT_FSIZE), which needs no rights;
then, for root, a real file system of so many bytes. Exit status 1 if a training leaves anything else than it should,
or says more than one line of an error.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.faults.kill import CORPUS, SMALL
from bench.faults.sigterm import exit_on_sigterm, started
from bench.faults.small_disk import small_disk

# Sizes, and the exit status of a training there: too small for a checkpoint; enough for one, and too small for the
# archive's pictures; enough for all.
FILES = ((10_000, 1), (100_000, 1), (250_000, None), (10_000_000, 0))
DISKS = ((16_384, 1), (131_072, 1), (393_216, None), (16_777_216, 0))


@exit_on_sigterm()
def main() -> int:
    """The program; returns its exit status."""
    held = True
    with tempfile.TemporaryDirectory() as folder:
        corpus, output = Path(folder, "corpus.conll"), Path(folder, "out", "mine.pt")
        corpus.write_text(CORPUS + "\n", encoding="utf-8")
        for size, status in FILES:
            held &= ends_well(f"files of {size:,} bytes", train(corpus, output, size), output, status)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as disk:
        corpus, output = Path(folder, "corpus.conll"), Path(disk, "mine.pt")
        corpus.write_text(CORPUS + "\n", encoding="utf-8")
        try:
            with small_disk(Path(disk), DISKS[0][0]) as resize:
                for size, status in DISKS:
                    resize(size)
                    held &= ends_well(f"a disk of {size:,} bytes", train(corpus, output), output, status)
        except PermissionError as error:
            print(f"no disk of a size: {error}")
    return int(not held)


def train(corpus: Path, output: Path, size: int = resource.RLIM_INFINITY) -> subprocess.CompletedProcess[str]:
    """Train where no file may become larger than `size` bytes."""
    command = ["-m", "nerve.training.train", "--train", str(corpus), "--dev", str(corpus), "--output", str(output)]
    with started(
        [sys.executable, *command, *SMALL, "--restart"],  # one of the middle size may have ended well
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        printed, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(command, process.returncode, printed, errors)


def ends_well(where: str, done: subprocess.CompletedProcess[str], output: Path, status: int | None) -> bool:
    """Print what a training said and left; return whether that is what it should."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("nerve train: ")]
    left = [file.name for file in output.parent.glob(".*")]
    print(f"{where}: exit {done.returncode}, left {left or 'nothing'}, {'; '.join(errors) or 'no error'}", flush=True)
    good = done.returncode in (0, 1) and len(errors) == done.returncode and not left
    return good and status in (None, done.returncode) and "Traceback" not in done.stderr


if __name__ == "__main__":
    sys.exit(main())
