"""What the commands share that hold a model against an annotated file: the reading of both, and their refusals."""

import argparse
from collections.abc import Callable

from nerve import streams
from nerve.model.archive import Archive, ArchiveError
from nerve.model.files import WriteError
from nerve.training import reading
from nerve.training.config import ConfigError, CorpusConfig
from nerve.training.data.corpora import Corpus
from nerve.training.data.formats import FormatError
from nerve.training.evaluate import own_file, to_score

SPLIT = "test"
"""The split that the file is."""


def config(chosen: argparse.Namespace) -> CorpusConfig:
    """How to read the file."""
    return own_file(chosen.file, chosen.map, reading.reading(chosen))


def corpus(archive: Archive, chosen: argparse.Namespace) -> Corpus:
    """The file as a corpus. Raises ConfigError and FormatError."""
    return to_score(archive, config(chosen), SPLIT, chosen.labels)


def status(program: str, work: Callable[[], None]) -> int:
    """Return 0 after `work`, or 1 after a line that says what is wrong."""
    try:
        work()
    except (ArchiveError, ConfigError, FormatError, WriteError) as error:
        streams.complain(f"{program}: {error}")
        return 1
    return 0
