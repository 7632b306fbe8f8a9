"""The file of an archive: a zip file with the entries of TorchScript and ours, as bytes.

What torch does not check is checked here: checksums, a digest of all entries, and what two readers of a zip file
might read differently.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from nerve.model.errors import ArchiveError

METADATA, VOCABULARY, _DIGEST = "metadata.json", "vocabulary.json", "sha256"
"""The entries below `extra/` that are ours; the digest is of all others, and archives of before 2026-11 have none."""

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises on a wrong byte: RuntimeError where an entry says that it is encrypted."""

_LARGEST = 10
"""How many times its own size the content of a file may have. The vocabulary is compressed, to a quarter."""

_FOLDER = 0x10
"""The bit of a zip entry's attributes that says that it is a folder."""


def sealed(content: io.BytesIO) -> bytes:
    """The zip file `content` with the digest of its entries, the vocabulary compressed, and no debugging entries.

    TorchScript's debugging entries hold the absolute paths, on the machine that exports, of the Python files that the
    script was made from.
    """
    finished = io.BytesIO()
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(finished, "w") as target:
        entries = [entry for entry in source.infolist() if not entry.filename.endswith(".debug_pkl")]
        for entry in entries:
            method = zipfile.ZIP_DEFLATED if entry.filename.endswith(VOCABULARY) else entry.compress_type
            target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), method)
        root = entries[0].filename.partition("/")[0]
        digest = content_digest({entry.filename.partition("/")[2]: source.read(entry) for entry in entries})
        target.writestr(zipfile.ZipInfo(f"{root}/extra/{_DIGEST}"), digest)
    return finished.getvalue()


def content_digest(entries: Mapping[str, bytes]) -> str:
    """SHA-256 of the names and contents of all entries, by name below the root, without that of the digest itself."""
    digest = hashlib.sha256()
    for name in sorted(entries.keys() - {f"extra/{_DIGEST}"}):
        digest.update(f"{len(name.encode())} {len(entries[name])} {name}".encode())
        digest.update(entries[name])
    return digest.hexdigest()


def read_entries(path: Path, content: bytes) -> dict[str, bytes]:
    """The content of each entry, by its name below the root.

    Args:
        path: what errors call the file.
        content: the file.

    Raises:
        ArchiveError: it is damaged, or no archive.
        OSError, ValueError, DAMAGED: zipfile cannot read it.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        listed = file.infolist()
        if sum(entry.file_size for entry in listed) > _LARGEST * len(content):
            raise ArchiveError(f"{path}: damaged: its content is more than {_LARGEST} times as large as the file")
        # torch checks no checksums, and for an entry that is a folder it reads whatever is in memory.
        if (damaged := file.testzip()) is not None:
            raise ArchiveError(f"{path}: damaged: the checksum of {damaged} is wrong")
        if any(entry.external_attr & _FOLDER for entry in listed):
            raise ArchiveError(f"{path}: damaged: an entry says that it is a folder")
        # torch and zipfile might read different ones of two entries with one name.
        if len({entry.filename.lower() for entry in listed}) != len(listed):
            raise ArchiveError(f"{path}: damaged: two entries have one name")
        if len({entry.filename.partition("/")[0] for entry in listed}) > 1:
            raise ArchiveError(f"{path}: not a nerve archive: it has several folders")
        entries = {entry.filename.partition("/")[2]: file.read(entry) for entry in listed}
    if not {f"extra/{METADATA}", f"extra/{VOCABULARY}"} <= entries.keys():
        raise ArchiveError(f"{path}: not a nerve archive: it holds no {METADATA}")
    digest = entries.get(f"extra/{_DIGEST}")
    if digest is not None and digest != content_digest(entries).encode():
        raise ArchiveError(f"{path}: damaged: the digest of its content is wrong")
    return entries
