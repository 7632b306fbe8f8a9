"""The options that the benches share."""

import argparse
from pathlib import Path

MODEL = Path(__file__).parent.parent / "models" / "en.pt"


def timing_parser(module: str, description: str, *, rounds: int) -> argparse.ArgumentParser:
    """A bench's parser: where the corpora are, how often a figure is taken, whether it is kept."""
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("--data-dir", type=Path, metavar="DIR", help="read datasets from DIR/NAME/FILE")
    made.add_argument("--rounds", type=int, default=rounds, help="how often each figure is taken; the median counts")
    made.add_argument("--no-results", action="store_true", help="only print")
    return made


def tagging_parser(module: str, description: str, *, rounds: int) -> argparse.ArgumentParser:
    """The same for a bench that tags sentences of CoNLL-2003's test set."""
    made = timing_parser(module, description, rounds=rounds)
    made.add_argument("--model", type=Path, default=MODEL, metavar="FILE", help="the archive to time")
    made.add_argument("--sentences", type=int, default=1000, help="how many sentences of the test set")
    return made
