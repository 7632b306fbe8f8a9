"""The documents as tests read them: their fenced blocks, commands, links, anchors and tables."""

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.support import ROOT

DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "bench" / "results" / "README.md",
    *sorted(ROOT.glob("recipes/*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}\S.*\n)+", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: the word after its opening fence, and its content."""

    language: str
    content: str


def blocks(document: Path, language: str = "") -> list[Block]:
    """The fenced blocks of a document, or those of one language, in order."""
    every = [Block(*match.groups()) for match in _FENCED.finditer(document.read_text(encoding="utf-8"))]
    return [block for block in every if not language or block.language == language]


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def shell_lines(document: Path) -> list[str]:
    """The lines of a document's `sh` blocks."""
    return [line for block in blocks(document, "sh") for line in block.content.splitlines()]


def commands(document: Path) -> list[str]:
    """Every command line of a document: in `sh` blocks, in indented blocks, and between backticks."""
    text = prose(document)
    indented = [line.strip() for match in _INDENTED.finditer(text) for line in match[0].splitlines()]
    return [*map(str.strip, shell_lines(document)), *indented, *_INLINE.findall(text)]


def exchanges(document: Path) -> list[tuple[str, str]]:
    """The curl commands of a document, each with the block of JSON, or of JSON lines, that follows as its answer."""
    return [
        (request.content, response.content)
        for request, response in pairwise(blocks(document))
        if "curl" in request.content and response.language in ("json", "jsonl")
    ]


def programs(document: Path, language: str = "python") -> list[tuple[str, str]]:
    """The programs of a document, each with the text block that follows it as its output."""
    return [
        (program.content, output.content)
        for program, output in pairwise(blocks(document))
        if program.language == language and output.language == "text"
    ]


def links(document: Path) -> list[str]:
    """The links of a document that lead into the repository, images included; some are an anchor alone."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts and the documentation site make them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(document))
    }


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table in a text whose first column has this heading, without backticks."""
    _, found, rest = text.partition(f"\n| {heading} |")
    assert found, f"there is no table headed {heading}"
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]
