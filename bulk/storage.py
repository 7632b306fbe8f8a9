"""Where inputs and outputs are: files of this machine, or URLs such as `s3://bucket/folder`, which fsspec reads.

A name with `://` is a URL. Stores for which there are packages (s3fs, gcsfs, adlfs) have folders as this machine has;
`http://` and `https://` are single files.
"""

import glob
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from nerve.bulk import files
from nerve.bulk.errors import BulkError
from nerve.bulk.extras import required

# Of a file of this machine, its first and last bytes stand for its content: to read all would take minutes.
_EDGE_BYTES = 1 << 16


def is_url(name: str) -> bool:
    """Whether a name is a URL."""
    return "://" in name


def local(name: str) -> str:
    """A name, as a path if it is the URL of a file of this machine."""
    return name.removeprefix("file://")


def is_web(name: str) -> bool:
    """Whether a name is that of a file on a web server, which is read from its begin to its end."""
    return name.startswith(("http://", "https://"))


def path_of(name: str) -> str:
    """A name without what may stand behind the path of a web address."""
    return urlsplit(name).path if is_web(name) else name


def is_folder(name: str) -> bool:
    """Whether a name is that of a folder. Raises BulkError."""
    if not is_url(name):
        return Path(name).is_dir()
    if is_web(name):
        return False
    with _said(name):
        system, path = _system(name)
        return bool(system.isdir(path))


def below(folder: str) -> list[str]:
    """The files in a folder and the folders below, sorted, but for hidden ones. Raises BulkError."""
    if is_url(folder):
        with _said(folder):
            system, path = _system(folder)
            found = (str(one) for one in system.find(path))
            inside = (one for one in found if not any(map(_hidden, one[len(path) :].split("/"))))
            return sorted(system.unstrip_protocol(one) for one in inside)
    found_here = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        found_here += [str(Path(parent, name)) for name in names if not _hidden(name)]
    return sorted(found_here)


def matching(pattern: str) -> list[str] | None:
    """The files that a glob stands for, sorted; None if the name is no glob. Raises BulkError."""
    if not glob.has_magic(pattern) or is_web(pattern):
        return None
    if is_url(pattern):
        with _said(pattern):
            system, path = _system(pattern)
            return sorted(system.unstrip_protocol(one) for one in system.glob(path) if not system.isdir(one))
    if Path(pattern).exists():
        return None
    # Not Path.glob, which takes no absolute pattern.
    return [path for path in sorted(glob.glob(pattern, recursive=True)) if not Path(path).is_dir()]  # noqa: PTH207


def is_within(name: str, other: str) -> bool:
    """Whether a file is another one, or is in a folder or below it. Raises BulkError."""
    if not is_url(name) and not is_url(other):
        path = Path(name).resolve()
        return Path(other).resolve() in (path, *path.parents)
    if name.partition("://")[0] != other.partition("://")[0]:
        return False
    with _said(other):
        return f"{_system(name)[1]}/".startswith(f"{_system(other)[1].rstrip('/')}/")


def is_same(name: str, other: str) -> bool:
    """Whether two names are those of one file or folder. Raises BulkError."""
    return is_within(name, other) and is_within(other, name)


def exists(name: str) -> bool:
    """Whether there is a file or a folder of this name. Raises BulkError."""
    with _said(name):
        if not is_url(name):
            return Path(name).exists()
        system, path = _system(name)
        system.invalidate_cache()
        return bool(system.exists(path))


@contextmanager
def opened(name: str, *, seekable: bool = True) -> Iterator[BinaryIO]:
    """A file that is open for reading.

    Args:
        name: a path or a URL.
        seekable: whether it is read from several places. A web server need not know how to; others all do.

    Raises:
        BulkError: the file cannot be opened, or, inside of the context, cannot be read.
    """
    with _said(name):
        if not is_url(name):
            with Path(name).open("rb") as file:
                yield file
            return
        system, path = _system(name)
        # A stream instead of ranges, which many a web server ignores.
        streamed = {"block_size": 0} if is_web(name) and not seekable else {}
        with system.open(path, "rb", **streamed) as remote, io.BufferedReader(remote) as file:
            yield file


def size(name: str) -> int:
    """The length of a file in bytes; 0 if its server does not say. Raises BulkError."""
    with _said(name):
        if not is_url(name):
            with Path(name).open("rb") as file:  # a folder, and what nobody may read, are refused here
                return os.fstat(file.fileno()).st_size
        system, path = _system(name)
        return int(system.info(path)["size"] or 0)


