"""Files of the toy corpus, and one real training on them that several modules look at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from toy_corpus import FLAGS, sentences, write_jsonl

from training import train
from training.formats import write_columns


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


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls a command that has to exit with 1, and returns what it says: one line."""

    def call(main: Callable[[list[str]], int], *arguments: object) -> str:
        assert main([str(one) for one in arguments]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        return err.rstrip("\n")

    return call
