"""The options of `nerve tag`: which there are, which of them contradict each other, and what the output means."""

import argparse
from collections.abc import Sequence

from nerve.bulk import compression, output, parts, writers
from nerve.bulk.output import File
from nerve.bulk.storage import local
from nerve.cli import options
from nerve.model.annotation import MIN_SCORE
from nerve.patterns import NAMES, REGIONS
from nerve.tagger import DEVICES

STANDARD_INPUT = "-"
ENGINES = ("local", "ray")

EXAMPLES = """\
examples:
  nerve tag letters.txt                               in colour on a terminal, otherwise as JSON lines
  nerve tag --unit paragraph book.txt --to inline     one text is a paragraph
  nerve tag posts.jsonl --text-field body --to jsonl  the other fields are kept
  nerve tag posts.csv.gz --text-column body           a row becomes a JSON line
  nerve tag tokens.conll --to conll                   the tokens of the file are tagged as they are
  tail -f log | nerve tag - --line-buffered           each line is written before the next is read
  nerve tag letters.txt --labels PER,ORG --min-score 0.8 | jq -r '.ents[].text' | sort | uniq -c
  nerve tag corpus/ --output tagged/                  on all cores; the same command goes on after an interruption
  nerve tag corpus/ --output tagged/ --shard 1/2      half of it; another machine does --shard 2/2
  nerve tag posts/ --output rows/ --to parquet        other columns keep their types
  nerve tag posts/ --output rows.parquet              the same in one file; also rows.jsonl.gz
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Returns:
        The options. `output` is an `Output`, or None for the standard output; with one, `to` says its format.

    Raises:
        BulkError: the name of the output is that of a file that cannot be written.
        SystemExit: with 2, if the command line makes no sense; stderr has the usage and a line that says why.
    """
    parser = argparse.ArgumentParser(
        prog="nerve tag",
        description="Find the entities in files or a stream. Input and output are UTF-8; offsets count code points.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_input(parser.add_argument_group("input").add_argument)
    _add_tagging(parser.add_argument_group("tagging").add_argument)
    _add_output(parser.add_argument_group("output").add_argument)
    _add_corpus(parser.add_argument_group("output of a corpus").add_argument)
    chosen = parser.parse_args(arguments)
    if chosen.source == "parquet" and STANDARD_INPUT in chosen.files:
        parser.error("--from parquet: standard input cannot be read from its end; name files or folders")
    if chosen.output is not None:
        chosen.output = output.named(chosen.output)
        if fault := _output_fault(chosen):
            parser.error(f"--output: {fault}")
        chosen.to = chosen.to or chosen.output.form
    elif chosen.to == "parquet":
        parser.error("--to parquet needs --output")
    elif unused := [name for name in ("jobs", "engine", "shard", "part_bytes") if getattr(chosen, name) is not None]:
        parser.error(f"--{unused[0].replace('_', '-')} needs --output")
    return chosen


def _output_fault(chosen: argparse.Namespace) -> str:
    """What contradicts `--output`; empty if nothing does."""
    if STANDARD_INPUT in chosen.files:
        return "standard input cannot be cut into parts; name files or folders"
    if chosen.line_buffered:
        return "--line-buffered is for the standard output"
    if chosen.to == "inline":
        return "--to inline is for the standard output"
    if isinstance(chosen.output, File):
        if chosen.to not in (None, chosen.output.form):
            return f"{chosen.output.name} is a file of {chosen.output.form} by its name, not of {chosen.to}"
        if chosen.shard is not None:
            return f"shards write parts into a folder, not a file; {chosen.output.name}/ is a folder"
    return ""


def _add_input(add: options.Add) -> None:
    add(
        "files",
        nargs="*",
        default=[STANDARD_INPUT],
        metavar="FILE",
        help="files, folders, globs or URLs to read, also compressed (.gz, .bz2, .xz, .zst); "
        "- (the default) is standard input",
    )
    options.add_reading(add)
    add(
        "--strict",
        action="store_true",
        help="end at the first line that cannot be read (default: write an error line in its place)",
    )


def _add_tagging(add: options.Add) -> None:
    add(
        "--model",
        default="en",
        help=f"{options.MODEL}, or auto: the bundled model for the language of each sentence (default: %(default)s)",
    )
    add(
        "--weights-only",
        action="store_true",
        help="read the model as data and run no program in it: for a model that you do not trust",
    )
    add("--labels", type=options.labels, metavar="A,B,…", help="write only entities with these labels")
    add(
        "--min-score",
        type=options.min_score,
        default=MIN_SCORE,
        metavar="P",
        help="write only entities with at least this score, or with that of their label, as in PER=0.7,ORG=0.4; "
        "0 for all (default: %(default)s)",
    )
    add(
        "--patterns",
        type=options.patterns,
        default=(),
        metavar="A,B,…",
        help=f"find addresses and numbers as well: all, or some of {','.join(NAMES)} (default: none)",
    )
    add(
        "--phone-regions",
        type=options.phone_regions,
        default=REGIONS,
        metavar="A,B,…",
        help=f"whose telephone numbers are found without a country code (default: {','.join(REGIONS)})",
    )
    add(
        "--no-context",
        dest="context",
        action="store_false",
        help="tag each sentence as if it were alone (default: the sentences of a text share what they say of a word)",
    )
    add("--device", choices=DEVICES, default="auto", help="where the model runs (default: %(default)s)")
    add(
        "--threads",
        type=options.positive,
        default=1,
        metavar="N",
        help="CPU threads of each process (default: %(default)s)",
    )


def _add_output(add: options.Add) -> None:
    add("--to", choices=writers.FORMATS, help="format of the output (default: inline on a terminal, otherwise jsonl)")
    add(
        "--ents-field",
        default="ents",
        metavar="NAME",
        help="field of a JSON object, or column of Parquet, that the entities are written to (default: %(default)s)",
    )
    add(
        "--color",
        choices=options.COLOURS,
        default="auto",
        help="colours in inline output (default: auto, which means on a terminal)",
    )
    add("--line-buffered", action="store_true", help="write each text before the next is read; this is slower")
    add("--quiet", action="store_true", help="do not show the progress")


def _add_corpus(add: options.Add) -> None:
    add(
        "--output",
        type=local,
        metavar="NAME",
        help=f"write into this file ({', '.join(f'.{form}' for form in output.FORMATS)}; the first two also "
        f"{', '.join(compression.SUFFIXES)}) or, by any other name, into a folder of parts; a path or URL. "
        "What is there is not made again",
    )
    add("--jobs", type=options.positive, metavar="N", help="processes (default: a process for each core)")
    add(
        "--engine",
        choices=ENGINES,
        help="who runs the processes: nerve itself (default), or Ray, here or on a cluster",
    )
    add(
        "--shard",
        type=options.shard,
        metavar="I/N",
        help="make only every N-th part from the I-th on, in a folder; other machines make the others",
    )
    add(
        "--part-bytes",
        type=options.positive,
        metavar="N",
        help=f"bytes of input in a part (default: {parts.PART_BYTES})",
    )
