"""Posts and reviews as people write them, a line each: what VADER (Hutto and Gilbert 2014; MIT) was measured on.

    python -m recipes.posts vaderSentiment-3.3.2.tar.gz --output posts.txt

Of its four collections, the tweets and the reviews of products and films. Its newspaper's texts are left out: they
are a publisher's.
"""

import argparse
import html
import io
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
COLLECTIONS = ("tweets", "amazonReviewSnippets", "movieReviewSnippets")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    options = parse(arguments)
    try:
        text = "".join(f"{post}\n" for post in posts(options.package))
        options.output.write_text(text, encoding="utf-8")
    except (OSError, KeyError, tarfile.TarError) as error:
        print(f"recipes.posts: {options.package}: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options on the command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.posts", description="Posts and reviews, a line each.")
    parser.add_argument("package", type=Path, metavar="FILE.tar.gz", help="the source of vaderSentiment 3.3.2")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.txt")
    return parser.parse_args(arguments)


def posts(package: Path) -> Iterator[str]:
    """The texts of the collections, each behind its number and its rating in the file."""
    with tarfile.open(package) as source, tarfile.open(fileobj=io.BytesIO(_member(source, ARCHIVE))) as inner:
        for name in COLLECTIONS:
            lines = _member(inner, f"hutto_ICWSM_2014/{name}_GroundTruth.txt").decode("utf-8", errors="replace")
            for line in lines.splitlines():
                yield html.unescape(line.split("\t")[2]).strip()


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(f"{name} is no file")
    return file.read()


if __name__ == "__main__":
    sys.exit(main())
