"""The documents against the code: links, commands, tables of settings, examples of files."""

import importlib.util
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import accuracy, gpu, http, politics, tagger, train
from nerve import __version__
from nerve.model.config import TaggerConfig
from nerve.service.settings import BUNDLED_MODELS, Settings, flag, read_settings, variable
from nerve.training import config, evaluate, options
from nerve.training.config import TrainingConfig, settings_of
from nerve.training.data import datasets
from nerve.training.data.formats import read
from recipes import cooccurrence, script, vectors
from tests.support.documents import DOCUMENTS, ROOT, blocks, commands, links, table

TRAINING = ROOT / "docs" / "training.md"
HTTP_API = ROOT / "docs" / "http-api.md"


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    targets = [document.parent / link.partition("#")[0] for link in links(document)]
    assert [str(target) for target in targets if not target.exists()] == []


def clicked(page: Path) -> set[Path]:
    """Where the links of a page lead, or the files of a folder."""
    if page.is_dir():
        return set(page.iterdir())
    return (
        {(page.parent / link.partition("#")[0]).resolve() for link in links(page)} if page.suffix == ".md" else set()
    )


def test_every_page_is_one_click_from_the_readme_and_every_document_two() -> None:
    once = clicked(ROOT / "README.md")
    twice = {page for one in once for page in clicked(one)}
    assert set((ROOT / "docs").glob("*.md")) - once == set()
    assert set(DOCUMENTS) - once - twice == set()


def python_commands() -> list[str]:
    shown = {command for document in DOCUMENTS for command in commands(document)}
    through_make = [shlex.split(command)[2] for command in shown if command.startswith("make train ARGS=")]
    shown |= {"python -m nerve.training.train " + arguments.removeprefix("ARGS=") for arguments in through_make}
    return sorted(command for command in shown if "python -m " in command)


@pytest.mark.parametrize("command", python_commands())
def test_every_python_command_can_be_read_by_its_program(command: str) -> None:
    words = shlex.split(command.partition("python -m ")[2])
    module, arguments = words[0], words[1:]
    assert importlib.util.find_spec(module) is not None
    if not arguments:
        return  # the name of a program
    parsers: dict[str, Callable[[], object]] = {
        "nerve.training.train": lambda: options.configuration(options.parse(with_known_file(arguments))),
        "nerve.training.evaluate": lambda: evaluate.parse(arguments),
        "recipes.vectors": lambda: vectors.parse(arguments),
        "recipes.cooccurrence": lambda: cooccurrence.parse(arguments),
        "recipes.script": lambda: script.parse(arguments),
        "bench.accuracy": lambda: accuracy.parse(arguments),
        "bench.gpu": lambda: gpu.parse(arguments),
        "bench.http": lambda: http.parse(arguments),
        "bench.politics": lambda: politics.parse(arguments),
        "bench.tagger": lambda: tagger.parse(arguments),
        "bench.train": lambda: train.parse(arguments),
        "nerve.service": lambda: read_settings(arguments),
    }
    if module in ("nerve.model.archive", "nerve.service.openapi", "bench.start"):
        assert len(arguments) == 1
    else:
        assert parsers[module]() is not None


def with_known_file(arguments: list[str]) -> list[str]:
    """A configuration that the reader is told to write is stood in for by the bundled model's."""
    return [str(ROOT / "recipes" / "en" / "en.toml") if word == "mine.toml" else word for word in arguments]


def plain(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


@pytest.mark.parametrize(("kind", "section"), [(TrainingConfig, "training"), (TaggerConfig, "tagger")])
def test_every_setting_of_a_training_is_documented_with_its_default(kind: type, section: str) -> None:
    text = TRAINING.read_text(encoding="utf-8").partition(f"`[{section}]`:")[2]
    documented = {key: default.strip('"') for key, default, _ in table(text, "key")}
    assert documented == {name: plain(setting.default) for name, setting in settings_of(kind).items()}


def test_every_setting_of_the_service_is_documented_with_its_default() -> None:
    rows = table(HTTP_API.read_text(encoding="utf-8"), "variable")
    documented = {variable: (flag, default.replace(",", "")) for variable, flag, default, _ in rows}
    expected = {}
    for name, field in Settings.model_fields.items():
        bundled = ":".join(str(path.relative_to(ROOT)) for path in BUNDLED_MODELS)
        expected[variable(name)] = (flag(name), bundled if name == "models" else str(field.default))
    assert documented == expected


def test_every_public_corpus_is_documented() -> None:
    text = TRAINING.read_text(encoding="utf-8")
    assert [name for name in datasets.names() if name.removeprefix("crossner") not in text] == []


def test_every_example_of_an_annotation_tools_file_holds_the_same_names(tmp_path: Path) -> None:
    examples = [(block.language, block.content) for block in blocks(TRAINING) if block.language in ("jsonl", "conll")]
    assert [language for language, _ in examples] == ["jsonl"] * 4 + ["conll"]
    found = []
    for number, (language, content) in enumerate(examples):
        path = tmp_path / f"{number}.{language}"
        path.write_text(content, encoding="utf-8")
        found.append(read(path))
    assert all(sentences == found[0] for sentences in found)
    assert found[0][0].tags == ("B-PER", "I-PER", "O", "O", "B-LOC", "O")


def test_the_example_of_a_configuration_is_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    (block,) = blocks(TRAINING, "toml")
    path.write_text(block.content, encoding="utf-8")
    assert [corpus.name for corpus in config.read(path, {}, []).corpora] == ["wnut17", "my.train"]


def test_the_changelog_is_about_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    latest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert latest.startswith(__version__)
    assert project["version"] == __version__
