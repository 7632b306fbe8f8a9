"""The public corpora that have a name: where each is published, under which licence, and how it is read.

`sources.json` pins every file by URL, size and SHA-256. `load` reads a file from a folder or from the cache, into
which it downloads what is missing, and refuses a file with another hash. No corpus is part of this project.
"""

import contextlib
import hashlib
import http.client
import json
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

from tqdm import tqdm

from nerve.model.annotation import Sentence
from nerve.training.data.formats import load as load_file
from nerve.training.data.formats.columns import read_columns, read_iob2
from nerve.training.data.formats.published import (
    docred_documents,
    read_cluener,
    read_docred,
    read_gmb,
    read_msra_test,
    read_msra_train,
    read_weibo,
)

SPLITS = ("train", "dev", "test")
TIMEOUT_SECONDS = 30.0

_CHUNK = 1 << 16
# The dataset of this name is all datasets `crossner/…` one after another.
_JOINED = "crossner"
# The reader of each `format` in sources.json; it gets the path and the split.
_READERS: dict[str, Callable[[Path, str], list[Sentence]]] = {
    "columns-bio": lambda path, _: read_columns(path, "bio"),
    "columns-bio-mended": lambda path, _: read_columns(path, "bio", mend=True),
    "columns-iob1": lambda path, _: read_columns(path, "iob1"),
    "columns-bmes-mended": lambda path, _: read_columns(path, "bmes", mend=True),
    "iob2-characters": lambda path, _: read_iob2(path, characters=True),
    # OTH is annotated in the training split only.
    "iob2-without-oth": lambda path, _: read_iob2(path, drop=("OTH",)),
    "gmb": read_gmb,
    "msra-train": read_msra_train,
    "msra-test": lambda path, _: read_msra_test(path),
    "weibo": lambda path, _: read_weibo(path),
    "cluener": lambda path, _: read_cluener(path),
    "docred": read_docred,
}
# For the formats in which a document has a beginning, the reader of the number of sentences of each document.
_LENGTHS: dict[str, Callable[[Path, str], list[int]]] = {
    "columns-iob1": lambda path, _: load_file(path).lengths,
    "iob2-without-oth": lambda path, _: load_file(path).lengths,
    "docred": lambda path, split: [len(document) for document in docred_documents(path, split)],
}


class DatasetError(Exception):
    """A dataset cannot be read; the message is one line that names it, the URL or file, and the fact."""


@dataclass(frozen=True)
class Source:
    """One published file of a dataset, with its expected size and hash."""

    dataset: str
    splits: tuple[str, ...]
    file: str
    format: str
    url: str
    bytes: int
    sha256: str
    licence: str
    ships_openly: bool


def names() -> tuple[str, ...]:
    """Every name that `load` knows."""
    return (*_registry(), _JOINED)


def sources(name: str) -> tuple[Source, ...]:
    """The published files of a dataset.

    Raises:
        DatasetError: There is no dataset of this name.
    """
    if name == _JOINED:
        return tuple(
            source for part, sources in _registry().items() if part.startswith(f"{_JOINED}/") for source in sources
        )
    if name not in _registry():
        raise DatasetError(f"there is no dataset {name!r}; there are {', '.join(sorted(names()))}")
    return _registry()[name]


def splits(name: str) -> tuple[str, ...]:
    """Which of train, dev and test the dataset has.

    Raises:
        DatasetError: There is no dataset of this name.
    """
    present = {split for source in sources(name) for split in source.splits}
    return tuple(split for split in SPLITS if split in present)


def licence(name: str) -> str:
    """The licence of the data, in its publisher's words.

    Raises:
        DatasetError: There is no dataset of this name.
    """
    return sources(name)[0].licence


def ships_openly(name: str) -> bool:
    """Whether weights trained on it may be shipped under an open licence (with attribution).

    Raises:
        DatasetError: There is no dataset of this name.
    """
    return all(source.ships_openly for source in sources(name))


def load(
    name: str,
    split: str,
    data_dir: Path | None = None,
    cache: Path | None = None,
    *,
    progress: bool = True,
    mirror: str = "",
    timeout: float = TIMEOUT_SECONDS,
) -> list[Sentence]:
    """The sentences of one split of a dataset.

    Args:
        name: One of `names()`.
        split: `train`, `dev` or `test`.
        data_dir: A folder that holds the published files as DIR/NAME/FILE; nothing is downloaded then.
        cache: Where downloaded files are kept; default: the folder `nerve` in $XDG_CACHE_HOME or ~/.cache.
        progress: Show a progress bar on stderr during a download.
        mirror: A base URL that serves the files as MIRROR/NAME/FILE instead of their publishers.
        timeout: How many seconds a server may send nothing.

    Raises:
        DatasetError: No such dataset or split, no such file, no network, or another file than the pinned one.
        FormatError: The file is not what its reader expects.
    """
    sentences: list[Sentence] = []
    for source in _sources_of(name, split):
        if data_dir is not None:
            path = _from_folder(source, data_dir)
        else:
            path = _from_cache(source, cache or default_cache(), progress, mirror, timeout)
        sentences += _READERS[source.format](path, split)
    return sentences


