"""The documents as tests read them: their fenced blocks, commands and links."""

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.support import ROOT

DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}\S.*\n)+", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A fenced block: the word behind its opening fence, and what it holds."""

    language: str
    content: str


def blocks(document: Path, language: str = "") -> list[Block]:
    """The fenced blocks of a document, or those of one language, in order."""
    found = [Block(*match.groups()) for match in _FENCED.finditer(document.read_text(encoding="utf-8"))]
    return [block for block in found if not language or block.language == language]


def commands(document: Path) -> list[str]:
    """Every command line that a document shows: in `sh` blocks, in indented ones, and between backticks."""
    text = document.read_text(encoding="utf-8")
    shown = [block.content for block in blocks(document, "sh")]
    shown += [match[0] for match in _INDENTED.finditer(_FENCED.sub("", text))]
    lines = [line.strip() for content in shown for line in content.splitlines()]
    return [*lines, *_INLINE.findall(_FENCED.sub("", text))]


def exchanges(document: Path) -> list[tuple[str, str]]:
    """The curl commands of a document, each with the block of JSON, or of lines of it, that follows as the answer."""
    found = blocks(document)
    return [
        (asked.content, answered.content)
        for asked, answered in pairwise(found)
        if "curl" in asked.content and answered.language in ("json", "jsonl")
    ]


def links(document: Path) -> list[str]:
    """The relative links of a document, images included."""
    text = _FENCED.sub("", document.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:|#", target)]


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table in a text whose first column has this heading, without backticks."""
    _, found, rest = text.partition(f"\n| {heading} |")
    assert found, f"there is no table headed {heading}"
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]
