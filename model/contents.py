"""What an archive holds, read and checked as data. It needs no torch: importing that takes two seconds."""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from nerve.model import tokenizer
from nerve.model.config import TaggerConfig, explain
from nerve.model.container import DAMAGED, METADATA, VOCABULARY, read_entries
from nerve.model.errors import ArchiveError
from nerve.model.metadata import FORMAT, Metadata
from nerve.model.vocabulary import Vocabulary


class Contents(NamedTuple):
    """An archive's file, and what it says; the weights among its entries are for `weights` to check."""

    file: bytes
    entries: Mapping[str, bytes]
    """of the zip file, by name below its root"""
    metadata: Metadata
    vocabulary: Vocabulary

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.file).hexdigest()


def read_contents(path: Path, sha256: Collection[str] = ()) -> Contents:
    """Read an archive, each part checked by itself.

    The file is read at once, because it may be replaced at any time.

    Args:
        path: the file.
        sha256: the SHA-256 that it may have; any if empty.

    Raises:
        ArchiveError: the file is missing, damaged, not an archive, of another format or tokenizer version, or has
            another SHA-256.
    """
    try:
        file = path.read_bytes()
        _check_pin(path, file, sha256)
        entries = read_entries(path, file)
        metadata, vocabulary = (json.loads(entries[f"extra/{name}"]) for name in (METADATA, VOCABULARY))
    except FileNotFoundError:
        raise ArchiveError(f"{path}: no such file") from None
    except (OSError, ValueError, *DAMAGED) as error:
        raise ArchiveError(f"{path}: not an archive, or damaged: {first_line(error)}") from error
    if not isinstance(metadata, dict):
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds")
    for key, ours in (("format", (FORMAT,)), ("tokenizer", tokenizer.READ)):
        if metadata.get(key) not in ours or isinstance(metadata[key], bool):
            theirs, read = str(metadata.get(key))[:40], " and ".join(map(str, ours))
            raise ArchiveError(f"{path}: {key} version {theirs}; this nerve reads {read}")
    try:
        contents = Contents(file, entries, Metadata.from_json(metadata), Vocabulary.from_json(vocabulary))
    except ValidationError as error:
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: {explain(error)}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        fact = first_line(error)[:200]
        raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: {fact}") from error
    _check_tables(path, contents.metadata.config, contents.vocabulary)
    return contents


def first_line(error: Exception) -> str:
    """The first line of an error: those of TorchScript are a page long and may begin with an empty line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # without the path, which a client of the service must not see
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _check_tables(path: Path, config: TaggerConfig, vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary with a table that the tagger does not have, or without one that it has."""
    for table, size in (("pairs", config.pair_size), ("lexicon", config.lexicon_size)):
        if (getattr(vocabulary, table) is not None) is not (size > 0):
            raise ArchiveError(f"{path}: its metadata is not what format {FORMAT} holds: the vocabulary's {table}")


def _check_pin(path: Path, file: bytes, sha256: Collection[str]) -> None:
    if sha256 and (digest := hashlib.sha256(file).hexdigest()) not in sha256:
        raise ArchiveError(f"{path}: its SHA-256 is {digest}, which is none of those that are allowed")
