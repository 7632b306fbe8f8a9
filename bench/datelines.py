"""Marks where a document begins in the Spanish files of CoNLL-2002, which do not say it.

    python -m bench.datelines accuracy.work/conll2002_es.txt accuracy.work/conll2002_es.dev.txt

They are reports of the agency EFE, and each begins with a dateline: `La Coruña , 23 may ( EFECOM ) .`, which may
stand behind a headline. The files get a line `-DOCSTART-` before each such sentence; their sentences and tags stay as
they are. No tag is looked at.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nerve.model.annotation import Sentence
from nerve.training.data.formats import Document, FormatError, load, write_copy

AGENCY = "EFE"
"""The agency; its services are called EFECOM, EFE-Cantabria and the like."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Mark the documents of each file; return the exit status."""
    for path in parse(arguments).files:
        try:
            source = load(path)
            documents = list(divided(source.faultless()))
            write_copy(path, source.format, documents, path.with_suffix(""))
        except (OSError, FormatError) as error:
            print(f"bench.datelines: {error}", file=sys.stderr)
            return 1
        print(f"{path}: {len({one.group for one in documents}):,} documents, {len(documents):,} sentences")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.datelines", description="Mark the documents of CoNLL-2002's Spanish files."
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a file in columns; it is written anew")
    return parser.parse_args(arguments)


def divided(sentences: Iterable[Document]) -> Iterator[Document]:
    """The sentences, each with the number of its report as its document."""
    number = 1
    for place, sentence in enumerate(sentences):
        if place and isinstance(sentence.content, Sentence) and ends_in_dateline(sentence.content.tokens):
            number += 1
        yield replace(sentence, group=f"document {number}")


def ends_in_dateline(tokens: Sequence[str]) -> bool:
    """Whether these are the last words of a dateline: the agency in brackets, and a full stop."""
    match tokens:
        case [*_, _, "(", agency, ")", "."]:
            return agency.upper().startswith(AGENCY)
    return False


if __name__ == "__main__":
    sys.exit(main())
