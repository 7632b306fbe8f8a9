"""Check the answers to any Unicode text with many more texts than the test suite takes.

    python -m bench.faults.texts --examples 1000000

Runs tests/service/test_any_text.py in rounds, each with a seed of its own, and stops at the first that fails.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.faults.sigterm import started

ROOT = Path(__file__).resolve().parents[2]
TESTS = "tests/service/test_any_text.py"
# Of the profile `many` in tests/conftest.py, and the tests that take so many.
EXAMPLES_OF_A_TEST = 5_000
TESTS_OF_A_ROUND = 10
EXAMPLES_OF_A_ROUND = EXAMPLES_OF_A_TEST * TESTS_OF_A_ROUND


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.texts", description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=EXAMPLES_OF_A_ROUND, help="how many, rounded up to a round")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first round")
    parser.add_argument("--seconds", type=float, default=36_000, help="begin no round after these")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds that the command line asks for; return the exit status."""
    options = parse(arguments)
    begun, done, seed = time.monotonic(), 0, options.seed
    while done < options.examples and time.monotonic() - begun < options.seconds:
        words = [sys.executable, "-m", "pytest", TESTS, "--hypothesis-profile", "many", f"--hypothesis-seed={seed}"]
        with started(words, cwd=ROOT) as process:
            status = process.wait()
        if status:
            print(f"the round with seed {seed} failed, after {done:,} examples that held")
            return 1
        done, seed = done + EXAMPLES_OF_A_ROUND, seed + 1
        print(f"{done:,} examples held, {time.monotonic() - begun:,.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
