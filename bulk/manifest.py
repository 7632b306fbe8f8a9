"""The manifest of an output: what it was made from, so that parts of two runs never mix."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nerve import __version__
from nerve.bulk import models, storage
from nerve.bulk.columns import Columns
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input
from nerve.bulk.settings import Settings
from nerve.bulk.storage import Folder

NAME = "manifest.json"
REMEDY = "choose another one"

# These change nothing in what is written.
_FREE = ("model", "device", "threads", "strict")


def describe(files: Sequence[Input], settings: Settings, part_bytes: int, columns: Columns | None) -> dict[str, Any]:
    """The manifest of a run. Raises ArchiveError and BulkError."""
    return {
        "nerve": __version__,
        "models": models.digests(settings.model),
        "part_bytes": part_bytes,
        "columns": columns.describe() if columns else None,
        "settings": {name: value for name, value in asdict(settings).items() if name not in _FREE},
        "inputs": [
            {
                "name": file.name,
                "format": file.form,
                "bytes": file.size,
                "content": storage.content(file.name, file.size),
            }
            for file in files
        ],
    }


def check(folder: Folder, manifest: dict[str, Any], remedy: str = REMEDY) -> bool:
    """Whether a folder has this manifest; not, if it has none and no parts.

    Args:
        folder: the folder.
        manifest: what `describe` returned.
        remedy: what the user can do where the folder holds another run.

    Raises:
        BulkError: the folder holds another run, or cannot be read.
    """
    names = folder.names()
    if NAME in names:
        compare(folder.read(NAME), manifest, f"{folder}: this folder", remedy)
        return True
    if any(name.startswith("part-") for name in names):
        raise BulkError(f"{folder}: there are parts in this folder, but no {NAME}; {remedy}")
    return False


def claim(folder: Folder, manifest: dict[str, Any], remedy: str = REMEDY) -> None:
    """Write the manifest into a folder, or check the one that is there: another process may just have written it.

    Raises:
        BulkError: the folder holds another run, or cannot be written.
    """
    if not check(folder, manifest, remedy) and not folder.create(NAME, encoded(manifest)):
        compare(folder.read(NAME), manifest, f"{folder}: this folder", remedy)


def encoded(manifest: dict[str, Any]) -> bytes:
    """The content of a file with this manifest."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def compare(content: bytes, manifest: dict[str, Any], holder: str, remedy: str) -> None:
    """Compare the content of a file with a manifest.

    Args:
        content: that of the file.
        manifest: what `describe` returned.
        holder: what the file describes, for the message.
        remedy: what the user can do where they differ.

    Raises:
        BulkError: they differ.
    """
    ours = json.loads(json.dumps(manifest))
    try:
        theirs = json.loads(content)
    except ValueError:
        raise BulkError(f"{holder} has a manifest that is not JSON; {remedy}") from None
    if theirs != ours:
        raise BulkError(f"{holder} holds another run, {_difference(theirs, ours)}; {remedy}")


def _difference(theirs: Any, ours: dict[str, Any]) -> str:
    """How another run differs from ours."""
    if not isinstance(theirs, dict) or theirs.keys() != ours.keys():
        return f"whose {NAME} has other fields"
    if theirs["nerve"] != ours["nerve"]:
        return f"by nerve {theirs['nerve']}; this is nerve {ours['nerve']}"
    if theirs["models"] != ours["models"]:
        return "with another model (the SHA-256 of its archive differs)"
    if theirs["part_bytes"] != ours["part_bytes"]:
        return f"with parts of {theirs['part_bytes']:,} bytes, not {ours['part_bytes']:,}"
    if theirs["settings"] != ours["settings"]:
        different = [name for name, value in ours["settings"].items() if theirs["settings"].get(name) != value]
        return f"with another setting: {', '.join(different)}"
    if theirs["columns"] != ours["columns"]:
        return "with other columns"
    if len(theirs["inputs"]) != len(ours["inputs"]):
        return f"of {len(theirs['inputs']):,} input files, not {len(ours['inputs']):,}"
    changed = [mine["name"] for their, mine in zip(theirs["inputs"], ours["inputs"], strict=True) if their != mine]
    return f"of another input than {changed[0]}, by its name, size or content"
