"""What the tests of several modules share: a tiny untrained tagger and its archive."""

import inspect
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings

from nerve.model.archive import save
from nerve.model.config import TaggerConfig
from nerve.model.metadata import Metadata
from nerve.model.tagger import Tagger
from nerve.model.tags import tags_of
from nerve.model.vocabulary import Vocabulary

SMALL = TaggerConfig(hidden_size=6, word_size=8, affix_size=3, character_size=4, character_filters=5)
# The same examples every time; `--hypothesis-profile many` takes others, more of them.
_ALWAYS = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("suite", derandomize=True, max_examples=225, **_ALWAYS)
settings.register_profile("many", max_examples=5_000, **_ALWAYS)
settings.load_profile("suite")
# As in the service and in training: threads wait for each other at every small step, which on busy cores takes up to
# 200 times as long.
torch.set_num_threads(1)
# Hundreds of processes are started, and each would compile our modules again; pytest, too, keeps what it compiles.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def once_for_a_class(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function with a memory of what it returned for classes, and for nothing else, which tests throw away."""
    remembered = cache(read)
    return lambda source: remembered(source) if isinstance(source, type) else read(source)


# torch reads the source of its LSTM again, by parsing the whole file, for each layer that it scripts: 0.1 s.
inspect.getsourcelines = once_for_a_class(inspect.getsourcelines)
# A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

KNOWN = "Angela Merkel visited the city of New York on Monday , and München in 2005 ."


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.build([KNOWN.split()])


@pytest.fixture(scope="session")
def paired_vocabulary() -> Vocabulary:
    return Vocabulary.build([KNOWN.split()], with_pairs=True)


@pytest.fixture(scope="session")
def lexicon_vocabulary(paired_vocabulary) -> Vocabulary:
    """Of a tagger that looks at pairs and has a lexicon."""
    return replace(paired_vocabulary, lexicon=("newyork", "cityofnew", "ofnewyorkon"))


@pytest.fixture(scope="session")
def tags() -> tuple[str, ...]:
    return tags_of(["LOC", "PER"])


@pytest.fixture(scope="session")
def make_tagger(vocabulary, paired_vocabulary, lexicon_vocabulary, tags):
    """Builds a small tagger, in evaluation mode, with settings that differ from `SMALL` as asked; one that looks at
    pairs is for `paired_vocabulary`, one that has a lexicon, too, for `lexicon_vocabulary`. Its emissions and
    transitions are spread out, so that without training it gives many different tags."""

    def make(**settings) -> Tagger:
        torch.manual_seed(1)
        known = paired_vocabulary if settings.get("pair_size") else vocabulary
        known = lexicon_vocabulary if settings.get("lexicon_size") else known
        tagger = Tagger(replace(SMALL, **settings), known, tags).eval()
        with torch.no_grad():
            tagger.emission.weight.mul_(8)
            for parameter in tagger.crf.parameters():
                parameter.normal_()
        return tagger

    return make


@pytest.fixture(scope="session")
def metadata(tags) -> Metadata:
    return Metadata(
        name="tiny",
        description="Untrained, für die Tests 測試",
        language="en",
        licence="CC0-1.0",
        tags=tags,
        config=SMALL,
        datasets=[{"name": "none", "licence": "CC0-1.0", "sentences": 0}],
        scores={"none": {"test": {"f1": 12.5}}},
        settings={"seed": 1},
        code_version="test",
    )


@pytest.fixture(scope="session")
def archive_bytes(tmp_path_factory, make_tagger, vocabulary, metadata) -> bytes:
    path = tmp_path_factory.mktemp("archive") / "tiny.pt"
    save(path, make_tagger(), vocabulary, metadata)
    return path.read_bytes()


@pytest.fixture
def archive_path(tmp_path, archive_bytes) -> Path:
    """An archive of what `make_tagger()` makes, the test's own."""
    path = tmp_path / "tiny.pt"
    path.write_bytes(archive_bytes)
    return path


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
