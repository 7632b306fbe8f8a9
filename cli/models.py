"""`nerve models`: lists the bundled models, or describes others, from what their archives say."""

import argparse
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nerve import ArchiveError, streams
from nerve.cli.options import MODEL
from nerve.model import bundled

WIDTH = 100

EXAMPLES = """\
examples:
  nerve models                       list the bundled models
  nerve models mine.pt --json        print all that a model of your own says, as JSON
"""


def main(arguments: Sequence[str]) -> int:
    """Run `nerve models` and return its exit status."""
    options = parse(arguments)
    try:
        paths = list(map(bundled.locate, options.models)) or list(bundled.available().values())
        models = list(map(describe, paths))
    except ArchiveError as error:
        streams.complain(f"nerve models: {error}")
        return 1
    print(json.dumps(models, indent=2, ensure_ascii=False) if options.json else _listing(models))
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="nerve models",
        description="List the bundled models, or describe the models that are given.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help=MODEL)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def describe(path: Path) -> dict[str, Any]:
    """Read what an archive says of itself. Raises ArchiveError."""
    from nerve.model.contents import read_contents

    metadata = read_contents(path).metadata
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


def _listing(models: Sequence[dict[str, Any]]) -> str:
    return "\n\n".join(map(_entry, models)) or "no bundled models are installed"


def _entry(model: dict[str, Any]) -> str:
    facts = [
        ("language", model["language"]),
        ("labels", ", ".join(model["labels"])),
        ("size", f"{model['bytes'] / 1e6:.1f} MB"),
        ("licence", model["licence"]),
        ("file", model["file"]),
        *(("micro F1", f"{score:6.2f}  {split}") for split, score in model["f1"].items()),
    ]
    lines = [f"  {name:<9} {fact}" for name, fact in facts]
    about = f"{model['name']}: {model['description']}".removesuffix(": ")
    return "\n".join([*textwrap.wrap(about, WIDTH), *lines])
