"""The manifest of an output folder: what its parts were made from, so that parts of two runs never mix."""

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


def claim(folder: Folder, manifest: dict[str, Any]) -> None:
    """Write the manifest into the folder, or check the one that is there: another process may just have written it.

    Raises:
        BulkError: the folder holds another run, or cannot be written.
    """
    ours = json.loads(json.dumps(manifest))
    folder.make()
    names = folder.names()
    if NAME not in names:
        if any(name.startswith("part-") for name in names):
            raise BulkError(f"{folder}: there are parts in this folder, but no {NAME}; choose another one")
        content = (json.dumps(ours, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        if folder.create(NAME, content):
            return
    try:
        theirs = json.loads(folder.read(NAME))
    except ValueError:
        raise BulkError(f"{folder.place(NAME)}: not JSON; choose another folder") from None
    if theirs != ours:
        raise BulkError(f"{folder}: this folder holds another run, {_difference(theirs, ours)}; choose another one")


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
