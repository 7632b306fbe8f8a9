"""A file of one's own that is divided as its configuration says, and its parts written beside the model."""

import shutil
import tempfile
from pathlib import Path

from nerve.training.config import ConfigError, CorpusConfig
from nerve.training.data import split
from nerve.training.data.formats import load, write_copy
from nerve.training.data.split import Division, SplitError


def divided(config: CorpusConfig) -> Division:
    """The documents of the train file, divided.

    Raises:
        ConfigError: There are too few of them.
        FormatError: The file cannot be read.
    """
    documents = [one for one in load(Path(config.train), config.reading).faultless() if one.sentences()]
    try:
        if config.fold:
            return split.fold(documents, *config.fold_number, config.split_seed)
        return split.divided(documents, config.shares, config.split_seed)
    except SplitError as error:
        raise ConfigError(f"{config.train}: {error}") from error


def units(config: CorpusConfig) -> tuple[list[int], str]:
    """The number of the document that each sentence of the train file is in, from 0, and what the documents are.

    Raises:
        FormatError: The file cannot be read.
    """
    documents = load(Path(config.train), config.reading).faultless()
    read = [document.sentences() for document in documents]
    found = split.together(documents, read)
    numbers = {place: number for number, places in enumerate(found.places) for place in places}
    return [numbers[place] for place, sentences in enumerate(read) for _ in sentences], found.what


def write_parts(config: CorpusConfig, stem: Path, *, replace: bool) -> tuple[Division, list[Path]]:
    """Write the splits, so that other commands can use them: for the stem `mine`, `mine.dev.jsonl` and so on.

    The files have the format of the train file, or one that holds as much. Of a fold, dev and test are written.

    Args:
        config: A corpus that is divided.
        stem: The path of the files, without a suffix.
        replace: Write over files that hold something else.

    Returns:
        The division, and the paths of the files.

    Raises:
        ConfigError: As `divided`, or a file that is there holds something else.
        FormatError: As `divided`, or a package that the format needs is missing.
    """
    source = load(Path(config.train), config.reading)
    division = divided(config)
    paths = []
    with tempfile.TemporaryDirectory(prefix=f".{stem.name}.", dir=stem.parent) as folder:
        for name, documents in division.splits.items():
            if documents and not (config.fold and name == "train"):
                written = write_copy(source.path, source.format, documents, Path(folder, f"{stem.name}.{name}"))
                paths.append(stem.with_name(written.name))
                _move(written, paths[-1], replace)
    return division, paths


def _move(written: Path, path: Path, replace: bool) -> None:
    if path.exists() and not replace and _content(path) != _content(written):
        raise ConfigError(
            f"{path} is there and holds something else than this split: move it, or write over it with --restart"
        )
    if path.is_dir():
        shutil.rmtree(path)
    written.replace(path)


def _content(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return {str(file.relative_to(path)): file.read_bytes() for file in files if file.is_file()}