def content(name: str, length: int) -> str:
    """A digest that another content of a file of this length changes. Raises BulkError."""
    with _said(name):
        if is_url(name):
            system, path = _system(name)
            return str(system.ukey(path))
        with Path(name).open("rb") as opened:
            digest = hashlib.sha256(opened.read(_EDGE_BYTES))
            opened.seek(max(0, length - _EDGE_BYTES), os.SEEK_SET)
            digest.update(opened.read(_EDGE_BYTES))
            return digest.hexdigest()


@dataclass(frozen=True)
class Folder:
    """The folder that a run writes to. Its files are there whole or not at all."""

    name: str

    def __str__(self) -> str:
        if not is_url(self.name):
            return str(Path(self.name))
        return self.name if self.name.endswith("://") else self.name.rstrip("/")

    def place(self, name: str) -> str:
        """The path or the URL of a file in it."""
        return f"{self}/{name}"

    def make(self) -> None:
        """Make it, if it is not there. Raises BulkError."""
        with _said(str(self), "used"):
            if is_url(self.name):
                system, path = _system(self.name)
                system.makedirs(path, exist_ok=True)
            else:
                Path(self.name).mkdir(parents=True, exist_ok=True)

    def names(self) -> set[str]:
        """The names of the files in it; none if there is no such folder. Raises BulkError."""
        with _said(str(self), "used"):
            try:
                if not is_url(self.name):
                    return {path.name for path in Path(self.name).iterdir()}
                system, path = _system(self.name)
                system.invalidate_cache()
                return {one.rstrip("/").rpartition("/")[2] for one in system.ls(path, detail=False)}
            except FileNotFoundError:  # an object store has no empty folders
                return set()

    def read(self, name: str) -> bytes:
        """The content of a file in it. Raises BulkError."""
        with opened(self.place(name)) as file:
            return file.read()

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one of this name; `files.create` says how. Raises BulkError."""
        if not is_url(self.name):
            return files.create(Path(self.name, name), content)
        with _said(self.place(name), "written"):
            system, path = _system(self.place(name))
            try:
                system.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
        return True

    def replacing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file that takes the place of another when the context ends without an error.

        Raises:
            BulkError: on leaving, the file cannot be written, for example because the disk is full.
        """
        return _uploaded(self.place(name)) if is_url(self.name) else files.replacing(Path(self.name, name))

    def lines(self, name: str) -> int:
        """How many lines a file in it has. Raises BulkError."""
        with opened(self.place(name)) as file:
            return sum(1 for _ in file)

    def remove(self, name: str) -> None:
        """Remove a file in it, if there is one. Raises BulkError."""
        with _said(self.place(name), "removed"), suppress(FileNotFoundError):
            if is_url(self.name):
                system, path = _system(self.place(name))
                system.rm_file(path)
            else:
                Path(self.name, name).unlink()

    def remove_all(self) -> None:
        """Remove it with all that is in it, if it is there. Raises BulkError."""
        with _said(str(self), "removed"), suppress(FileNotFoundError):
            if is_url(self.name):
                system, path = _system(self.name)
                system.rm(path, recursive=True)
            else:
                shutil.rmtree(self.name)


@contextmanager
def _uploaded(name: str) -> Iterator[BinaryIO]:
    """A file that is uploaded when it is complete. In an object store it then is there whole or not at all."""
    with tempfile.NamedTemporaryFile() as file:
        yield file  # type: ignore[misc]  # the wrapper has all that a BinaryIO has
        file.flush()
        with _said(name, "written"):
            system, path = _system(name)
            system.put_file(file.name, path)


def _system(name: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises BulkError and what the package for the store raises."""
    fsspec = required("fsspec", name, "fsspec")
    system, path = fsspec.url_to_fs(name)
    return system, str(path)


@contextmanager
def _said(name: str, deed: str = "read") -> Iterator[None]:
    """Raise BulkError for what the system, or the package for a store, has to say of a file."""
    try:
        yield
    except OSError as error:
        raise BulkError(f"{name}: cannot be {deed}: {error.strerror or _first_line(error)}") from None
    except Exception as error:
        # Each store has errors of its own; fsspec's are ValueError, and ImportError where a store needs a package.
        package = type(error).__module__.partition(".")[0]
        if not is_url(name) or (package in ("builtins", "nerve") and not isinstance(error, ImportError | ValueError)):
            raise
        raise BulkError(f"{name}: cannot be {deed}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "No such file or directory"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _hidden(name: str) -> bool:
    return name.startswith(".")
