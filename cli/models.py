"""`nerve models`: the archives that come along, or others, with what they say of themselves."""

import argparse
import json
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nerve.cli.archives import bundled, find
from nerve.cli.errors import CommandError

WIDTH = 100

EXAMPLES = """\
examples:
  nerve models                       those that come along
  nerve models mine.pt --json        one of your own, all that it says
"""


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = parse(arguments)
    try:
        rows = [describe(path) for path in ([find(model) for model in options.models] or bundled())]
    except CommandError as error:
        print(f"nerve models: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rows, indent=2, ensure_ascii=False) if options.json else _listing(rows))
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line when it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="nerve models",
        description="The archives that come along, or those that are named, with what they say of themselves.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="an archive, or the name of one that comes along")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser.parse_args(arguments)


def describe(path: Path) -> dict[str, Any]:
    """Raises CommandError."""
    from nerve.model.archive import ArchiveError, read_metadata

    try:
        metadata = read_metadata(path)
    except ArchiveError as error:
        raise CommandError(str(error)) from None
    return {
        "name": metadata.name,
        "language": metadata.language,
        "labels": list(metadata.labels),
        "bytes": path.stat().st_size,
        "licence": metadata.licence,
        "description": metadata.description,
        "f1": {split: score["f1"] for split, score in metadata.scores.items() if "f1" in score},
        "file": str(path),
    }


def _listing(rows: Sequence[dict[str, Any]]) -> str:
    return "\n\n".join(map(_entry, rows)) or "no model comes along"


def _entry(row: dict[str, Any]) -> str:
    facts = [
        ("language", row["language"]),
        ("labels", ", ".join(row["labels"])),
        ("size", f"{row['bytes'] / 1e6:.1f} MB"),
        ("licence", row["licence"]),
        ("file", row["file"]),
        *(("micro F1", f"{score:6.2f}  {split}") for split, score in row["f1"].items()),
    ]
    lines = [f"  {name:<9} {fact}" for name, fact in facts]
    about = f"{row['name']}: {row['description']}".removesuffix(": ")
    return "\n".join([*textwrap.wrap(about, WIDTH), *lines])
