"""The arguments of `nerve errors`."""

import argparse
from collections.abc import Sequence

from nerve.cli import held_out_options

PROGRAM = "nerve errors"
EXAMPLES = """\
examples:
  nerve errors mine.pt my.dev.jsonl                          every wrong sentence, in colour on a terminal
  nerve errors mine.pt my.dev.jsonl --output errors.html     a page to look through, which needs no network
  nerve errors mine.pt my.dev.jsonl --output errors.jsonl    a wrong sentence a line
  nerve errors mine.pt my.dev.jsonl --labels PER --limit 20  only persons, and only the 20 surest sentences
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Show every sentence of an annotated file in which a model is wrong. Those first where the model "
        "is surest: look whether the annotation is the mistake.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    held_out_options.add_archive(parser)
    held_out_options.add_file(parser)
    held_out_options.add_output(parser)
    return parser.parse_args(arguments)
