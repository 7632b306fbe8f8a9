"""The arguments of `nerve thresholds`."""

import argparse
from collections.abc import Sequence

from nerve.cli import held_out_options, options

PROGRAM = "nerve thresholds"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Print precision and recall by min_score for each label, measured on an annotated file, and the "
        "lowest min_score with the wished precision.",
        allow_abbrev=False,
    )
    held_out_options.add_archive(parser)
    held_out_options.add_file(parser)
    parser.add_argument(
        "--precision",
        type=options.probability,
        default=0.95,
        metavar="P",
        help="the wished share of right names (default: %(default)s)",
    )
    return parser.parse_args(arguments)
