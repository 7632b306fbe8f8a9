"""What a model says of itself: the language of its texts, and what it owes to the model that it began with."""

from dataclasses import replace
from pathlib import Path

import pytest

from nerve.model.contents import Contents
from nerve.model.metadata import Metadata
from nerve.model.vocabulary import Vocabulary
from nerve.training import provenance
from nerve.training.config import Config, from_json
from nerve.training.data.corpora import Corpus
from nerve.training.provenance import described, found_language, language_line
from tests.support.toy_corpus import annotated, corpus, metadata, sentences


def words(text: str) -> list[str]:
    return text.split()


ENGLISH = words("They walked home in the rain and she was not at the door .")
GERMAN = words("Er ging nach Hause und sie war nicht an der Tür .")
DANISH = [
    "De",
    "gik",
    "hjem",
    "i",
    "regnen",
    ",",
    "og",
    "hun",
    "var",
    "ikke",
    "ved",
    "døren",
    ",",
    "for",
    "det",
    "var",
    "blevet",
    "sent",
    ".",
]
CHINESE = list("他们在雨中走回家")
NAMES = words("Ada Lovelace London")


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        ([ENGLISH], "en"),
        ([GERMAN] * 50, "de"),
        ([DANISH] * 50, "da"),
        ([CHINESE] * 50, "zh"),
        ([ENGLISH] * 400 + [GERMAN] * 20, "en"),
        ([ENGLISH] * 200 + [GERMAN] * 200, None),
        ([NAMES] * 50, None),
        ([], None),
    ],
)
def test_the_language_is_that_of_nearly_all_sentences(texts: list[list[str]], language: str | None) -> None:
    assert found_language(texts) == language


def config(**more: object) -> Config:
    return from_json({"corpora": [{"dataset": "wnut17"}], **more}, "test")


def toy(tokens: list[str]) -> Corpus:
    one = replace(annotated(sentences(1))[0], tokens=tuple(tokens), spans=())
    return replace(corpus(), splits={"train": (one,) * 20})


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Metadata:
    """The model begun with, which itself began with another."""
    told = metadata(
        name="old",
        licence="CC BY-SA 4.0",
        language="nl",
        datasets=[{"name": "news"}, {"name": "web", "model": "oldest"}],
        settings={
            "corpora": [{"dataset": "news", "guideline": "en"}, {"dataset": "x"}],
            "begun_with": {"guidelines": ["older"]},
        },
    )

    def read(path: Path) -> Contents:
        assert path == Path("old.pt")
        return Contents(b"", {}, told, Vocabulary((), (), (), (), ()))

    monkeypatch.setattr(provenance, "read_contents", read)
    return told


BEGUN = config(training={"init": "old.pt"})


def test_licence_data_and_guidelines_of_the_model_begun_with_are_carried(origin: Metadata) -> None:
    before = metadata(licence="CC0", datasets=[{"name": "mine"}], settings={"command": "x"})
    found = described(before, BEGUN, [toy(ENGLISH)])
    assert found.licence == "CC0; CC BY-SA 4.0"
    assert found.datasets == [
        {"name": "mine"},
        {"model": "old", "name": "news"},
        {"model": "oldest", "name": "web"},
    ]
    assert found.settings == {
        "command": "x",
        "begun_with": {
            **{"name": "old", "licence": "CC BY-SA 4.0", "language": "nl"},
            "guidelines": ["en", "older"],
        },
    }
    assert origin.licence in found.licence


@pytest.mark.usefixtures("origin")
def test_a_licence_that_is_given_is_kept() -> None:
    given = config(training={"init": "old.pt"}, licence="CC BY 4.0")
    assert described(metadata(licence="CC BY 4.0"), given, [toy(ENGLISH)]).licence == "CC BY 4.0"


@pytest.mark.usefixtures("origin")
def test_the_same_licence_is_stated_once() -> None:
    assert described(metadata(licence="CC BY-SA 4.0"), BEGUN, [toy(ENGLISH)]).licence == "CC BY-SA 4.0"


@pytest.mark.usefixtures("origin")
@pytest.mark.parametrize(
    ("given", "tokens", "language"),
    [
        (config(), ENGLISH, "en"),
        (config(), NAMES, "und"),
        (config(language="fr"), ENGLISH, "fr"),
        (config(language="und"), ENGLISH, "und"),
        (BEGUN, ENGLISH, "en"),
        (BEGUN, NAMES, "nl"),
    ],
)
def test_the_language_is_given_or_found_or_that_of_the_model_begun_with(
    given: Config, tokens: list[str], language: str
) -> None:
    assert described(metadata(), given, [toy(tokens)]).language == language


@pytest.mark.parametrize(
    ("given", "language", "line"),
    [
        ("fr", "fr", "language: fr"),
        ("", "en", "language: en, found; --language says another, or und to read every text"),
        ("", "und", "language: unclear from the training texts, so that every text is read; --language says it"),
    ],
)
def test_the_language_is_said_with_the_way_to_say_another(given: str, language: str, line: str) -> None:
    assert language_line(metadata(language=language), config(language=given)) == line