def document_lengths(name: str, split: str, data_dir: Path | None = None) -> list[int]:
    """How many of the sentences that `load` gives each document of a split has, in their order.

    Raises:
        DatasetError, FormatError: As `load`, or the dataset does not say where a document begins.
    """
    lengths: list[int] = []
    for source in _sources_of(name, split):
        if source.format not in _LENGTHS:
            raise DatasetError(f"{name} does not say where a document begins")
        path = _from_folder(source, data_dir) if data_dir is not None else _from_cache(source, default_cache())
        lengths += _LENGTHS[source.format](path, split)
    return lengths


def default_cache() -> Path:
    """The folder `nerve` in $XDG_CACHE_HOME, or in ~/.cache where that is not set."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nerve"


def _sources_of(name: str, split: str) -> list[Source]:
    """The published files with sentences of a split. Raises DatasetError."""
    if split not in splits(name):
        raise DatasetError(f"{name} has no {split} split; it has {', '.join(splits(name))}")
    return [source for source in sources(name) if split in source.splits]


@once
def _registry() -> dict[str, tuple[Source, ...]]:
    datasets = json.loads(Path(__file__).with_name("sources.json").read_text(encoding="utf-8"))
    return {
        name: tuple(
            Source(
                dataset=name,
                licence=dataset["licence"],
                ships_openly=dataset["ships_openly"],
                **{**file, "splits": tuple(file["splits"])},
            )
            for file in dataset["files"]
        )
        for name, dataset in datasets.items()
    }


def _from_folder(source: Source, folder: Path) -> Path:
    path = folder / source.file
    if not path.is_file():
        raise DatasetError(f"{source.dataset}: --data-dir has no file {path}; it is published at {source.url}")
    fault = _fault(source, path)
    if fault:
        raise DatasetError(f"{source.dataset}: {path} is not the file published at {source.url}: {fault}")
    return path


def _from_cache(
    source: Source, cache: Path, progress: bool = True, mirror: str = "", timeout: float = TIMEOUT_SECONDS
) -> Path:
    path = cache / source.file
    url = f"{mirror.rstrip('/')}/{urllib.parse.quote(source.file)}" if mirror else source.url
    try:
        # A file that was damaged since its download is downloaded again.
        if not path.is_file() or _fault(source, path):
            with _folder_for(path, cache):
                _fetch(source, url, path, progress, timeout)
    except OSError as error:
        raise _refusal(source, url, f"the cache {cache} cannot be written: {error.strerror or error}") from None
    return path


def _fault(source: Source, path: Path) -> str:
    size = path.stat().st_size
    if size != source.bytes:
        return f"it has {size:,} bytes, not {source.bytes:,}"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if found == source.sha256 else f"its SHA-256 is {found}, not {source.sha256}"


@contextlib.contextmanager
def _folder_for(path: Path, cache: Path) -> Iterator[None]:
    """Make the folders above `path`; on leaving, remove those below the cache that are empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # not empty
            for folder in path.parents:
                if folder == cache:
                    break
                folder.rmdir()


def _fetch(source: Source, url: str, path: Path, progress: bool, timeout: float) -> None:
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    partial = Path(name)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            tqdm(desc=path.name, total=source.bytes, unit="B", unit_scale=True, disable=not progress) as bar,
        ):
            received = 0
            for chunk in _chunks(source, url, timeout):
                received += len(chunk)
                if received > source.bytes:
                    raise _refusal(source, url, f"it has more than the expected {source.bytes:,} bytes")
                digest.update(chunk)
                file.write(chunk)
                bar.update(len(chunk))
        if received < source.bytes:
            raise _refusal(source, url, f"the download was cut off after {received:,} of {source.bytes:,} bytes")
        if digest.hexdigest() != source.sha256:
            raise _refusal(source, url, f"its SHA-256 is {digest.hexdigest()}, not {source.sha256}")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _chunks(source: Source, url: str, timeout: float) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            while chunk := response.read(_CHUNK):
                yield chunk
    except http.client.IncompleteRead:
        return  # the count of bytes says the rest
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(source, url, f"the server answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _refusal(source, url, f"cannot be reached: {error.reason}") from None
    except TimeoutError:
        raise _refusal(source, url, f"the server was silent for {timeout:g} s") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _refusal(source, url, f"the download broke: {error!r}") from None


def _refusal(source: Source, url: str, fact: str) -> DatasetError:
    return DatasetError(
        f"{source.dataset}: {url}: {' '.join(fact.split())}; to read the files from a folder, give --data-dir DIR"
    )
