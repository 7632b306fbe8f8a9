"""Files of the toy corpus, and one real training on them that several modules look at."""

from pathlib import Path

import pytest

from nerve.training import train
from nerve.training.data.formats import write_columns
from tests.support.toy_corpus import FLAGS, sentences, write_jsonl


@pytest.fixture(scope="session")
def toy_files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The flags that name train, dev and test; dev in an annotator's JSON lines, the others in columns."""
    folder = tmp_path_factory.mktemp("toy")
    write_columns(folder / "toy.conll", sentences(48, seed=1))
    write_jsonl(folder / "dev.jsonl", sentences(24, seed=2))
    write_columns(folder / "test.conll", sentences(24, seed=3))
    return [
        *("--train", str(folder / "toy.conll")),
        *("--dev", str(folder / "dev.jsonl")),
        *("--test", str(folder / "test.conll")),
    ]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_files: list[str]) -> Path:
    """The archive of a training that went through, its card and pictures beside it. Not to be changed."""
    output = tmp_path_factory.mktemp("trained") / "mine.pt"
    assert train.main([*toy_files, *FLAGS, "--output", str(output)]) == 0
    return output
