"""What installed distributions say that they need, as their metadata has it."""

import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import ROOT


def project() -> dict[str, Any]:
    """The `[project]` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def required(requirements: Iterable[str]) -> set[str]:
    """The canonical names of these requirements and of all that they need in turn, on this Python."""
    seen: set[tuple[str, str]] = set()
    return {name for line in requirements for name in _below(Requirement(line), seen)}


def _below(requirement: Requirement, seen: set[tuple[str, str]]) -> Iterator[str]:
    name = canonicalize_name(requirement.name)
    for extra in ("", *requirement.extras):
        if (name, extra) not in seen:
            seen.add((name, extra))
            yield name
            for child in map(Requirement, metadata.requires(name) or ()):
                if child.marker is None or child.marker.evaluate({"extra": extra}):
                    yield from _below(child, seen)
