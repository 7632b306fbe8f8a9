"""What a run writes: a folder of parts, or one file, whose parts are in a hidden folder beside it until it is there.

A file takes its name when it is whole. `.NAME.manifest.json` beside it says what it was made from, and `NAME.errors`,
if there are any, which records could not be read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from nerve.bulk import compression, inputs, manifest, parquet, storage
from nerve.bulk.columns import Columns
from nerve.bulk.errors import BulkError
from nerve.bulk.parts import Part
from nerve.bulk.storage import Folder

FORMATS = ("jsonl", "conll", "parquet")
"""The formats of files, each of which a name can say."""

# Ends of names that say something, but nothing that is written.
_REFUSED = {*inputs.SUFFIXES, *compression.SUFFIXES, ".json"}

_COPIED_BYTES = 1 << 20


@dataclass(frozen=True)
class Parts:
    """A folder of parts."""

    folder: Folder

    form = "jsonl"
    """The format of the parts, unless the user says another one."""
    compressed = ""
    """How they are compressed: not at all."""

    @property
    def listed(self) -> str:
        """The files that list the records that could not be read."""
        return self.folder.place("part-*.errors")

    @property
    def places(self) -> tuple[str, ...]:
        """The files and folders that are written, and therefore are no inputs."""
        return (self.folder.name,)

    def check(self, described: dict[str, Any]) -> None:
        """Make the folder, unless it holds another run. Raises BulkError."""
        manifest.check(self.folder, described)
        self.folder.make()

    def claim(self, described: dict[str, Any]) -> None:
        """Say what the parts are made from, before the first has its name. Raises BulkError."""
        manifest.claim(self.folder, described)

    def is_whole(self) -> bool:
        """Whether nothing is left to do, whatever parts there are."""
        return False

    def finish(self, parts: Sequence[Part], suffix: str, columns: Columns | None, described: dict[str, Any]) -> None:
        """Nothing is left to do when the parts are there."""

    def errors(self, parts: Sequence[Part]) -> int:
        """How many records of these parts could not be read. Raises BulkError."""
        names = self.folder.names()
        return sum(self.folder.lines(part.errors_name) for part in parts if part.errors_name in names)


@dataclass(frozen=True)
class File:
    """One file."""

    name: str
    """its path or URL"""

    @property
    def form(self) -> str:
        """What its name says of its content; one of `FORMATS`."""
        return inputs.format_of(self.name) or ""

    @property
    def compressed(self) -> str:
        """How its name says that it is compressed; one of `compression.SUFFIXES`, or nothing."""
        return compression.suffix_of(self.name)

    @property
    def folder(self) -> Folder:
        """The folder of its parts."""
        return Folder(self._beside.place(f".{self._base}.parts"))

    @property
    def listed(self) -> str:
        """The file that lists the records that could not be read."""
        return f"{self.name}.errors"

    @property
    def places(self) -> tuple[str, ...]:
        """The files and folders that are written, and therefore are no inputs."""
        return (self.name, self.listed, self.folder.name, self._beside.place(self._manifest))

    def check(self, described: dict[str, Any]) -> None:
        """Raise BulkError if the file, or its parts, are of another run."""
        if not self.is_whole():
            manifest.check(self.folder, described, self._remedy)
            return
        remedy = "choose another one, or remove it"
        if not storage.exists(self._beside.place(self._manifest)):
            fact = f"there is such a file, but no {self._manifest} that says what it was made from"
            raise BulkError(f"{self.name}: {fact}; {remedy}")
        manifest.compare(self._beside.read(self._manifest), described, f"{self.name}: this file", remedy)

    def claim(self, described: dict[str, Any]) -> None:
        """Say what the parts are made from, before the first has its name. Raises BulkError."""
        manifest.claim(self.folder, described, self._remedy)

    def is_whole(self) -> bool:
        """Whether the file is there, and so nothing is left to do, whatever parts there are. Raises BulkError."""
        return storage.exists(self.name)

    def finish(self, parts: Sequence[Part], suffix: str, columns: Columns | None, described: dict[str, Any]) -> None:
        """Join the parts, in their order and in constant memory, and remove them when the file has its name.

        Args:
            parts: all parts, whose files are there.
            suffix: the end of their names.
            columns: those of Parquet; None for other formats.
            described: the manifest.

        Raises:
            BulkError: a part cannot be read, the file cannot be written, or somebody else has written one meanwhile.
        """
        if self.is_whole():
            self.check(described)
        else:
            self._join_errors(parts)
            with self._beside.replacing(self._manifest) as file:
                file.write(manifest.encoded(described))
            names = [part.name(suffix) for part in parts]
            with self._beside.replacing(self._base) as file:
                if columns:
                    parquet.write(self._row_groups(names), file, columns)
                else:
                    file.writelines(self._content(names))
        self.folder.remove_all()

    def errors(self, _: Sequence[Part]) -> int:
        """How many records could not be read. Raises BulkError."""
        return self._beside.lines(self._errors) if storage.exists(self.listed) else 0

    def _join_errors(self, parts: Sequence[Part]) -> None:
        names = self.folder.names()
        found = [part.errors_name for part in parts if part.errors_name in names]
        if not found:
            self._beside.remove(self._errors)  # of an older file of this name, which is gone
            return
        with self._beside.replacing(self._errors) as file:
            file.writelines(self._content(found))

    def _content(self, names: Sequence[str]) -> Iterator[bytes]:
        """The bytes of files of the folder of parts, one after the other."""
        for name in names:
            with storage.opened(self.folder.place(name)) as file:
                while some := file.read(_COPIED_BYTES):
                    yield some

    def _row_groups(self, names: Sequence[str]) -> Iterator[Any]:
        """The row groups of tables of the folder of parts, one after the other."""
        for place in map(self.folder.place, names):
            try:
                with storage.opened(place) as file:
                    yield from parquet.row_groups(file)
            except compression.CorruptError as error:
                raise BulkError(f"{place}: {error}; remove it and give the command again") from None

    @property
    def _beside(self) -> Folder:
        """The folder that the file is in."""
        return Folder(self.name.removesuffix(self._base) or ".")

    @property
    def _base(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def _manifest(self) -> str:
        return f".{self._base}.{manifest.NAME}"

    @property
    def _errors(self) -> str:
        return f"{self._base}.errors"

    @property
    def _remedy(self) -> str:
        return f"choose another name than {self.name}, or remove it"


Output = Parts | File
"""What `nerve tag --output` may mean."""


def named(name: str) -> Output:
    """The output that a name means: a file where it ends as one that can be written, otherwise a folder.

    A folder that is there, and a name with `/` behind it, are folders whatever their names are.

    Raises:
        BulkError: the name is that of a file that cannot be written.
    """
    if storage.is_web(name):
        raise BulkError(f"{name}: a web server takes no files; name a path, or the URL of a store")
    if not name:
        raise BulkError("the name of the output is empty")
    if name.endswith("/") or storage.is_folder(name):
        return Parts(Folder(name))
    file = File(name)
    if file.form in FORMATS and not (file.form == "parquet" and file.compressed):
        return file
    if PurePath(name.lower()).suffix in _REFUSED:
        raise BulkError(f"{name}: {_written()}; for a folder of this name, put / behind it")
    return Parts(Folder(name))


def _written() -> str:
    ends = ", ".join(f".{form}" for form in FORMATS)
    return f"files that can be written end in {ends}, the first two also with {', '.join(compression.SUFFIXES)}"
