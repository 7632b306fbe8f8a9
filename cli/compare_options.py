"""The arguments of `nerve compare`."""

import argparse
from collections.abc import Sequence

from nerve.cli import held_out_options

PROGRAM = "nerve compare"
EXAMPLES = """\
examples:
  nerve compare en mine.pt my.test.jsonl                        both F1, and the sentences that one alone gets right
  nerve compare old.pt new.pt my.test.jsonl --limit 20          only twenty sentences of each kind
  nerve compare old.pt new.pt my.test.jsonl --output who.html   a page to look through, which needs no network
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Compare two models on an annotated file that neither was trained on: the F1 of both, their "
        "difference with an interval in which 95 % of resampled files have it, and the sentences that one alone gets "
        "right.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    held_out_options.add_archive(parser, "a")
    held_out_options.add_archive(parser, "b")
    held_out_options.add_file(parser)
    held_out_options.add_output(parser)
    return parser.parse_args(arguments)
