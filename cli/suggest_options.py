"""The arguments of `nerve suggest`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nerve.cli import options
from nerve.model import bundled
from nerve.model.annotation import MIN_SCORE
from nerve.tagger import DEVICES
from nerve.training.suggest.tasks import TOOLS

PROGRAM = "nerve suggest"
LIMIT = 100

EXAMPLES = """\
examples:
  nerve suggest mine.pt texts.txt --to label-studio > tasks.json     the 100 lines that mine.pt is least sure of
  nerve suggest mine.pt posts.jsonl --to doccano --annotated my.train.jsonl --annotated my.dev.jsonl --limit 50
  nerve suggest mine.pt letters/ --unit paragraph --to prodigy --output tasks.jsonl
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Choose the texts that a model is most uncertain of, and write them as tasks of an annotation "
        "tool, with the names that the model finds as a first annotation. The best texts come first.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("archive", type=bundled.resolve, metavar="ARCHIVE", help=options.MODEL)
    add(
        "texts",
        nargs="+",
        metavar="TEXTS",
        help="files, folders or globs with texts, also compressed (.gz, .bz2, .xz, .zst)",
    )
    add("--to", required=True, type=_tool, choices=TOOLS, help="the annotation tool: %(choices)s")
    add("--output", type=Path, metavar="FILE", help="the file of the tasks (default: standard output)")
    add(
        "--limit",
        type=options.positive,
        default=LIMIT,
        metavar="N",
        help="how many texts to choose (default: %(default)s)",
    )
    add(
        "--annotated",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an annotated file whose texts are not to be chosen again; may be repeated",
    )
    add(
        "--min-score",
        type=options.probability,
        default=MIN_SCORE,
        metavar="P",
        help="the first annotation has names with at least this score (default: %(default)s)",
    )
    options.add_reading(add)
    add("--device", choices=DEVICES, default="auto", help="where the model runs (default: %(default)s)")
    add("--quiet", action="store_true", help="do not show the progress")
    return parser.parse_args(arguments)


def _tool(name: str) -> str:
    return "label-studio" if name == "labelstudio" else name
