"""Trains on a disk that is full, and again when there is room; prints what the training says and leaves.

    python -m bench.faults.disk

The disk is a folder in which no file may have more than so many bytes (RLIMIT_FSIZE), which needs no rights. Exit
status 1 if a training leaves anything else than it should, or says more than one line of an error.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.faults.kill import CORPUS, SMALL


def main() -> int:
    """The program; returns its exit status."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        corpus, output = Path(folder, "corpus.conll"), Path(folder, "out", "mine.pt")
        corpus.write_text(CORPUS + "\n", encoding="utf-8")
        # Too small for a checkpoint; enough for one, and too small for the archive's pictures; enough for all.
        for size, status in ((10_000, 1), (100_000, 1), (250_000, None), (10_000_000, 0)):
            done = train(corpus, output, size)
            errors = [line for line in done.stderr.splitlines() if line.startswith("nerve train: ")]
            left = [file.name for file in output.parent.glob(".*")]
            good = done.returncode in (0, 1) and len(errors) == done.returncode and not left
            good = good and status in (None, done.returncode) and "Traceback" not in done.stderr
            wrong += not good
            print(
                f"{size:,} bytes: exit {done.returncode}, left {left or 'nothing'}, {'; '.join(errors) or 'no error'}"
            )
    return 1 if wrong else 0


def train(corpus: Path, output: Path, size: int) -> subprocess.CompletedProcess[str]:
    """Train where no file may become larger than `size` bytes."""
    command = ["-m", "nerve.training.train", "--train", str(corpus), "--dev", str(corpus), "--output", str(output)]
    return subprocess.run(
        [sys.executable, *command, *SMALL],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
