"""`nerve data`: says what annotated files hold and what is wrong with them, and mends copies."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from nerve import streams
from nerve.training import reading
from nerve.training.data.formats import FormatError
from nerve.training.data.quality import mending, report
from nerve.training.data.quality.examined import examine
from nerve.training.data.quality.findings import ERROR, findings

PROGRAM = "nerve data"
EXAMPLES = """\
examples:
  nerve data train.jsonl dev.jsonl        counts, labels, lengths, and all findings with file and line
  nerve data train.jsonl dev.jsonl --fix  writes train.clean.jsonl and a report of every change

The exit status is 0 if training makes sense, 1 if not.
"""


def main(arguments: Sequence[str]) -> int:
    """Run `nerve data` and return its exit status."""
    chosen = parse(arguments)
    how = reading.reading(chosen)
    files = examine(chosen.files, how)
    found = findings(files)
    if chosen.json:
        print(json.dumps(report.to_json(files, found), ensure_ascii=False, indent=2))
    else:
        places = max((len(finding.places) for finding in found), default=0) if chosen.all else 3
        print(report.text(files, found, places=places))
    if chosen.fix:
        try:
            for copy in mending.clean(files, how):
                changes = "1 change" if len(copy.changes) == 1 else f"{len(copy.changes):,} changes"
                streams.complain(f"{copy.path}: {copy.format}, {changes}, listed in {copy.report}")
        except (FormatError, ValueError) as error:
            streams.complain(f"{PROGRAM}: {error}")
            return 1
    return int(any(finding.severity == ERROR for finding in found))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Say what annotated files hold and what is wrong with them. The formats are found out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="the file to train on, then those that are held out"
    )
    parser.add_argument("--fix", action="store_true", help="write a cleaned copy of each file, and what was changed")
    parser.add_argument("--all", action="store_true", help="show every place of a finding, not the first three")
    parser.add_argument("--json", action="store_true", help="print JSON")
    reading.add(parser.add_argument_group("how to read what a file does not say of itself").add_argument)
    return parser.parse_args(arguments)
