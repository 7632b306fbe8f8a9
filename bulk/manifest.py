"""The manifest of an output folder: what its parts were made from, so that parts of two runs never mix."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nerve import __version__
from nerve.bulk import models
from nerve.bulk.errors import BulkError
from nerve.bulk.files import replacing
from nerve.bulk.inputs import Input
from nerve.bulk.settings import Settings

NAME = "manifest.json"

# Of a file, its size and the SHA-256 of its first and last bytes are compared: to read all would take minutes.
_EDGE_BYTES = 1 << 16

# These change nothing in what is written.
_FREE = ("model", "device", "threads", "strict")


def describe(files: Sequence[Input], settings: Settings, part_bytes: int) -> dict[str, Any]:
    """The manifest of a run. Raises ArchiveError and BulkError."""
    return {
        "nerve": __version__,
        "models": models.digests(settings.model),
        "part_bytes": part_bytes,
        "settings": {name: value for name, value in asdict(settings).items() if name not in _FREE},
        "inputs": [
            {"name": file.name, "format": file.form, "bytes": file.size, "sha256_of_ends": _ends(file)}
            for file in files
        ],
    }


def claim(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest into the folder, or check the one that is there.

    Raises:
        BulkError: the folder holds another run, or cannot be written.
    """
    path = folder / NAME
    ours = json.loads(json.dumps(manifest))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        theirs = json.loads(path.read_bytes())
    except FileNotFoundError:
        if any(folder.glob("part-*")):
            raise BulkError(f"{folder}: there are parts in this folder, but no {NAME}; choose another one") from None
        with replacing(path) as file:
            file.write((json.dumps(ours, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))
        return
    except ValueError:
        raise BulkError(f"{path}: not JSON; choose another folder") from None
    except OSError as error:
        raise BulkError(f"{folder}: cannot be used: {error.strerror}") from None
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
    if len(theirs["inputs"]) != len(ours["inputs"]):
        return f"of {len(theirs['inputs']):,} input files, not {len(ours['inputs']):,}"
    changed = [mine["name"] for their, mine in zip(theirs["inputs"], ours["inputs"], strict=True) if their != mine]
    return f"of another input than {changed[0]}, by its name, size or content"


def _ends(file: Input) -> str:
    try:
        with Path(file.name).open("rb") as opened:
            digest = hashlib.sha256(opened.read(_EDGE_BYTES))
            opened.seek(max(0, file.size - _EDGE_BYTES), os.SEEK_SET)
            digest.update(opened.read(_EDGE_BYTES))
    except OSError as error:
        raise BulkError(f"{file.name}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()
