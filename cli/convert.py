"""`nerve convert`: writes an annotated file in another format."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nerve import streams
from nerve.training import reading
from nerve.training.data.formats import WRITERS, FormatError, load
from nerve.training.data.formats.lines import refuse_empty

PROGRAM = "nerve convert"
EXAMPLES = """\
examples:
  nerve convert project.json train.conll --to columns      Label Studio's export as CoNLL columns
  nerve convert brat/ tasks.jsonl --to doccano              a folder of brat as doccano's JSON lines
  nerve convert old.jsonl new.jsonl --to doccano --offsets utf16   the same texts with offsets in code points
"""


def main(arguments: Sequence[str]) -> int:
    """Run `nerve convert` and return its exit status."""
    chosen = parse(arguments)
    try:
        line = convert(chosen)
    except (FormatError, ValueError) as error:
        streams.complain(f"{PROGRAM}: {error}")
        return 1
    print(line)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 and a usage line if it makes no sense."""
    formats = "\n".join(f"  {name:<15}{writer.about}" for name, writer in WRITERS.items())
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Write an annotated file in another format. The input's format is found out by its content.",
        epilog=f"formats:\n{formats}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", type=Path, metavar="IN", help="an annotated file, or a folder of such files")
    parser.add_argument("output", type=Path, metavar="OUT", help="the file to write; for brat, the folder")
    parser.add_argument("--to", required=True, choices=WRITERS, metavar="FORMAT", help="one of the formats below")
    reading.add(parser.add_argument_group("how to read what a file does not say of itself").add_argument)
    return parser.parse_args(arguments)


def convert(chosen: argparse.Namespace) -> str:
    """Write the output, and say in one line what it holds.

    Raises:
        FormatError: The input cannot be read without a fault, or a package is missing.
        ValueError: A token cannot stand in the output's format.
    """
    loaded = load(chosen.input, reading.reading(chosen))
    documents = loaded.faultless()
    refuse_empty(chosen.input, [document for document in documents if document.sentences()])
    WRITERS[chosen.to].write(chosen.output, documents)
    spans = sum(len(document.as_text().spans) for document in documents)
    return f"{chosen.output}: {chosen.to}, {len(documents):,} texts with {spans:,} names, from {loaded.format}"
